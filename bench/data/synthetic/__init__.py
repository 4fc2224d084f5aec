"""Synthetic datasets, written in the folder format."""

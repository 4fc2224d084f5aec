"""Readers of printed tables."""

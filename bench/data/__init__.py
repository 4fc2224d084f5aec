"""Datasets: read, validated, described; the evaluated queries and the searched pool."""

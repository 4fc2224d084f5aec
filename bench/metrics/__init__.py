"""Scores of rankings and of texts."""

"""Readers of results tables in CSV, Markdown and LaTeX."""

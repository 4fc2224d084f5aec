"""Readers of tables in CSV, Markdown and LaTeX files."""

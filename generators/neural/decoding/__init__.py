"""Beam search, and its steps replayed on a GPU."""

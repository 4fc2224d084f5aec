"""Weights of BART that are made here: text infilling, and MiniLM's encoder."""

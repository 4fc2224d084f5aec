"""Comparisons of systems, runs and baselines."""

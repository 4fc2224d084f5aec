"""Comparisons of systems and runs: paired tests, regression gates, foreign TREC runs."""

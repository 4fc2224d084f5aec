"""Metrics of rankings and texts, tie bounds, intervals and significance tests."""

"""Runs of any origin."""

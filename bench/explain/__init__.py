"""Explanations of one query or one video of a run."""

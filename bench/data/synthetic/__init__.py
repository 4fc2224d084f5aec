"""Synthetic datasets with known topics, such as the demo."""

"""Datasets: folders, synthetic worlds, statistics."""

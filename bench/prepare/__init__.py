"""Datasets of raw videos: frames, speech, and what is relevant to which query."""

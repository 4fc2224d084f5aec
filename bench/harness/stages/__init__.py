"""The stages of the main path: fit, summarize, retrieve, score."""

"""The stages of a cell: fit, summarize, retrieve, score."""

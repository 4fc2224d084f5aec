"""Runs and relevance judgements of any origin, scored like a run of the benchmark."""

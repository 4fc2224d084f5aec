"""Runs and relevance judgements of any origin, scored as a run of ours."""

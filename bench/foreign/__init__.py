"""Runs and relevance judgements of any origin, scored as the runs of ``bench run`` are."""

"""QMS and its ablations."""

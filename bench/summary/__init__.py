"""The summary of a run: its ranking, which differences are significant, and warnings."""

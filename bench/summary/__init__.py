"""The answer of a run: which system is best, whether that is significant, and warnings."""

"""The answer of a run: who finds most, whether that is significant, and what to beware of."""

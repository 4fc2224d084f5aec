"""The options of a run, validated."""

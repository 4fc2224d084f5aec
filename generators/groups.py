"""Names that stand for several generators."""

TABLE_III = ("lead", "seq2seq", "transformer", "mdvc", "bart-text", "bart-mm", "vg-bart-dp", "vg-bart-mh")
"""The rows of the paper's Table III that exist, in its order."""

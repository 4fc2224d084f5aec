"""Names that stand for several generators."""

TABLE_III = ("lead",)
"""The rows of the paper's Table III that exist, in its order."""

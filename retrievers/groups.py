"""Names that stand for several retrievers."""

ALL = ("bm25", "dpr-pt")
DPR = ("dpr-pt",)
"""The paper's two dense rows that exist."""

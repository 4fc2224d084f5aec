"""Names that stand for several retrievers."""

ALL = ("bm25", "dpr-pt", "dpr-ft")
DPR = ("dpr-pt", "dpr-ft")
"""The paper's two dense rows."""

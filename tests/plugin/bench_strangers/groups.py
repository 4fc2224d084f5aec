"""Names that stand for several."""

STRANGERS = ("first-word", "constant")

"""Names that stand for several generators."""

TABLE_III = ("lead",)
"""The rows of the paper's Table III that exist, in its order."""

ABLATIONS = (
    "qms-wo-visual",
    "qms-wo-textual",
    "qms-wo-scores",
    "qms-wo-entity",
    "qms-wo-qsample",
    "qms-unit-scores",
)
"""The ablations of Table IV in its order, and ours; `qms` itself is a row of `all`."""

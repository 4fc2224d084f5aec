"""The names of a run's files, their columns, and how frames become CSV text and back."""

from __future__ import annotations

import csv
import fnmatch
import io
import operator
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
SCORES, COSTS, SIGNIFICANCE = "scores.csv", "costs.csv", "significance.csv"
QRELS, QUERIES, REFERENCES = "qrels.trec", "queries.tsv", "references.jsonl"
PAGE = "report.html"
FIGURE_FORMATS = ("svg", "png", "pdf")
SUMMARY = "summary.json"
"""Rankings with their tests, and warnings: `bench.summary.run_summary`."""
MODALITY = "modality.csv"
"""By how much another video's transcript, or frames, raises the loss of a trained row."""
APPROXIMATION = "approximation.csv"
"""How much of the exact best documents an approximate search returned; of runs with such a search."""
ATTRIBUTES, SLICES = "attributes.csv", "slices.csv"
"""Attributes of the evaluated queries, and the scores by attribute; of data that has attributes."""
REPRODUCE = "reproduce"
"""The folder of ``bench reproduce`` inside a run's."""

FILES = {
    "": (
        MANIFEST,
        SCORES,
        COSTS,
        SIGNIFICANCE,
        SUMMARY,
        MODALITY,
        APPROXIMATION,
        QRELS,
        QUERIES,
        REFERENCES,
        ATTRIBUTES,
        SLICES,
        PAGE,
    ),
    "summaries": ("*.jsonl",),
    "training": ("*.jsonl",),
    "runs": ("*.trec",),
    "per_query": ("*.csv",),
    "per_video": ("*.csv",),
    "tables": ("*.md", "*.csv", "*.tex"),
    "figures": tuple(f"*.{form}" for form in FIGURE_FORMATS),
    REPRODUCE: ("*.md", "*.csv"),
}
"""Every file that a command writes into an output folder, by its subfolder."""
TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.tmp")
"""Names that `bench.store.files.replacing` gives unfinished files; a killed run may leave one."""
LONGEST_NAME = 255 - len("..jsonl.12345678.tmp")
"""Bytes of a cell's name: what file systems allow, less what is around it while a file is written."""
SEED_FOLDER = re.compile(r"seed-[0-9]+")
"""Subfolders with the runs of single seeds."""

SCORE_COLUMNS = (
    "generator", "retriever", "metric", "value", "ci_low", "ci_high",
    "tie_worst", "tie_expected", "tie_best", "n", "seed",
)  # fmt: skip
"""The columns of scores.csv; fractions (CIDEr raw)."""
COST_COLUMNS = (
    "generator", "retriever", "fit_s", "videos_per_s", "params", "index_bytes_per_doc", "index_s",
    "search_p50_ms", "search_p95_ms", "queries_per_s", "peak_mb",
    "added_mb", "search_spread_ms", "search_shared",
)  # fmt: skip
"""The columns of costs.csv: seconds, bytes, milliseconds, MB.

``added_mb`` is the peak less what the process held before the cell; ``search_spread_ms`` the highest less the
lowest of three medians; ``search_shared`` the share of the processors that others used meanwhile.
"""
LATER_COSTS = COST_COLUMNS[-3:]
"""Columns that folders of version 0.1 do not have."""
SEARCH_COSTS = (
    "index_s", "search_p50_ms", "search_p95_ms", "queries_per_s", "search_spread_ms", "search_shared",
)  # fmt: skip
"""The columns of costs.csv that a search gives."""
SIGNIFICANCE_COLUMNS = (
    "table", "retriever", "metric", "best", "baseline", "difference", "ci_low", "ci_high",
    "p_value", "p_holm", "mde", "wins", "ties", "losses", "n", "seeds",
)  # fmt: skip
"""The columns of significance.csv; fractions, CIDEr raw; ``n`` counts distinct queries, or videos."""
MODALITY_COLUMNS = ("generator", "modality", "gap", "ci_low", "ci_high", "n")
"""The columns of modality.csv; nats per token, over ``n`` videos."""
APPROXIMATION_COLUMNS = ("generator", "retriever", "search", "k", "recall", "lowest", "queries")
"""The columns of approximation.csv: the mean, and the lowest, share of a query's exact best ``k`` documents
that were returned, over a sample of the queries."""
LEAST_GAP = 0.05
"""Nats per token by which another video's input must raise a row's loss, or the row hardly reads it:
exp(0.05) makes each token 5 % less likely."""
INPUT_WORDS = {"text": "transcript", "frames": "frames"}
"""The inputs of modality.csv, as sentences name them."""
SLICE_COLUMNS = (
    "attribute", "slice", "generator", "retriever", "metric", "value", "ci_low", "ci_high", "n",
)  # fmt: skip
"""The columns of slices.csv; fractions; ``n`` counts distinct queries."""
BASELINE_COLUMNS = ("generator", "retriever", "metric", "value", "n", "tolerance")
"""The columns of a regression table (``bench check``)."""

GENERATION = {
    "B-1": "BLEU-1", "B-2": "BLEU-2", "B-3": "BLEU-3", "B-4": "BLEU-4", "R-L": "ROUGE-L", "C": "CIDEr",
}  # fmt: skip
"""Headers of the paper's Table III and the metrics they mean."""
RETRIEVAL = [f"{kind}@{k}" for kind in ("R", "P") for k in (1, 5, 10, 30)] + ["Acc@5", "Acc@10", "Acc@30"]
"""Columns of the paper's Table V; Acc@1 equals P@1."""
TIED = ("P@1", "R@10", "Acc@10")
"""Metrics of the table of ties."""
HEADLINE = {"generation": "CIDEr", "retrieval": "Acc@10"}
"""The metric of each table whose detectable difference is printed below it."""
_FORMULA = re.compile(r"'*\s*([=+@＝＋＠－]|-(?![\w.-]*\Z))")
"""Matches texts that spreadsheets compute. An id such as ``-dQw4w9WgXcQ`` does not match."""
MEAN, SD = "mean", "sd"
"""The seed column of rows of scores.csv that are over several seeds."""


GIVEN = "given qrels"
"""The protocol of a folder of foreign runs: their metrics may be of any name."""
_USUAL = {f"{kind}@{k}" for kind in ("R", "P", "Acc") for k in (1, 5, 10, 30)}


def retrieval_metrics(scores: pd.DataFrame) -> list[str]:
    """List the columns of a retrieval table: those of the paper that were computed, then all others."""
    metrics = scores.loc[scores["retriever"].notna(), "metric"].unique().tolist()
    if not metrics:
        return list(RETRIEVAL)
    return [
        *(name for name in RETRIEVAL if name in metrics),
        *(name for name in metrics if name not in _USUAL),
    ]


def is_run_file(name: str) -> bool:
    """Check whether a command writes a file of this name (``folder/base``) into an output folder."""
    folder, _, base = name.rpartition("/")
    return (
        bool(base.strip("."))
        and "\0" not in base
        and any(fnmatch.fnmatchcase(base, pattern) for pattern in FILES.get(folder, ()))
    )


def is_run_entry(name: str) -> bool:
    """Check whether a command may leave an entry of this name at the top of an output folder."""
    leftover = TEMPORARY.fullmatch(name)
    plain = leftover[1] if leftover else name
    return plain in FILES[""] or (bool(name) and name in FILES) or SEED_FOLDER.fullmatch(name) is not None


def refuse_long_name(name: str, cell: str, advice: str) -> None:
    """Raise UsageError, which ends in ``advice``, where the files of a cell would have too long a name."""
    size = len(cell.encode())
    if size > LONGEST_NAME:
        raise UsageError(
            f"'{name}' would name files after '{cell}' ({size} bytes); at most {LONGEST_NAME} fit. {advice}"
        )


def hardly_read(ci_low: Any, gap: Any) -> Any:
    """Check whether rows of modality.csv say that an input is hardly read: a gap near 0, or a small one.

    Takes numbers or columns.
    """
    return (ci_low <= 0) | (gap < LEAST_GAP)


def headline(scores: pd.DataFrame) -> pd.DataFrame:
    """Select the rows that tables show: those of the one seed, or the means over several."""
    means = scores["seed"].astype(str) == MEAN
    return scores[means] if means.any() else scores


def with_text(scores: pd.DataFrame) -> pd.DataFrame:
    """Write the empty retriever of generation metrics as text, not as a missing value."""
    # a column that is empty in every row was read as numbers
    return scores.assign(retriever=scores["retriever"].astype(object).fillna("").astype(str))


def to_csv(frame: pd.DataFrame) -> str:
    """Write a frame without its index as CSV; see `format_csv`."""
    present = frame.astype(object).where(frame.notna(), None)
    return format_csv({str(name): present[name].tolist() for name in present})


def format_csv(columns: Mapping[str, Sequence[object]]) -> str:
    r"""Write columns as CSV: shortest exact numbers, ``\n`` line ends, None and NaN empty.

    A text that a spreadsheet would compute (``=1+1``), also the name of a column, gets an
    apostrophe, which `from_csv` takes away.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guard, columns))
    writer.writerows(zip(*map(_cells, columns.values()), strict=True))
    return text.getvalue()


def _cells(column: Sequence[object]) -> Sequence[object]:
    missing = any(map(operator.ne, column, column))  # NaN alone is not itself
    if not missing and set(map(type, column)) <= {bool, int, float}:  # most are
        return column
    return [guard(value) if value == value else None for value in column]


def guard(value: object) -> object:
    """Put an apostrophe before a text which a spreadsheet would compute as a formula."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unguard(value: object) -> object:
    """Take away the apostrophe that `guard` puts before a text."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and _FORMULA.match(value[1:]) else value


def from_csv(path: Path, *, text: str | None = None) -> pd.DataFrame:
    """Read a CSV file; only empty fields are missing, so that a query "NA" stays.

    The column named ``text`` is read as text, so that an id "007" stays.
    """
    import pandas as pd

    # names stay texts, though a file may be called 007
    columns = ("generator", "retriever", "best", "baseline", "attribute", "slice", *([text] if text else []))
    names = dict.fromkeys(columns, str)
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=names).rename(columns=unguard)
    return frame.assign(**{name: frame[name].map(unguard) for name in names if name in frame})

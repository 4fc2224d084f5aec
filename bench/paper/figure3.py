"""Figure 3 for any dataset: diversity of a video's queries, similarity of its transcript and frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
import pandas as pd

from bench.data.dataset import Dataset
from bench.data.similarity import SIMILARITY, Similarities, describe_missing_vectors, text_visual_similarities
from bench.data.statistics import ALL, dataset_title, diversity
from bench.output.schema import to_csv
from bench.paper.published import paper_figures
from bench.tables.table import Cell, Rows, Table

BINS = 10
COSINE_BINS = 40
"""From -1 to 1; cosines of a CLIP lie within a few tenths of each other."""
LONG_VIDEOS = "Youku-mPLUG"
"""The dataset of long videos that the paper compares with."""


def figure3(dataset: Dataset) -> tuple[list[Table], dict[str, str]]:
    """Describe a dataset as Figure 3 does: tables and CSV texts; similarity only where its file exists."""
    cosines = text_visual_similarities(dataset)
    table, frame = _diversity(dataset, [] if cosines else [describe_missing_vectors(dataset)])
    tables, files = [table], {"fig3.csv": to_csv(frame)}
    if cosines:
        table, frame = _similarity(dataset, cosines)
        tables.append(table)
        files["fig3-similarity.csv"] = to_csv(frame)
    return tables, files


def _diversity(dataset: Dataset, more: Sequence[str]) -> tuple[Table, pd.DataFrame]:
    values = {f"Div-{n}": _diversities(dataset, n) for n in (1, 2)}
    frame = histogram(values)
    paper = paper_figures()
    means = [f"{name} {fmean(shares):.2f}" for name, shares in values.items() if shares]
    theirs = ", ".join(f"{name} {paper[name][ALL]}" for name in values)
    notes = [
        f"Videos with n-grams to count: {', '.join(f'{n} {len(shares):,}' for n, shares in values.items())}.",
        f"Means: {', '.join(means) or 'none'}. The paper: {theirs}; distributions are only drawn.",
        "Div-n: distinct n-grams over all n-grams of a video's queries. A bin holds its lower end.",
        *more,
    ]
    caption = f"Diversity of the queries of a video, {dataset_title(dataset)}: share of videos, %"
    return Table("fig3", caption, ["Div-n"], list(values), _rows(frame, 1), notes), frame


def _diversities(dataset: Dataset, n: int) -> list[float]:
    values = (diversity(texts, n) for texts in dataset.references.values())
    return [value for value in values if not math.isnan(value)]


def _similarity(dataset: Dataset, cosines: Similarities) -> tuple[Table, pd.DataFrame]:
    values = list(cosines.values.values())
    frame = histogram({SIMILARITY: values}, low=-1, bins=COSINE_BINS)
    filled = frame.index[frame[SIMILARITY] > 0]
    shown = frame.loc[filled.min() : filled.max()] if len(filled) else frame[:0]
    paper = paper_figures()
    theirs, long = paper[SIMILARITY][ALL], paper[f"{SIMILARITY} of {LONG_VIDEOS}"][ALL]
    notes = [
        f"Mean: {f'{fmean(values):.3f}' if values else 'none'}. "
        f"The paper: {theirs} for micro-videos, {long} for "
        f"{LONG_VIDEOS}; distributions are only drawn. Cosines of different encoders are not comparable.",
        f"Videos: {len(values):,} of {len(dataset.records):,}, all splits. "
        f"Left out: {cosines.without_frames:,} "
        f"without frames, {cosines.without_text:,} with frames and without a vector of the transcript.",
        f"Cosine of the mean of the frame vectors, each of length 1, at most {dataset.max_frames} a video, "
        f"and the transcript's vector. Features: {dataset.features.name if dataset.features else 'none'}.",
        "A bin holds its lower end; bins down to -1 and up to 1 that are not shown are empty.",
    ]
    caption = f"Similarity of transcript and frames, {dataset_title(dataset)}: share of videos, %"
    return Table("fig3-similarity", caption, ["Cosine"], [SIMILARITY], _rows(shown, 2), notes), frame


def histogram(values: Mapping[str, Sequence[float]], *, low: float = 0, bins: int = BINS) -> pd.DataFrame:
    """Count the share of values in each of equal bins from ``low`` to 1: from, to, a column per name.

    A bin holds its lower end, the last its upper end, too.
    """
    edges = np.linspace(low, 1, bins + 1).round(2) + 0.0  # no -0
    columns = {"from": edges[:-1], "to": edges[1:]}
    for name, sample in values.items():
        # a ratio such as 3/10 may be stored a hair below its bin's edge, a cosine a hair above 1
        counts, _ = np.histogram(np.round(sample, 9), bins=edges)
        columns[name] = counts / max(1, len(sample))
    return pd.DataFrame(columns)


def _rows(frame: pd.DataFrame, digits: int) -> Rows:
    names = [name for name in frame.columns if name not in ("from", "to")]
    return [
        (
            [f"{line['from']:.{digits}f} to {line['to']:.{digits}f}"],
            [Cell(f"{100 * line[name]:.1f}") for name in names],
        )
        for line in frame.to_dict("records")
    ]

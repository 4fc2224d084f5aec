"""Statistics of a dataset beside the paper's: Table II, lengths, diversity of the query sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from statistics import fmean

from bench.data.dataset import Dataset
from bench.data.similarity import SIMILARITY, similarities, what_is_missing
from bench.errors import DataError
from bench.evaluation import evaluation
from bench.tables import Cell, Table
from bench.text import TOKENS, tokenize
from bench.types import ONE_QUERY_PER_VIDEO, SPLITS, VideoId

ALL = "all"
_DIGITS = {SIMILARITY: 3}
"""Decimals of a measure; 2 unless told, as the paper prints most."""


def diversity(texts: Sequence[str], n: int) -> float:
    """Return Div-n of a query set: distinct n-grams over all its n-grams; nan when it has none.

    Tokens as in the metrics. Source: paper IV-A2; the denominator is n-grams (paper-audit 50).
    """
    grams = [tuple(tokens[i : i + n]) for tokens in map(tokenize, texts) for i in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def statistics(dataset: Dataset) -> dict[str, dict[str, float]]:
    """Return ``{measure: {split: value}}`` over train, val, test and all videos."""
    splits: dict[str, list[VideoId]] = {
        split: [record.video_id for record in dataset.split(split)] for split in SPLITS
    }
    splits[ALL] = [record.video_id for record in dataset.records]
    measures: dict[str, Callable[[Sequence[VideoId]], float]] = {
        "videos": len,
        "queries": lambda videos: len(_queries_of(dataset, videos)),
        "pairs": lambda videos: sum(len(dataset.references[video]) for video in videos),
        "queries per video": lambda videos: _mean([len(dataset.references[video]) for video in videos]),
        "relevant videos per query": lambda videos: _relevant_per_query(dataset, videos),
        "relevant videos per evaluated query": lambda videos: float("nan"),
        "tokens per transcript": _transcript_length(dataset),
        "tokens per query": lambda videos: _mean(
            [len(tokenize(t)) for t in _queries_of(dataset, videos).values()]
        ),
        "Div-1": lambda videos: _mean_diversity(dataset, videos, 1),
        "Div-2": lambda videos: _mean_diversity(dataset, videos, 2),
        SIMILARITY: _mean_similarity(dataset),
        "frames per video": lambda videos: _mean([_frames(dataset, video) for video in videos]),
        "without transcript (%)": _share_without_transcript(dataset),
        "without features (%)": lambda videos: _percent([not _frames(dataset, video) for video in videos]),
        "without queries (%)": lambda videos: _percent([not dataset.references[video] for video in videos]),
    }
    found = {
        name: {split: float(measure(videos)) for split, videos in splits.items()}
        for name, measure in measures.items()
    }
    for split in SPLITS:
        found["relevant videos per evaluated query"][split] = _evaluated_mean(dataset, split)
    return found


def statistics_table(dataset: Dataset) -> Table:
    """Return the statistics with a row per measure and the paper's figure beside each."""
    columns = [*SPLITS, ALL]
    paper = paper_figures()
    rows = []
    for name, values in statistics(dataset).items():
        digits = _DIGITS.get(name, 2)
        ours = [Cell(_shown(values[column], digits)) for column in columns]
        theirs = [Cell(_shown(paper.get(name, {}).get(column, ""), digits)) for column in columns]
        rows.append(([name], [cell for pair in zip(ours, theirs, strict=True) for cell in pair]))
    header = [title for column in columns for title in (column, f"{column} (QMV-Kwai)")]
    has_texts = dataset.features is not None and dataset.features.transcripts is not None
    notes = [
        f"Signature: data: {dataset.name}:{dataset.digest[:8]} | features: "
        f"{dataset.features.name if dataset.features else 'none'} | "
        f"evaluated: {ONE_QUERY_PER_VIDEO}, query-seed 0 | queries: distinct after normalisation | "
        f"Div-n: mean over videos with queries of distinct n-grams / n-grams | tokens: {TOKENS}",
        "QMV-Kwai: as printed in the paper; '>=' is inferred from its Table V.",
        *([] if has_texts else [what_is_missing(dataset)]),
    ]
    caption = f"Statistics of {title(dataset)} beside the paper's"
    return Table("statistics", caption, ["Measure"], header, rows, notes)


def title(dataset: Dataset) -> str:
    """Return a dataset's name, with "(synthetic)" where it is invented."""
    return f"{dataset.name}{' (synthetic)' if dataset.synthetic else ''}"


def _queries_of(dataset: Dataset, videos: Sequence[VideoId]) -> dict[str, str]:
    inside = set(videos)
    return {
        q: dataset.queries[q] for q, relevant in dataset.relevant.items() if not inside.isdisjoint(relevant)
    }


def _relevant_per_query(dataset: Dataset, videos: Sequence[VideoId]) -> float:
    inside = set(videos)
    counts = [sum(1 for video in relevant if video in inside) for relevant in dataset.relevant.values()]
    return _mean([count for count in counts if count])


def _evaluated_mean(dataset: Dataset, split: str) -> float:
    try:
        return evaluation(dataset, split=split, protocol=ONE_QUERY_PER_VIDEO, query_seed=0).mean_relevant
    except DataError:  # an empty split, or one without queries, has no such mean
        return float("nan")


def _transcript_length(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    lengths = {record.video_id: len(tokenize(record.transcript)) for record in dataset.records}
    return lambda videos: _mean([lengths[video] for video in videos if lengths[video]])


def _share_without_transcript(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    silent = {record.video_id for record in dataset.records if not record.transcript.strip()}
    return lambda videos: _percent([video in silent for video in videos])


def _mean_diversity(dataset: Dataset, videos: Sequence[VideoId], n: int) -> float:
    values = [diversity(dataset.references[video], n) for video in videos]
    return _mean([value for value in values if value == value])


def _mean_similarity(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    found = similarities(dataset)
    values = found.values if found else {}
    return lambda videos: _mean([values[video] for video in videos if video in values])


def _frames(dataset: Dataset, video: VideoId) -> int:
    return len(dataset.features.of(video, dataset.max_frames)) if dataset.features else 0


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else float("nan")


def _percent(flags: Sequence[bool]) -> float:
    return 100 * _mean([float(flag) for flag in flags])


def _shown(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return value
    if value != value:
        return ""
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 10 else f"{value:.{digits}f}"


def paper_figures() -> Mapping[str, Mapping[str, float | str]]:
    """Return ``{measure: {split: figure}}`` as the paper prints them."""
    import yaml

    text = resources.files("bench.data").joinpath("paper-figures.yaml").read_text(encoding="utf-8")
    figures: Mapping[str, Mapping[str, float | str]] = yaml.safe_load(text)
    return figures

"""Statistics of a dataset: the measures of the paper's Table II, lengths, diversity of the query sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

from bench.choices import ONE_QUERY_PER_VIDEO, SPLITS, Protocol
from bench.data.dataset import Dataset
from bench.data.evaluation_set import make_evaluation_set
from bench.data.similarity import SIMILARITY, text_visual_similarities
from bench.errors import DataError
from bench.text import tokenize
from bench.types import VideoId

ALL = "all"


def diversity(texts: Sequence[str], n: int) -> float:
    """Compute Div-n of a query set: distinct n-grams over all its n-grams; nan for texts without any.

    Tokens as in the metrics. Source: paper IV-A2; the denominator is n-grams (paper-audit 50).
    """
    grams = [tuple(tokens[i : i + n]) for tokens in map(tokenize, texts) for i in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def compute_statistics(
    dataset: Dataset, protocol: Protocol = ONE_QUERY_PER_VIDEO
) -> dict[str, dict[str, float]]:
    """Describe a dataset in numbers, ``{measure: {split: value}}``, over train, val, test and all videos.

    ``protocol`` says which queries are the evaluated ones.
    """
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
    values = {
        name: {split: float(measure(videos)) for split, videos in splits.items()}
        for name, measure in measures.items()
    }
    for split in SPLITS:
        values["relevant videos per evaluated query"][split] = _evaluated_mean(dataset, split, protocol)
    return values


def dataset_title(dataset: Dataset) -> str:
    """Name a dataset in a caption, followed by "(synthetic)" if it is."""
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


def _evaluated_mean(dataset: Dataset, split: str, protocol: Protocol) -> float:
    try:
        evaluated = make_evaluation_set(dataset, split=split, protocol=protocol, query_seed=0)
    except DataError:  # an empty split, or one without queries, has no such mean
        return float("nan")
    return evaluated.mean_relevant


def _transcript_length(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    lengths = {record.video_id: len(tokenize(record.transcript)) for record in dataset.records}
    return lambda videos: _mean([lengths[video] for video in videos if lengths[video]])


def _share_without_transcript(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    silent = {record.video_id for record in dataset.records if not record.transcript.strip()}
    return lambda videos: _percent([video in silent for video in videos])


def _mean_diversity(dataset: Dataset, videos: Sequence[VideoId], n: int) -> float:
    values = [diversity(dataset.references[video], n) for video in videos]
    return _mean([value for value in values if not math.isnan(value)])


def _mean_similarity(dataset: Dataset) -> Callable[[Sequence[VideoId]], float]:
    similarities = text_visual_similarities(dataset)
    values = similarities.values if similarities else {}
    return lambda videos: _mean([values[video] for video in videos if video in values])


def _frames(dataset: Dataset, video: VideoId) -> int:
    return len(dataset.features.of(video, dataset.max_frames)) if dataset.features else 0


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else float("nan")


def _percent(flags: Sequence[bool]) -> float:
    return 100 * _mean([float(flag) for flag in flags])

"""Build the manifest of a run: what it takes to repeat it, and the two lines under every table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import __version__
from bench.choices import ONE_QUERY_PER_VIDEO
from bench.errors import MissingError
from bench.harness.options import IndexOptions, RunOptions
from bench.harness.plan import Plan
from bench.harness.stages.retrieve import Retrieved
from bench.harness.stages.summarize import Summaries
from bench.metrics.definitions import DEPTH
from bench.neural.launcher import process_count
from bench.output.attributes import SEEN
from bench.output.manifest import DatasetInfo, EvaluationInfo, Manifest
from bench.output.schema import INPUT_WORDS, hardly_read
from bench.protocols import ignores_validation
from bench.store.environment import code_state, machine, package_versions
from bench.systems.arithmetic import instructions
from bench.systems.component import Component
from bench.text import TOKENS, normalise, printable, tokenize
from bench.types import Json, QueryId

TIE_RULE = "score desc (BM25 to 4 decimals), video id asc"
INDEXED = {"replace": "summary", "append": "transcript+summary"}
"""What is indexed of a video, by ``index.mode``."""


def start_manifest(plan: Plan) -> Manifest:
    """Begin the manifest of a run with all that is known before the first cell."""
    dataset, evaluation = plan.dataset, plan.evaluation
    return Manifest(
        bench_version=__version__,
        finished=False,
        files={},
        signature=signature(plan, {}),
        run=plan.identity(),
        settings=plan.settings(),
        dataset=DatasetInfo(
            dataset.name, dataset.synthetic, dataset.language, dataset.version, dataset.digest
        ),
        evaluation=EvaluationInfo(
            len(evaluation.queries), len(evaluation.pool), round(evaluation.mean_relevant, 4), DEPTH
        ),
        code=code_state(),
        packages=package_versions(),
        machine={**machine(), **_gpu(plan), "instructions": instructions()},
        labels={},
        references=[],
        coverage={"dataset": dataset_coverage(plan)},
    )


def _gpu(plan: Plan) -> dict[str, Json]:
    """Name the GPU that a run computes on; {} on a CPU."""
    with suppress(MissingError):  # what needs the missing GPU reports it
        if (device := plan.context().device) != "cpu":
            import torch

            return {"gpu": torch.cuda.get_device_name(device)}
    return {}


def signature(plan: Plan, systems: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Collect what a reader must know to compare or repeat a number, name to value."""
    config, dataset = plan.config, plan.dataset
    seeded = config.protocol == ONE_QUERY_PER_VIDEO
    return {
        "data": f"{dataset.name}{' (synthetic)' if dataset.synthetic else ''}:{dataset.digest[:8]}",
        "split": config.split,
        "protocol": config.protocol + (f"(query-seed {config.query_seed})" if seeded else ""),
        "n": str(len(plan.evaluation.queries)),
        "pool": f"{len(plan.evaluation.pool)}{' (all splits)' if plan.index.pool == 'all' else ''}",
        "rel/query": f"{plan.evaluation.mean_relevant:.3f}",
        "ties": TIE_RULE,
        "index": INDEXED[plan.index.mode],
        "tokens": TOKENS,
        "features": dataset.features.name if dataset.features else "none",
        "preset": config.preset,
        **_changed_options(plan),
        **{
            name: ",".join(f"{key}={value}" for key, value in values.items())
            for name, values in systems.items()
            if values
        },
        "seeds": format_seeds(config.seed),
        "threads": str(config.threads),
        **({"processes": str(process_count())} if process_count() > 1 else {}),
        "version": __version__,
    }


def _changed_options(plan: Plan) -> dict[str, str]:
    """Name the options that are not the preset's, less those that decide no number or are named elsewhere."""
    elsewhere = (f"{RunOptions.section}.", f"{IndexOptions.section}.")
    changed = {k: v for k, v in plan.config.changed_options().items() if not k.startswith(elsewhere)}
    shown = ",".join(f"{key}={_option_text(value)}" for key, value in changed.items())
    return {"set": shown} if shown else {}


def _option_text(value: Any) -> str:
    """Write a value in a signature: of a path its last part; without the separators of the line."""
    text = Path(value).name if isinstance(value, str) and Path(value).exists() else str(value)
    return printable(re.sub(r"\s*[|:]\s+|\s+", " ", text))


def format_seeds(seeds: Sequence[int]) -> str:
    """Write the seeds as the signature has them."""
    return ",".join(map(str, seeds))


TRAINING_QUERIES = "evaluated queries that are training queries, too"
"""Of evaluated queries whose text is that of a training query: a row may have been trained to write it."""
CHOSEN_BY = "videos by which its epochs were chosen"
"""Of a trained system that is evaluated on the validation split: its scores flatter it."""


def dataset_coverage(plan: Plan) -> dict[str, int]:
    """Count what the pool lacks, what of it no generator sees, and queries that training has seen."""
    videos = plan.pool_videos(references=True)
    features, limit = plan.dataset.features, plan.dataset.max_frames
    mute = sum(1 for v in videos if v.references and not any(map(tokenize, v.references)))
    return {
        "videos": len(videos),
        "without transcript": sum(1 for video in videos if not video.transcript.strip()),
        "without features": sum(1 for video in videos if not len(video.frames)),
        "without queries": sum(1 for video in videos if not video.references),
        **({"whose queries have no tokens": mute} if mute else {}),
        "with frames left out": sum(features.count(v.video_id) > limit for v in videos) if features else 0,
        TRAINING_QUERIES: len(find_training_queries(plan)),
    }


def find_training_queries(plan: Plan) -> set[QueryId]:
    """Find the evaluated queries whose text is that of a training query."""
    training = {normalise(text) for v in plan.videos("train", references=True) for text in v.references}
    return {query for query, text in plan.evaluation.queries.items() if normalise(text) in training}


def query_attributes(plan: Plan) -> dict[QueryId, dict[str, str]]:
    """Collect the attributes of the evaluated queries, with whether training saw them if it saw some."""
    seen, given = find_training_queries(plan), plan.dataset.attributes
    known = {item: dict(given.get(query, {})) for item, query in plan.evaluation.drawn.items()}
    if 0 < len(seen) < len(known):
        known = {q: {SEEN: SEEN if q in seen else "unseen", **fields} for q, fields in known.items()}
    return known if any(known.values()) else {}


def selection_coverage(plan: Plan, component: Component[Any]) -> dict[str, int]:
    """Count the evaluated videos by which a trained system's epochs were selected: all of ``--split val``."""
    chooses = component.trainable and not ignores_validation(component.system)
    if plan.config.split != "val" or not chooses:
        return {}
    return {CHOSEN_BY: len(plan.videos("val", references=False))}


def summaries_coverage(summaries: Summaries) -> dict[str, int]:
    """Count empty and duplicate summaries, and what the generator could not read completely."""
    texts = [normalise(text) for text in summaries.texts.values()]
    times = Counter(text for text in texts if text)
    return {
        "without summary": texts.count(""),
        "duplicate summaries": sum(count for count in times.values() if count > 1),
        **summaries.meta.get("coverage", {}),
    }


def distinct_share(summaries: Summaries) -> float:
    """Compute the share of the pool's videos that would be left if each text were kept once; 0 for no text.

    A generator that writes one caption for all has 1 / videos: what collapsed cannot be found.
    """
    texts = {normalise(text) for text in summaries.texts.values()} - {""}
    return round(len(texts) / max(len(summaries.texts), 1), 6)


def modality_remarks(uses: Sequence[Mapping[str, Any]]) -> list[str]:
    """Describe in words which input a generator hardly reads: a gap near 0, or a small one."""
    return [
        f"hardly reads the {INPUT_WORDS[use['modality']]}: another video's cost {use['gap']:.3f} nats a "
        f"token [{use['ci_low']:.3f}, {use['ci_high']:.3f}]"
        for use in uses
        if hardly_read(use["ci_low"], use["gap"])
    ]


def recall_remarks(rows: Sequence[Mapping[str, Any]], queries: int) -> list[str]:
    """Describe in words how much of the exact best documents an approximate search returned."""
    shown = " and ".join(f"{100 * row['recall']:.2f} % of the best {row['k']}" for row in rows[-2:])
    return [
        f"approximate search {row['search']}: {shown} of an exact search returned, by {row['queries']:,} of "
        f"{queries:,} queries"
        for row in rows[:1]
    ]


def retrieval_coverage(retrieved: Retrieved) -> dict[str, int]:
    """Count queries without results, and what the retriever could not read completely."""
    empty = int((retrieved.run.hits[:, 0] < 0).sum()) if retrieved.run.depth else len(retrieved.run.query_ids)
    return {"queries without results": empty, **retrieved.meta.get("coverage", {})}


def coverage_line(
    coverage: Mapping[str, Mapping[str, int]], queries: int, remarks: Mapping[str, Sequence[str]]
) -> str:
    """Write the line on coverage: counts of the dataset, then those above zero and the remarks of each cell.

    ``queries`` is how many are evaluated; of those that are training queries the line has the share as well.
    """
    parts = []
    for name in dict.fromkeys([*coverage, *remarks]):
        counts = coverage.get(name, {})
        shown = [f"{count} {what}" for what, count in counts.items() if count or name == "dataset"]
        if TRAINING_QUERIES in counts:
            shown[-1] += f" ({100 * counts[TRAINING_QUERIES] / max(queries, 1):.1f} %)"
        shown += remarks.get(name, ())
        if shown:
            parts.append(f"{name}: {', '.join(shown)}")
    return "; ".join(parts)

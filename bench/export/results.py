"""Scores for collections of results: MTEB's task results and the records of Every Eval Ever."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.export.run_files import RunFiles
from bench.foreign.judgements import Judgements, read_judgements
from bench.foreign.runs import read_runs
from bench.foreign.scoring import ordered
from bench.measures.by_topic import Scored, compute
from bench.metrics.definitions import HIGHEST_CIDER, describe
from bench.output.schema import QRELS, QUERIES
from bench.store.files import file_name

__cache_neutral__ = True

SCHEMA = "0.2.1"
"""The version of Every Eval Ever's schema that records follow (github.com/evaleval/every_eval_ever)."""
_CUTOFFS = (1, 3, 5, 10, 20, 100)
_MTEB = {
    "ndcg_at": "nDCG", "map_at": "MAP", "recall_at": "R", "precision_at": "P", "mrr_at": "MRR",
    "hit_rate_at": "Acc",
}  # fmt: skip
"""MTEB's names of measures, and ours."""
_LANGUAGES = {
    "ar": "ara-Arab", "bn": "ben-Beng", "de": "deu-Latn", "en": "eng-Latn", "es": "spa-Latn",
    "fa": "fas-Arab", "fi": "fin-Latn", "fr": "fra-Latn", "hi": "hin-Deva", "id": "ind-Latn",
    "it": "ita-Latn", "ja": "jpn-Jpan", "ko": "kor-Hang", "nl": "nld-Latn", "pl": "pol-Latn",
    "pt": "por-Latn", "ru": "rus-Cyrl", "sv": "swe-Latn", "th": "tha-Thai", "tr": "tur-Latn",
    "uk": "ukr-Cyrl", "vi": "vie-Latn", "zh": "cmn-Hans",
}  # fmt: skip
"""MTEB's codes of languages: ISO 639-3 with the script."""


def export_mteb(run: RunFiles, folder: Path) -> None:
    """Write ``<system>/<version>/<task>.json`` with ``model_meta.json``, as MTEB stores results.

    The main score is nDCG@10, computed from the run files. Source: `mteb.results.task_result.TaskResult`;
    ``mteb_version`` is null, because MTEB computed nothing.
    """
    dataset, version = run.manifest.dataset, run.manifest.bench_version
    judgements = read_judgements(run.path(QRELS), run.path(QUERIES), "test")
    for generator, retriever in run.cells:
        scores = _measures(run, judgements, f"{generator}.{retriever}")
        entry = {
            **scores,
            "main_score": scores["ndcg_at_10"],
            "hf_subset": "default",
            "languages": [_LANGUAGES.get(dataset.language, dataset.language)],
        }
        cost = run.manifest.cells.get(f"{generator}.{retriever}")
        result = {
            "dataset_revision": dataset.digest,
            "task_name": dataset.name,
            "mteb_version": None,
            "scores": {run.split: [entry]},
            "evaluation_time": cost.seconds if cost else None,
            "kg_co2_emissions": None,
        }
        # these names come from the data and the run, which others may have made
        target = folder / file_name(f"qms-bench__{generator}.{retriever}", "cell") / file_name(version, "0")
        target.mkdir(parents=True)
        _write(target / f"{file_name(dataset.name, 'dataset')}.json", result)
        _write(
            target / "model_meta.json", {"name": f"qms-bench/{generator}.{retriever}", "revision": version}
        )


def _measures(run: RunFiles, judgements: Judgements, cell: str) -> dict[str, float]:
    [source] = read_runs([f"cell={run.path(f'runs/{cell}.trec')}"], judgements)
    truth = judgements.truth()
    scored = Scored(ordered(source, truth, "trec_eval"), truth, judgements.grades)
    names = {f"{theirs}_{k}": f"{ours}@{k}" for theirs, ours in _MTEB.items() for k in _CUTOFFS}
    values = compute(scored, list(names.values()))
    return {theirs: float(values[ours].mean()) for theirs, ours in names.items()}


def export_every_eval_ever(run: RunFiles, folder: Path) -> None:
    """Write a record for each cell that conforms to ``eval.schema.json`` of Every Eval Ever.

    Scores, intervals and numbers of queries are those of scores.csv. Text scores of the generator are in the
    records of its cells.
    """
    for generator, retriever in run.cells:
        record = _record(run, generator, retriever)
        _write(folder / f"{file_name(f'{generator}.{retriever}', 'cell')}.json", record)


def _record(run: RunFiles, generator: str, retriever: str) -> dict[str, Any]:
    manifest = run.manifest
    label = f"{manifest.labels.get(generator, generator)} + {manifest.labels.get(retriever, retriever)}"
    settings = {name: str(value) for name, value in manifest.signature.items()}
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{manifest.dataset.name}/qms-bench/{generator}.{retriever}/{manifest.run}",
        "retrieved_timestamp": str(int((run.result.out / "manifest.json").stat().st_mtime)),
        "source_metadata": {
            "source_name": "qms-bench",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "qms-bench", "version": manifest.bench_version},
        "model_info": {
            "name": label,
            "id": f"qms-bench/{generator}.{retriever}",
            "additional_details": {"generator": generator, "retriever": retriever, **settings},
        },
        "evaluation_results": list(_results(run, generator, retriever)),
    }


def _results(run: RunFiles, generator: str, retriever: str) -> Iterator[dict[str, Any]]:
    scores = run.result.headline
    mine = scores[
        (scores["generator"] == generator)
        & (scores["retriever"].isin([retriever]) | scores["retriever"].isna())
    ]
    dataset = run.manifest.dataset
    details = {"version": dataset.version, "digest": dataset.digest, "language": dataset.language}
    for row in mine.to_dict("records"):
        metric = str(row["metric"])
        score: dict[str, Any] = {"score": float(row["value"])}
        if not math.isnan(row["ci_low"]):
            interval = {
                "lower": float(row["ci_low"]),
                "upper": float(row["ci_high"]),
                "confidence_level": 0.95,
            }
            score["uncertainty"] = {"confidence_interval": interval, "num_samples": int(row["n"])}
        yield {
            "evaluation_name": metric,
            "source_data": {
                "dataset_name": dataset.name,
                "source_type": "other",
                "additional_details": details,
            },
            "metric_config": _metric(metric, score["score"]),
            "score_details": score,
        }


def _metric(name: str, score: float) -> Mapping[str, Any]:
    if not math.isfinite(score):
        raise DataError(f"scores.csv: {name} is {score}, which no record may hold: make the run again.")
    highest = HIGHEST_CIDER if name == "CIDEr" else 1.0
    return {
        "evaluation_description": describe(name),
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": min(0.0, score),
        "max_score": max(highest, score),  # a measure of another package may exceed 1
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")

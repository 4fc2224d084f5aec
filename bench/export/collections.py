"""Runs, judgements and summaries for the tools of retrieval: TREC's files, and BEIR's folders."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.export.run_files import RunFiles
from bench.output.schema import QRELS
from bench.store.files import file_name
from bench.store.json_files import format_json_lines

__cache_neutral__ = True


def export_trec(run: RunFiles, folder: Path) -> None:
    """Write ``qrels.txt``, ``topics.tsv`` and a run for each cell, as trec_eval and ir_measures read them."""
    shutil.copyfile(run.path(QRELS), folder / "qrels.txt")
    topics = "".join(f"{query}\t{text}\n" for query, text in run.queries.items())
    _write(folder / "topics.tsv", topics)
    for generator, retriever in run.cells:
        cell = f"{generator}.{retriever}"
        shutil.copyfile(run.path(f"runs/{cell}.trec"), folder / f"{cell}.run")


def export_beir(run: RunFiles, folder: Path) -> None:
    """Write a BEIR folder for each generator, whose documents are the summaries that were searched.

    ``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` and ``qrels/<split>.tsv`` with its
    header. Source: the wiki of github.com/beir-cellar/beir, "Load your custom dataset".
    """
    queries = format_json_lines({"_id": query, "text": text} for query, text in run.queries.items())
    lines = (
        f"{query}\t{video}\t{grade}\n"
        for query, grades in run.grades.items()
        for video, grade in grades.items()
    )
    qrels = "query-id\tcorpus-id\tscore\n" + "".join(lines)
    for generator in dict.fromkeys(generator for generator, _ in run.cells):
        target = folder / file_name(generator, "generator")
        (target / "qrels").mkdir(parents=True)
        corpus = ({"_id": video, "title": "", "text": text} for video, text in run.summaries(generator))
        _write(target / "corpus.jsonl", format_json_lines(corpus))
        _write(target / "queries.jsonl", queries)
        _write(target / "qrels" / f"{file_name(run.split, 'test')}.tsv", qrels)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

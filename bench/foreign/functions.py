"""`bench.evaluate`, `bench.compare`, `bench.check` and `bench.open`: the verbs for a notebook or a script."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, get_args

from bench.choices import TIES, Ties
from bench.comparison.compare_runs import METRICS, compare_runs
from bench.comparison.gate import FailOn, GateRow, Rule, gate_on_run
from bench.errors import UsageError
from bench.foreign.arguments import choice_of, items_of, name_of, path_of, texts_of, tolerances_of
from bench.foreign.folder import write_evaluation
from bench.foreign.formats import grades_of_mapping, run_of_mapping
from bench.foreign.fusion import fuse as fuse_runs
from bench.foreign.fusion import parse_fusion
from bench.foreign.judgements import Judgements, read_judgements, restrict_to_judged
from bench.foreign.runs import ForeignRun, checked_run, read_run_file, read_runs
from bench.measures.by_topic import DEFAULT, parse
from bench.result import Result
from bench.store.digests import digest
from bench.types import Grades, QueryId, VideoId

if TYPE_CHECKING:
    import pandas as pd

Hits: TypeAlias = Mapping[QueryId, Mapping[VideoId, float]]
"""A run in memory: the score of each retrieved document of each query."""
Place: TypeAlias = str | Path


def evaluate(
    runs: Mapping[str, Place | Hits] | Sequence[Place] | Place,
    qrels: Place | Grades,
    *,
    queries: Place | None = None,
    fuse: str | Sequence[str] = (),
    metrics: Sequence[str] = DEFAULT,
    ties: Ties = "trec_eval",
    split: str = "test",
    out: Place | None = None,
) -> Result:
    """Score runs of any origin on relevance judgements, as trec_eval does; each run is a row of the result.

    ``runs`` are files (TREC, TSV or JSON), or a mapping of names to files or to ``{query: {document:
    score}}``; ``qrels`` is a file, a BEIR folder (with a ``split``) or ``{query: {document: relevance}}``.
    ``fuse`` adds rows of the runs together: ``rrf``, ``sum``, ``sum:0.7,0.3``. Without ``out``
    the files of the result live as long as the object. Raises BenchError.
    """
    measures = parse(texts_of("metrics", metrics)) or parse(DEFAULT)
    order = choice_of("ties", ties, TIES)
    fusions = [parse_fusion(name_of("fuse", text)) for text in _several("fuse", fuse)]
    kept = None if out is None else path_of("out", out)
    judgements = _judgements(qrels, queries, name_of("split", split))
    read = _runs(runs, judgements)
    fused = [fuse_runs(read, fusion) for fusion in fusions]
    folder = Path(tempfile.mkdtemp(prefix="qms-bench-")) if out is None else None
    try:
        result = write_evaluation(
            kept or _inside(folder), judgements, [*read, *fused], measures=measures, ties=order
        )
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if folder is not None:
        weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


def compare(
    first: Result | Place,
    second: Result | Place | None = None,
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = METRICS,
    by: str = "generator",
) -> pd.DataFrame:
    """Compare the rows of one or two results: differences with intervals, Holm-corrected p, letters, wins.

    Scores are ×100. Raises BenchError as ``bench compare``.
    """
    import pandas as pd

    results = [open_result(first), *([] if second is None else [open_result(second)])]
    table = compare_runs(
        [result.out for result in results],
        baseline=None if baseline is None else name_of("baseline", baseline),
        metrics=METRICS if metrics is METRICS else texts_of("metrics", metrics),
        by=name_of("by", by),
    )
    rows = [
        [*labels, *(cell.text if cell.value is None else cell.value for cell in cells)]
        for labels, cells in table.rows
    ]
    frame = pd.DataFrame(rows, columns=[*table.labels, *table.columns])
    for name in table.columns:
        numbers = pd.to_numeric(frame[name].replace("", None), errors="coerce")
        if name != "group" and numbers.notna().any():
            frame[name] = numbers
    return frame


def check(
    new: Result | Place,
    against: Result | Place,
    *,
    fail_on: FailOn = "change",
    significant: bool = False,
    only_common: bool = False,
    tolerances: Sequence[tuple[str, float]] = (),
    by: str | None = None,
) -> list[GateRow]:
    """Gate a result on another one; the rows show what moved; the gate fails if any row has ``failed`` set.

    Raises BenchError where the two cannot be compared.
    """
    rule = Rule(
        fail_on=choice_of("fail_on", fail_on, get_args(FailOn)),
        significant=significant,
        only_common=only_common,
        tolerances=tolerances_of(tolerances),
        by=None if by is None else name_of("by", by),
    )
    return gate_on_run(open_result(against), open_result(new), rule)


def open_result(place: Result | Place) -> Result:
    """Open the result in an output folder; a `Result` is returned as is.

    Raises DataError for any other, UsageError for a `Result` whose folder a later run used.
    """
    if isinstance(place, Mapping):
        raise UsageError(
            "result: a Result or the path of an output folder is expected, not a run in memory. "
            "bench.evaluate({'run': run}, qrels) makes a Result of it."
        )
    if isinstance(place, Result):
        place.refuse_later_run()
        return place
    return Result.read(path_of("result", place))


def _several(what: str, value: object) -> list[object]:
    """Take one text or path as a list of it. Raises UsageError for what is neither nor a collection."""
    return [value] if isinstance(value, (str, os.PathLike)) else items_of(what, value)


def _inside(folder: Path | None) -> Path:
    assert folder is not None
    return folder / "out"


def _judgements(qrels: Place | Grades, queries: Place | None, split: str) -> Judgements:
    if isinstance(qrels, (str, os.PathLike)):
        queries_file = None if queries is None else path_of("queries", queries)
        return read_judgements(path_of("qrels", qrels), queries_file, split)
    if queries is not None:
        raise UsageError("queries= belongs to qrels in a file; those in memory are of the queries they have.")
    grades = grades_of_mapping("qrels", qrels)
    return restrict_to_judged(
        Judgements(
            name="judgements in memory",
            digest=digest(grades),
            grades=grades,
            texts={query: query for query in grades},
            form="in memory",
        )
    )


def _runs(
    runs: Mapping[str, Place | Hits] | Sequence[Place] | Place, judgements: Judgements
) -> list[ForeignRun]:
    named = runs if isinstance(runs, Mapping) else None
    files = [] if named is not None else _several("runs", runs)
    if not named and not files:
        raise UsageError("there is no run to evaluate.")
    if named is not None:
        return [_run(name_of("the name of a run", name), run, judgements) for name, run in named.items()]
    return read_runs([str(path_of("runs", run)) for run in files], judgements)


def _run(name: str, run: Place | Hits, judgements: Judgements) -> ForeignRun:
    if isinstance(run, (str, os.PathLike)):
        return read_run_file(path_of(f"run '{name}'", run), judgements, name)
    hits = run_of_mapping(f"run '{name}'", run)
    in_memory = ForeignRun(name=name, file=Path(name), digest=digest(hits.hits), form="in memory", run=hits)
    return checked_run(in_memory, judgements)

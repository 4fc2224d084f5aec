"""Runs of any origin as they were read: their documents by topic, and the names they are shown by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet
from bench.errors import DataError, UsageError, shorten
from bench.foreign.formats import Form, read_any_run, regular_file, shown_name
from bench.foreign.judgements import Judgements
from bench.output.trec import TrecRun
from bench.store.digests import file_digest


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignRun:
    """A run as it was read, and under which name it is shown."""

    name: str
    file: Path
    digest: str
    form: Form
    run: TrecRun


def read_runs(named: Sequence[str], judgements: Judgements) -> list[ForeignRun]:
    """Read the runs that ``[NAME=]FILE`` words name. Raises UsageError for two of one name."""
    runs: dict[str, ForeignRun] = {}
    for word in named:
        name, sign, rest = word.partition("=")
        is_named = bool(sign) and not Path(word).exists()
        run = read_run_file(Path(rest if is_named else word), judgements, name if is_named else None)
        if run.name in runs:
            raise UsageError(
                f"two runs are called '{run.name}': {runs[run.name].file} and {run.file}. Name them: "
                f"--run first={runs[run.name].file} --run second={run.file}."
            )
        runs[run.name] = run
    return list(runs.values())


def read_run_file(file: Path, judgements: Judgements, name: str | None = None) -> ForeignRun:
    """Read a run, by default under the name of its file. Raises DataError if no topic of it is judged."""
    file = file.expanduser()
    with regular_file(file) as path:
        run, form = read_any_run(path)
        digest = file_digest(path)
    if judgements.dataset is not None and judgements.evaluated is not None:
        run = _answers(file, run, judgements.evaluated, judgements.dataset)
    shown = Path(shown_name(file).removesuffix(".gz")).stem if name is None else name
    return checked_run(ForeignRun(name=shown, file=file, digest=digest, form=form, run=run), judgements)


def checked_run(run: ForeignRun, judgements: Judgements) -> ForeignRun:
    """Check the name of a run, which is also that of files (UsageError), and its topics (DataError)."""
    if not run.name.strip() or not run.name.isprintable() or "/" in run.name:
        raise UsageError(
            f"{run.file}: {shorten(run.name)} cannot be the name of a run, which is also that of files. Name "
            "it in letters and digits: --run NAME=FILE."
        )
    topics = run.run.hits
    if topics and not any(topic in judgements.grades for topic in topics):
        raise DataError(
            f"{run.file}: none of its topics is judged in {judgements.name}; the first of {len(topics)} is "
            f"'{next(iter(topics))}'. Name the qrels that belong to this run."
        )
    return run


def _answers(file: Path, run: TrecRun, evaluated: EvaluationSet, dataset: Dataset) -> TrecRun:
    """Map a run's results to the ids of the evaluated queries.

    A run over the dataset's queries has neither the ids of repeats (``q7~2``) nor always the spelling that
    represents a query: a query has the results of the first of its ids that has any.
    """
    written = [query for same in dataset.spellings.values() for query in same]
    _refuse(file, "query", run.unknown_queries([*evaluated.queries, *written]))
    _refuse(file, "video", run.unknown_videos([record.video_id for record in dataset.records]))
    source = {}
    for item, query in evaluated.drawn.items():
        names = (item, query, *sorted(dataset.spellings[query]))
        source[item] = next((name for name in names if run.hits.get(name)), item)
    ranks = run.ranks
    return TrecRun(
        {item: run.hits.get(name, {}) for item, name in source.items()},
        None if ranks is None else {item: ranks.get(name, {}) for item, name in source.items()},
    )


def _refuse(path: Path, what: str, unknown: Iterable[str]) -> None:
    names = list(unknown)
    if names:
        raise DataError(
            f"{path}: {len(names)} {what} ids are not known to what the run is scored on; "
            f"the first is '{names[0]}'."
        )


def unjudged(runs: Iterable[ForeignRun], judgements: Judgements) -> int:
    """Count the topics of the runs that have no judgements."""
    topics = {topic for run in runs for topic in run.run.hits}
    return len(topics - judgements.grades.keys())

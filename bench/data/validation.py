"""Check a dataset folder: all problems, not only the first, and warnings about what is suspicious."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.choices import SPLITS
from bench.data.dataset import Dataset, Features
from bench.data.features import FILES, TRANSCRIPTS, folders_without_features
from bench.data.pictures import PICTURES, folders_of_pictures
from bench.data.reader import read_dataset
from bench.data.text_files import QRELS, VIDEOS
from bench.errors import DataError, GateError, counted
from bench.text import CJK_LANGUAGES, cjk_share, normalise, tokenize

_MAX_SHOWN = 50
_IDS_SHOWN = 3
_UNKNOWN = re.compile(
    r"(?P<file>.*):(?P<line>\d+): (?P<kind>query|video) (?P<id>.*) is not in (?P<where>\S+)\."
)
"""Matches what the reader reports of a line that names an unknown query or video."""
_SCRIPT_SAMPLE = 200  # videos whose script is checked against the language


@dataclass(frozen=True, slots=True)
class Findings:
    """The problems of a folder (it cannot be used) and the warnings (it can)."""

    folder: Path
    problems: Sequence[str]
    warnings: Sequence[str]

    def to_text(self) -> str:
        """Print the findings, one a line, and a last line with their numbers."""
        lines = [f"error: {text}" for text in self.problems[:_MAX_SHOWN]]
        if len(self.problems) > _MAX_SHOWN:
            lines.append(f"error: … and {len(self.problems) - _MAX_SHOWN} more")
        lines += [f"warning: {text}" for text in self.warnings]
        lines.append(
            f"{self.folder}: {counted(len(self.problems), 'error')}, {counted(len(self.warnings), 'warning')}"
        )
        return "\n".join(lines) + "\n"

    def raise_for_status(self, *, strict: bool) -> None:
        """Raise DataError for problems and, when strict, GateError for warnings."""
        if self.problems:
            more = f" ({len(self.problems) - 1} more above)" if len(self.problems) > 1 else ""
            raise DataError(self.problems[0] + more)
        if strict and self.warnings:
            raise GateError(
                f"{self.folder}: {counted(len(self.warnings), 'warning')}, and --strict allows none."
            )


def validate(folder: Path) -> Findings:
    """Check a dataset folder against the contract and collect all findings, over all its features."""
    problems: list[str] = []
    dataset = read_dataset(folder, report=problems.append)
    for name in dataset.feature_names[1:]:  # the first was read with the dataset
        read_dataset(folder, features=name, report=problems.append)
    if not problems and not any(dataset.relevant.values()):
        problems.append(
            f"{folder / QRELS}: no query has a relevant video, so there is nothing to evaluate. "
            "Give at least one query of the test split a relevance above 0."
        )
    distinct = _group_lines(dict.fromkeys(problems))
    return Findings(folder, distinct, [] if distinct else _warnings(folder, dataset))


def _group_lines(problems: Iterable[str]) -> list[str]:
    """Put the lines of a file that name what another file lacks into one problem, at the first one's place.

    A rejected line of videos.jsonl would otherwise be followed by an error for each line with its video.
    """
    grouped: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for problem in problems:
        match = _UNKNOWN.fullmatch(problem)
        key = (match["file"], match["kind"], match["where"]) if match else (problem,)
        grouped.setdefault(key, []).append(
            (problem, match["line"], match["id"]) if match else (problem, "", "")
        )
    return [_join_lines(key, lines) if len(lines) > 1 else lines[0][0] for key, lines in grouped.items()]


def _join_lines(key: tuple[str, ...], lines: Sequence[tuple[str, str, str]]) -> str:
    file, kind, where = key
    ids = list(dict.fromkeys(id_ for _, _, id_ in lines))
    shown = ", ".join(ids[:_IDS_SHOWN]) + (
        f" and {len(ids) - _IDS_SHOWN:,} more" if len(ids) > _IDS_SHOWN else ""
    )
    what = (
        f"{kind} {shown}" if len(ids) == 1 else f"{len(ids):,} {'queries' if kind == 'query' else 'videos'}"
    )
    names = "" if len(ids) == 1 else f": {shown}"
    return (
        f"{file}:{lines[0][1]}: this and {len(lines) - 1:,} more lines name {what} that {where} lacks "
        f"or whose line was rejected{names}."
    )


def _warnings(folder: Path, dataset: Dataset) -> list[str]:
    return [
        *_split_warnings(dataset),
        *_folder_warnings(folder),
        *_link_warnings(folder),
        *_feature_warnings(dataset),
        *_picture_warnings(folder, dataset),
        *_query_warnings(dataset),
        *_script_warnings(dataset),
    ]


def _split_warnings(dataset: Dataset) -> Iterator[str]:
    for split in ("train", "val"):
        if not dataset.split(split):
            yield f"the split '{split}' is empty: trainable systems cannot be fitted."
    for split in SPLITS:
        records = dataset.split(split)
        silent = sum(1 for record in records if not record.transcript.strip())
        unqueried = sum(1 for record in records if not dataset.references[record.video_id])
        for count, what in ((silent, "no transcript"), (unqueried, "no queries")):
            if count:
                yield f"{count} of {len(records)} {split} videos have {what}."


def _folder_warnings(folder: Path) -> Iterator[str]:
    for name in folders_without_features(folder):
        yield f"{folder / 'features' / name} holds none of {', '.join(FILES)}: it is not read as features."


def _link_warnings(folder: Path) -> Iterator[str]:
    """Yield a warning where links lead out: the folder is not whole, and may show files of who reads it."""
    inside = Path(os.path.realpath(folder))
    links = {path: Path(os.path.realpath(path)) for path in sorted(folder.rglob("*")) if path.is_symlink()}
    leaving = {path: target for path, target in links.items() if not target.is_relative_to(inside)}
    for path, target in list(leaving.items())[:1]:
        more = f"; {len(leaving) - 1} more links lead out" if len(leaving) > 1 else ""
        yield f"{path} is a link to {target}, outside the folder: what is there is read{more}."


def _feature_warnings(dataset: Dataset) -> Iterator[str]:
    if dataset.features is None:
        yield "there are no features: multimodal systems see no frames."
        return
    known = {record.video_id for record in dataset.records}
    name, featured = dataset.features.name, set(dataset.features.position)
    if lacking := len(known - featured):
        yield f"features '{name}' lack {lacking} of {len(known)} videos."
    if unlisted := len(featured - known):
        yield f"features '{name}' hold {unlisted} videos that are not in videos.jsonl."
    yield from _transcript_warnings(dataset, dataset.features)


def _picture_warnings(folder: Path, dataset: Dataset) -> Iterator[str]:
    known = {record.video_id for record in dataset.records}
    if dataset.pictures and (lacking := len(known) - len(dataset.pictures)):
        yield f"{lacking} of {len(known)} videos have no pictures."
    if unlisted := sum(1 for path in folders_of_pictures(folder) if path.name not in known):
        yield f"{folder / PICTURES} holds folders of {unlisted} videos that are not in {VIDEOS}."


def _query_warnings(dataset: Dataset) -> Iterator[str]:
    unjudged = sum(1 for videos in dataset.relevant.values() if not videos)
    if unjudged:
        yield f"{unjudged} queries have no relevant video."
    blank = sum(1 for text in dataset.queries.values() if not normalise(text))
    if blank:
        yield f"{blank} queries have no text."
    mute = sum(1 for text in dataset.queries.values() if normalise(text) and not tokenize(text))
    if mute:
        yield f"{mute} queries have no tokens (only punctuation or symbols): no summary can match them."
    if comments := sum(1 for name in dataset.queries if name.startswith("#")):
        yield f"{comments} ids of queries begin with '#': trec_eval 10 takes their lines for comments."


def _transcript_warnings(dataset: Dataset, features: Features) -> Iterator[str]:
    """Yield warnings about transcripts without a vector, and vectors without a transcript."""
    if features.transcripts is None:
        return
    spoken = {record.video_id for record in dataset.records if record.transcript.strip()}
    given = {r.video_id for r in dataset.records if features.transcript(r.video_id) is not None}
    place = f"features '{features.name}': {TRANSCRIPTS}"
    if lacking := len(spoken - given):
        yield f"{place} has no vector for {lacking} of {len(spoken)} transcripts."
    if silent := len(given - spoken):
        yield f"{place} has a vector for {silent} videos that have no transcript."


def _script_warnings(dataset: Dataset) -> Iterator[str]:
    text = " ".join(record.transcript for record in dataset.records[:_SCRIPT_SAMPLE])
    share = cjk_share(text)
    if text.strip() and (share > 0.5) != (dataset.language in CJK_LANGUAGES):
        yield (
            f"dataset.json says language '{dataset.language}', "
            f"but {share:.0%} of the transcripts' tokens are CJK."
        )

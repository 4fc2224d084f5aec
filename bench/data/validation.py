"""Check a dataset folder whole: every problem, not only the first, and what is merely suspicious."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.dataset import Dataset, Features
from bench.data.features import TRANSCRIPTS
from bench.data.reader import read_dataset
from bench.errors import DataError, GateError
from bench.text import cjk_share, normalise

_MOST_SHOWN = 50
_SAMPLE = 200  # videos whose script is looked at


@dataclass(frozen=True, slots=True)
class Findings:
    """Hold the problems (the folder cannot be used) and the warnings (it can)."""

    folder: Path
    problems: Sequence[str]
    warnings: Sequence[str]

    def to_text(self) -> str:
        """Return the findings, a line each, and a closing line with their numbers."""
        lines = [f"error: {text}" for text in self.problems[:_MOST_SHOWN]]
        if len(self.problems) > _MOST_SHOWN:
            lines.append(f"error: … and {len(self.problems) - _MOST_SHOWN} more")
        lines += [f"warning: {text}" for text in self.warnings]
        lines.append(f"{self.folder}: {len(self.problems)} errors, {len(self.warnings)} warnings")
        return "\n".join(lines) + "\n"

    def raise_for_status(self, *, strict: bool) -> None:
        """Raise DataError for problems and, when strict, GateError for warnings."""
        if self.problems:
            more = f" ({len(self.problems) - 1} more above)" if len(self.problems) > 1 else ""
            raise DataError(self.problems[0] + more)
        if strict and self.warnings:
            raise GateError(f"{self.folder}: {len(self.warnings)} warnings, and --strict allows none.")


def validate(folder: Path) -> Findings:
    """Return all findings of a folder, over every kind of features that it has."""
    problems: list[str] = []
    dataset = read_dataset(folder, report=problems.append)
    for name in dataset.feature_names[1:]:  # the first was read with the dataset
        read_dataset(folder, features=name, report=problems.append)
    distinct = list(dict.fromkeys(problems))
    return Findings(folder, distinct, [] if distinct else _warnings(dataset))


def _warnings(dataset: Dataset) -> list[str]:
    found = []
    for split in ("train", "val"):
        if not dataset.split(split):
            found.append(f"the split '{split}' is empty: trainable systems cannot be fitted.")
    known = {record.video_id for record in dataset.records}
    for split in ("train", "val", "test"):
        records = dataset.split(split)
        silent = sum(1 for record in records if not record.transcript.strip())
        alone = sum(1 for record in records if not dataset.references[record.video_id])
        for count, what in ((silent, "no transcript"), (alone, "no queries")):
            if count:
                found.append(f"{count} of {len(records)} {split} videos have {what}.")
    if dataset.features is None:
        found.append("there are no features: multimodal systems see no frames.")
    else:
        lacking = len(known - set(dataset.features.position))
        strangers = len(set(dataset.features.position) - known)
        if lacking:
            found.append(f"features '{dataset.features.name}' lack {lacking} of {len(known)} videos.")
        if strangers:
            found.append(
                f"features '{dataset.features.name}' hold {strangers} videos that are not in videos.jsonl."
            )
        found += _transcript_warnings(dataset, dataset.features)
    unjudged = sum(1 for videos in dataset.relevant.values() if not videos)
    if unjudged:
        found.append(f"{unjudged} queries have no relevant video.")
    blank = sum(1 for text in dataset.queries.values() if not normalise(text))
    if blank:
        found.append(f"{blank} queries have no text.")
    return found + _script_warnings(dataset)


def _transcript_warnings(dataset: Dataset, features: Features) -> list[str]:
    """Say where transcripts and their vectors, if there are any, do not belong together."""
    if features.transcripts is None:
        return []
    spoken = {record.video_id for record in dataset.records if record.transcript.strip()}
    given = {r.video_id for r in dataset.records if features.transcript(r.video_id) is not None}
    place = f"features '{features.name}': {TRANSCRIPTS}"
    found = []
    if lacking := len(spoken - given):
        found.append(f"{place} has no vector for {lacking} of {len(spoken)} transcripts.")
    if silent := len(given - spoken):
        found.append(f"{place} has a vector for {silent} videos that have no transcript.")
    return found


def _script_warnings(dataset: Dataset) -> list[str]:
    text = " ".join(record.transcript for record in dataset.records[:_SAMPLE])
    share = cjk_share(text)
    if text.strip() and (share > 0.5) != (dataset.language == "zh"):
        return [
            f"dataset.json says language '{dataset.language}', "
            f"but {share:.0%} of the transcripts' tokens are CJK."
        ]
    return []

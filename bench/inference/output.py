"""Where the summaries of new videos may be written: nowhere that is read for them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.data.pictures import PICTURES
from bench.data.text_files import METADATA, QRELS, QUERIES, VIDEOS
from bench.errors import UsageError
from bench.inference.growing_file import unfinished_names
from bench.store.files import replaceable
from bench.systems.file_summaries import record_path


def check_out(path: Path, videos: Path, folders: Iterable[Path]) -> None:
    """Raise UsageError where a file that belongs to the summaries would take the place of one that is read.

    ``videos`` is the file of videos, ``folders`` are the datasets that are read.
    """
    if not path.name:
        raise UsageError(f"--out {str(path)!r} names no file.")
    if str(path) == "-":
        raise UsageError(
            "--out -: summaries are continued after a kill, for which a file is needed. Name one."
        )
    texts = [folder / name for folder in folders for name in (METADATA, VIDEOS, QUERIES, QRELS)]
    for one in (path, record_path(path), *unfinished_names(path)):
        replaceable(one, "--out")
        if one.exists() and any(file.exists() and one.samefile(file) for file in (videos, *texts)):
            what = "the file of videos" if one.samefile(videos) else "a file of a dataset that is read"
            raise UsageError(f"--out {path}: {one} is {what}; name another path.")
    for inner in (folder / name for folder in folders for name in ("features", PICTURES)):
        if path.resolve().is_relative_to(inner.resolve()):
            raise UsageError(f"--out {path} is in {inner}, which is read; name another path.")

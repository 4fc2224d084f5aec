"""Go through all files: several at once, past a file that ends its process, with progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from bench.prepare.extraction import UNREADABLE, Extracted, Extractor
from bench.prepare.files import VideoFile
from bench.prepare.options import PrepareOptions
from bench.store.environment import usable_cores

_LINE_EVERY = 30.0
"""Seconds between two lines of progress where no progress bar is shown."""


def extract_all(
    files: Sequence[VideoFile],
    extractor: Extractor,
    options: PrepareOptions,
    *,
    store: Path,
    quiet: bool = False,
) -> list[Extracted]:
    """Extract all files, in their order; a bar or lines on stderr give the time that is left.

    ``extractor`` works in this process where one job is enough. A file that ends its process (a defect of a
    library) is unreadable, and the others are done by new processes.
    """
    from tqdm import tqdm

    jobs = min(options.jobs or usable_cores(), len(files))
    done: dict[str, Extracted] = {}
    results = map(extractor.extract, files) if jobs == 1 else _in_processes(files, jobs, options, store)
    interval = 0.5 if sys.stderr.isatty() else _LINE_EVERY
    for result in tqdm(
        results, total=len(files), desc="prepare", unit="video", disable=quiet, mininterval=interval
    ):
        done[result.file.name] = result
    return [done[file.name] for file in files]


def _in_processes(
    files: Sequence[VideoFile], jobs: int, options: PrepareOptions, store: Path
) -> Iterator[Extracted]:
    """Yield results as they come, past files that end their process.

    Among several processes nobody knows which file ended one. So a single process goes on until it ends, too,
    which was then at its first file without a result; several do the rest.
    """
    left = {file.name: file for file in files}
    workers = jobs
    while left:
        try:
            for result in _pooled(list(left.values()), workers, options, store):
                del left[result.file.name]
                yield result
        except BrokenProcessPool as error:
            if workers == 1:
                file = left.pop(next(iter(left)))
                yield Extracted(file, UNREADABLE, (f"{file.path}: reading it ended the process ({error}).",))
            workers = 1 if workers > 1 else jobs


def _pooled(
    files: Sequence[VideoFile], workers: int, options: PrepareOptions, store: Path
) -> Iterator[Extracted]:
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(options, store))
    finished = False
    try:
        futures = [pool.submit(_work, file) for file in files]
        for future in futures if workers == 1 else as_completed(futures):
            yield future.result()
        finished = True
    finally:
        pool.shutdown(wait=True, kill_workers=not finished)


_extractor: Extractor | None = None
"""That of a worker process."""


def _begin(options: PrepareOptions, store: Path) -> None:
    global _extractor
    _extractor = Extractor(options, store)


def _work(file: VideoFile) -> Extracted:
    assert _extractor is not None
    return _extractor.extract(file)

"""A disk of eight megabytes that is full: a file system in memory, or a limit of the size of files."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE = 8 << 20
_FILLER = "filler"


@dataclass(frozen=True)
class Disk:
    """A folder whose disk can be full; without ``mounted`` it stands on a limit of the size of each file."""

    folder: Path
    mounted: bool

    @contextlib.contextmanager
    def full(self, free: int) -> Iterator[None]:
        """Leave so many bytes free, in the limited case in each file, while the block runs."""
        with self._filled(free) if self.mounted else _limited(free):
            yield

    @contextlib.contextmanager
    def _filled(self, free: int) -> Iterator[None]:
        filler = self.folder / _FILLER
        with contextlib.suppress(OSError), filler.open("wb") as stream:
            while True:
                stream.write(bytes(4096))
                stream.flush()
        os.truncate(filler, max(0, filler.stat().st_size - free))
        try:
            yield
        finally:
            filler.unlink()


@contextlib.contextmanager
def _limited(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount a file system in memory on a new folder, or limit the size of files where that is refused."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:  # no such command, or not for this user
        mounted = False
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)

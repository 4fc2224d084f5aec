"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block ends well.

    A kill at any moment leaves the old file or the new one, never a half.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically, with line ends as they are in ``text``."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def json_lines(items: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as JSON lines, UTF-8 as it is."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON lines file."""
    # not splitlines(): a text may hold other line ends
    return [json.loads(line) for line in path.read_bytes().decode("utf-8").split("\n") if line]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Ways in which a file of a store or an output folder gets damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_first(path: Path) -> None:
    _flip(path, 0)


def flip_middle(path: Path) -> None:
    _flip(path, path.stat().st_size // 2)


def flip_last(path: Path) -> None:
    _flip(path, -1)


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def put_deep_json(path: Path) -> None:
    path.write_text("[" * 100_000)


def add_file(path: Path) -> None:
    path.with_name("added").write_text("x")


DAMAGES: dict[str, Callable[[Path], None]] = {
    damage.__name__: damage
    for damage in (
        truncate, flip_first, flip_middle, flip_last, empty, remove, put_folder, put_pipe, put_broken_link,
        put_deep_json, add_file,
    )
}  # fmt: skip


def restore(folder: Path, copy: Path) -> None:
    """Put a copy in the place of a damaged folder."""
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)

"""The commands and folders that the tests of the harness share."""

from __future__ import annotations

import csv
from pathlib import Path

from bench.output.schema import GENERATION
from tests.tiny import Tiny

RANKING = [f"{kind}@{k}" for kind in ("R", "P", "Acc") for k in (1, 5, 10, 30)]
TEXT = list(GENERATION.values())
GENERATORS = ("lead", "transcript", "oracle", "theirs")
RETRIEVER = "bm25"


def command(tiny: Tiny, out: Path, generators: str = "lead,transcript,oracle", *more: object) -> list[str]:
    return [
        "run", "--data", str(tiny.folder), "--generators", generators, "--retrievers", RETRIEVER,
        "--out", str(out), *map(str, more),
    ]  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))

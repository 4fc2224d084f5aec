"""The command that the tests of engines run, and what of its output must not depend on the engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.harness.commands import tree
from tests.tiny import Tiny

SMALL = [
    "train.epochs=1", "pretrain.steps=2", "bart.width=16", "bart.heads=2", "bart.feed_forward=16",
    "bart.encoder_layers=1", "bart.decoder_layers=1", "text.vocabulary=200", "decode.beams=1",
    "decode.batch_size=2",
]  # fmt: skip
MEASURED = re.compile(r"(costs\.csv|manifest\.json|report\.html|summary\.json|tables/cost\..*)")
"""Files with times, memory and the settings of the run."""


def grid(tiny: Tiny, out: Path, store: Path, generators: str, retrievers: str, *options: str) -> list[object]:
    """Return the command of a small grid."""
    settings = [part for option in (*SMALL, *options) for part in ("--set", option)]
    return [
        "run", "--data", tiny.folder, "--generators", generators, "--retrievers", retrievers,
        "--out", out, "--store", store, *settings,
    ]  # fmt: skip


def unmeasured(out: Path) -> dict[str, bytes]:
    """Return the files that hold nothing that was measured, and of the manifest what decides results."""
    files = {name: data for name, data in tree(out).items() if not MEASURED.fullmatch(name)}
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    same = {name: manifest[name] for name in ("run", "coverage", "signature")}
    return files | {"manifest.json": json.dumps(same, sort_keys=True).encode()}

"""The signature names every option that is not the preset's, so that no two settings share a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bench
from bench.config.run_config import configure
from bench.output.manifest import parse_signature, signature_line
from tests.tiny import Tiny


def signature(tiny: Tiny, out: Path, **changes: Any) -> dict[str, str]:
    result = bench.run(
        data=tiny.folder, generators="lead", retrievers="bm25", out=out, set=changes, quiet=True
    )
    return dict(result.manifest.signature)


def test_changed_options_are_in_it_and_come_back_from_the_line(tiny: Tiny, tmp_path: Path) -> None:
    texts = tmp_path / "texts | of: others.txt"
    texts.write_text("a text\n")
    changes = {"lead.units": 3, "train.epochs": 99, "pretrain.texts": str(texts)}
    changed = signature(tiny, tmp_path / "out", **changes)
    assert changed["set"] == "lead.units=3,pretrain.texts=texts of others.txt,train.epochs=99"
    assert parse_signature(signature_line(changed)) == changed


def test_values_of_the_preset_and_of_the_machine_are_not(tiny: Tiny, tmp_path: Path) -> None:
    kept = {"train.epochs": 8, "run.workers": 1, "index.mode": "append"}  # the last has an entry of its own
    assert "set" not in signature(tiny, tmp_path / "out", **kept)


def test_no_preset_differs_from_itself() -> None:
    for preset in ("quick", "base", "paper"):
        assert configure({"preset": preset}).changed_options() == {}

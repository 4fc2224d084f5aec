"""A row killed in the middle of an epoch, with sampled targets and scores, ends with the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from generators.neural.row import NeuralRow
from generators.qms.rows import qms
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import MakeRow, toy

Make = Callable[..., Context]
SIX_STEPS = {"train__batch_size": 4, "train__checkpoint_steps": 2, "train__epochs": 3, "qms__mu": 0.9}


def saved(generator: NeuralRow, folder: Path) -> dict[str, bytes]:
    generator.fit(toy(24, where="text"), toy(4, where="text", start=100))
    folder.mkdir()
    generator.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("row", [Seq2Seq, qms], ids=lambda row: row.__name__)
@pytest.mark.parametrize("killed_at", [3, 9, 16])
def test_a_row_killed_within_an_epoch_saves_the_same_files(
    row: MakeRow, killed_at: int, context: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = row(context(**SIX_STEPS))
    files = saved(uninterrupted, tmp_path / "uninterrupted")
    stopped = context(**SIX_STEPS)
    stopped.scratch = tmp_path / "scratch"
    stopped.scratch.mkdir()
    forward, calls = type(uninterrupted.module).forward, iter(range(killed_at))

    def killed(module: Any, batch: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return forward(module, batch)

    with monkeypatch.context() as patch:
        patch.setattr(type(uninterrupted.module), "forward", killed)
        with pytest.raises(KeyboardInterrupt):
            saved(row(stopped), tmp_path / "killed")
    assert [path.name for path in stopped.scratch.iterdir()], "nothing was left to continue from"
    assert saved(row(stopped), tmp_path / "again") == files

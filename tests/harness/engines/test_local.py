"""Systems trained in worker processes: made now, in no key, and explained from the store afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import Cli
from tests.tiny import Tiny

SMALL = [
    "train.epochs=1", "pretrain.steps=2", "bart.width=16", "bart.heads=2", "bart.feed_forward=16",
    "bart.encoder_layers=1", "bart.decoder_layers=1", "text.vocabulary=200", "decode.beams=1",
]  # fmt: skip


def test_a_trained_row_and_side_by_side_training(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    """Train two rows in two worker processes, then ask the one that can explain itself."""
    out = tmp_path / "out"
    options = [part for value in SMALL for part in ("--set", value)]
    command = [
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "qms,bart-mm",
        "--retrievers",
        "bm25",
        "--out",
        out,
    ]
    done = cli(*command, "--set", "run.workers=2", *options)
    assert done.status == 0, done.err
    assert (out / "training" / "qms.jsonl").is_file()
    assert "reused" not in done.err, done.err  # what a worker made is made now
    text = cli("explain", out, "--video", "v10").out
    assert "QMS wrote:" in text
    assert "U v:" in text
    assert "rejected" in text
    before = (out / "summaries" / "qms.jsonl").read_bytes()
    again = cli(*command, "--set", "run.workers=1", *options)
    assert again.status == 0
    cells = [line for line in again.err.splitlines() if " summaries: " in line or " bm25: " in line]
    assert cells
    assert all(line.endswith(": reused") for line in cells)  # workers are no part of any key
    assert (out / "summaries" / "qms.jsonl").read_bytes() == before
    shutil.rmtree(tiny.folder)
    assert "QMS wrote:" in cli("explain", out, "--video", "v10").out  # without the data: the files alone

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


PLUG_INS = """
class Fails:
    label = "Fails"

    def identity(self):
        return {}

    def fit(self, train, val):
        pass

    def save(self, folder):
        (folder / "empty").touch()

    def load(self, folder):
        pass

    def summarize(self, videos):
        raise TwoPartError("first", "second")


class Works(Fails):
    label = "Works"

    def summarize(self, videos):
        return {video.video_id: video.transcript for video in videos}


class TwoPartError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")  # cannot be unpickled: it lacks an argument then
"""


def test_an_error_that_cannot_be_pickled_fails_its_system_alone(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUG_INS)
    words = ",".join(f"{tmp_path / 'mine.py'}:{name}" for name in ("Fails", "Works"))
    options = ("--retrievers", "bm25", "--out", tmp_path / "out", "--set", "run.workers=2")
    done = cli("run", "--data", tiny.folder, "--generators", words, *options)
    assert "Fails: TwoPartError: first and second" in done.err
    assert (tmp_path / "out" / "summaries" / "Works.jsonl").is_file(), done.err


PER_GENERATOR = """
import bench


class Refuses:
    label = "Refuses"
    per_generator = "it learns from summaries"

    def identity(self):
        return {}

    def use_summaries(self, summaries):
        raise ValueError("not these")

    def fit(self, train, val):
        pass

    def save(self, folder):
        pass

    def load(self, folder):
        pass

    def index(self, summaries):
        pass

    def search(self, queries, k):
        return bench.Run.from_hits({query: [] for query in queries}, (), k)
"""


def test_a_retriever_that_refuses_summaries_fails_its_cell_alone(
    cli: Cli, tiny: Tiny, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(PER_GENERATOR)
    retrievers = f"bm25,{tmp_path / 'mine.py'}:Refuses"
    command = ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", retrievers)
    for _ in range(2):  # the second run has the training summaries before it begins
        done = cli(*command, "--out", tmp_path / "out")
        assert "lead.Refuses: lead.Refuses failed: ValueError: not these" in done.err
        assert (tmp_path / "out" / "scores.csv").is_file()
        assert "Unexpected" not in done.err
    assert "lead.Refuses: cannot run: ValueError: not these" in cli(*command, "--dry-run").out

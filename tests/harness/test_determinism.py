"""A sample of a run is computed again in other ways, and what differs is counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from bench.harness.determinism import _differences, _moved
from bench.types import Run, Video
from generators.lead import Lead
from tests.chaos.inputs import write_data, write_encoder
from tests.conftest import Cli
from tests.harness.commands import command
from tests.tiny import Tiny


def test_each_system_of_a_run_has_a_line(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    done = cli(*command(tiny, tmp_path / "out", "lead,transcript"), "--verify-determinism")
    assert done.status == 0, done.err
    for name in ("lead", "transcript"):
        assert (
            f"{name}: of 6 summaries differ: one by one 0, in reverse 0, with 2 threads 0, by 2 workers 0"
            in (done.err)
        )
        assert f"{name}.bm25: of 5 queries, 0 have another order of documents" in done.err


def test_a_training_alone_and_side_by_side_has_the_same_weights(tmp_path: Path, cli: Cli) -> None:
    data, weights = write_data(tmp_path / "tiny"), write_encoder(tmp_path / "encoder")
    done = cli(
        "run", "--data", data, "--generators", "lead", "--retrievers", "dpr-ft", "--device", "cpu",
        "--set", "dpr-ft.epochs=1", "--set", f"dpr.weights={weights}", "--out", tmp_path / "out",
        "--verify-determinism",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert (
        "bench: dpr-ft: trained on 20 videos at most, alone and by 2 workers side by side: "
        "0 files of weights differ, by at most 0.0e+00" in done.err
    )


def test_differences_of_weights_are_measured(tmp_path: Path) -> None:
    for name, step in (("alone", 0.0), ("worker", 0.25)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "weights.npy", np.array([1.0, 2.0 + step]))
        (tmp_path / name / "training.jsonl").write_text(f'{{"seconds": {step}}}')
    assert _moved(tmp_path / "alone", tmp_path / "worker") == (1, 0.25)
    assert _moved(tmp_path / "alone", tmp_path / "alone") == (0, 0.0)


def test_a_generator_that_depends_on_its_batch_is_counted(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_place(self: Lead, videos: Iterable[Video]) -> dict[str, str]:
        return {video.video_id: f"place {place}" for place, video in enumerate(videos)}

    monkeypatch.setattr(Lead, "summarize", by_place)
    done = cli(*command(tiny, tmp_path / "out", "lead"), "--verify-determinism")
    assert "lead: of 6 summaries differ: one by one 5, in reverse 6, with 2 threads 0, by 2 workers 6" in (
        done.err
    ), "the workers have the Lead that was not replaced"


def test_differences_of_scores_and_of_ranks_are_measured() -> None:
    hits = np.array([[0, 1]], dtype=np.int32)
    scores = np.array([[2.0, 1.0]], dtype=np.float32)
    stored = Run(("q",), ("a", "b"), hits, scores)
    again = Run(("q",), ("a", "b"), hits[:, ::-1], scores + np.float32(0.25))
    assert _differences(stored, again) == (
        "of 1 queries, 1 have another order of documents; scores differ by at most 2.5e-01"
    )


CODE = """
class Refuses:
    label = "Refuses"

    def __init__(self):
        raise ValueError("never built")


class OneAtATime:
    label = "One at a time"

    def identity(self):
        return {}

    def summarize(self, videos):
        if len(videos) == 1:
            raise ValueError("not alone")
        return {video.video_id: video.transcript for video in videos}
"""


def test_what_fails_in_the_run_or_when_computed_again_does_not_end_it(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "written.jsonl").write_text('{"video_id": "v10", "summary": "apple"}\n')
    words = [
        f"file:{tmp_path / 'written.jsonl'}",
        *(f"{tmp_path / 'mine.py'}:{n}" for n in ("Refuses", "OneAtATime")),
    ]
    command = ("run", "--data", tiny.folder, "--generators", ",".join(words), "--retrievers", "bm25")
    done = cli(*command, "--out", tmp_path / "out", "--verify-determinism")
    assert "Unexpected" not in done.err
    assert "OneAtATime: cannot be computed again: ValueError: not alone" in done.err
    assert "written.bm25: of " in done.err
    assert "written: of" not in done.err

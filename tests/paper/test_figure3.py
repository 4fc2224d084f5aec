"""``bench reproduce fig3``: the two distributions, and which videos and files they lack."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.paper.figure3 import histogram
from tests.conftest import Cli
from tests.tiny import VIDEOS, Tiny, write_transcript_vectors


def test_bins_hold_their_lower_end_and_the_last_its_upper_end_too() -> None:
    bins = histogram({"x": [0.0, 0.1 + 0.2, 0.29, 1.0]})
    assert list(bins["from"])[:4] == [0.0, 0.1, 0.2, 0.3]
    assert bins["x"].tolist() == [0.25, 0, 0.25, 0.25, 0, 0, 0, 0, 0, 0.25]
    assert histogram({"x": []})["x"].sum() == 0


def test_bins_of_cosines_lose_none_at_either_end_and_have_no_minus_zero() -> None:
    bins = histogram({"x": [-1 - 1e-16, -1e-12, 0.3, 1 + 2e-16]}, low=-1, bins=40)
    assert bins["x"].sum() == 1
    assert bins["x"].iloc[[0, 20, 26, 39]].tolist() == [0.25] * 4
    assert "-0.0" not in [str(edge) for edge in (*bins["from"], *bins["to"])]


@pytest.fixture
def reported(tiny: Tiny, tmp_path: Path, cli: Cli) -> Callable[[], tuple[str, Path]]:
    """Return what is printed, and the folder of the files, with and without vectors of transcripts."""

    def run() -> tuple[str, Path]:
        outcome = cli("reproduce", "fig3", "--data", tiny.folder, "--out", tmp_path / "out")
        assert outcome.status == 0, outcome.err
        return outcome.out, tmp_path / "out" / "reproduce"

    return run


def test_without_vectors_of_transcripts_one_sentence_says_what_to_write(
    reported: Callable[[], tuple[str, Path]],
) -> None:
    outcome, files = reported()
    assert "it needs features/tiny-4/transcripts.npy, float16 or float32 [n_videos, dim]" in outcome
    assert not (files / "fig3-similarity.csv").exists()


def test_similarity_is_a_table_and_a_file_with_the_papers_means(
    tiny: Tiny, reported: Callable[[], tuple[str, Path]]
) -> None:
    seen = [video for video, _, _ in VIDEOS if video not in ("v1", "v9", "v100")]
    signs = {video: -1 if video == "v3" else 1 for video in seen}
    write_transcript_vectors(tiny.feature(""), {video: [sign, 0, 0, 0] for video, sign in signs.items()})
    outcome, files = reported()
    assert "not given" not in outcome
    assert "The paper: 0.198 for micro-videos, 0.254 for Youku-mPLUG" in outcome
    assert "Mean: 0.778." in outcome
    assert (
        "Videos: 9 of 12, all splits. Left out: 2 without frames, 1 with frames and without a vector"
        in outcome
    )
    assert "| -1.00 to -0.95 | 11.1 |" in outcome
    assert "| 0.95 to 1.00 | 88.9 |" in outcome
    with (files / "fig3-similarity.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [rows[0]["from"], rows[-1]["to"], len(rows)] == ["-1.0", "1.0", 40]
    assert float(rows[-1]["text-visual similarity"]) == pytest.approx(8 / 9)


def test_a_removed_file_leaves_no_stale_table(tiny: Tiny, reported: Callable[[], tuple[str, Path]]) -> None:
    write_transcript_vectors(tiny.feature(""), {"v3": [1, 0, 0, 0]})
    _, files = reported()
    assert (files / "fig3-similarity.csv").is_file()
    tiny.feature("transcripts.npy").unlink()
    reported()
    assert not (files / "fig3-similarity.csv").exists()


def test_vectors_for_no_video_at_all_are_no_distribution(
    tiny: Tiny, reported: Callable[[], tuple[str, Path]]
) -> None:
    write_transcript_vectors(tiny.feature(""), {})
    outcome, _ = reported()
    assert "Mean: none." in outcome
    assert "Videos: 0 of 12" in outcome

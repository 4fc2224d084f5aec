"""Cosines of picture and transcript that are known by heart, and who is left out."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.data.similarity import describe_missing_vectors, text_visual_similarities
from bench.data.statistics import compute_statistics
from bench.paper import published
from bench.paper.published import paper_figures
from bench.paper.table2 import statistics_table
from tests.conftest import Cli
from tests.tiny import DIM, LENGTHS, Tiny, write_transcript_vectors

X, Y, BETWEEN = [1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]


def picture(tiny: Tiny, video: str, vectors: list[list[float]], dtype: type = np.float32) -> None:
    """Give a video other frames, as many as it has."""
    frames = np.load(tiny.feature("frames.npy")).astype(dtype)
    start = sum(LENGTHS[v] for v in list(LENGTHS)[: list(LENGTHS).index(video)])
    frames[start : start + LENGTHS[video]] = vectors
    np.save(tiny.feature("frames.npy"), frames)


def cosines(tiny: Tiny, **options: int) -> dict[str, float]:
    similarities = text_visual_similarities(read_dataset(tiny.folder, options=DataOptions(**options)))
    assert similarities is not None
    return dict(similarities.values)


def test_each_frame_weighs_the_same_whatever_its_length(tiny: Tiny) -> None:
    picture(tiny, "v5", [[100, 0, 0, 0], [0, 0.01, 0, 0]])
    write_transcript_vectors(tiny.feature(""), {"v5": [3, 3, 0, 0]}, np.float32)
    assert cosines(tiny)["v5"] == pytest.approx(1)


@pytest.mark.parametrize(("text", "cosine"), [(X, 1), (Y, 0), ([-7, 0, 0, 0], -1), (BETWEEN, 0.5**0.5)])
def test_cosines_reach_from_minus_one_to_one(tiny: Tiny, text: list[float], cosine: float) -> None:
    picture(tiny, "v5", [X, X])
    write_transcript_vectors(tiny.feature(""), {"v5": text})
    assert cosines(tiny)["v5"] == pytest.approx(cosine)


def test_numbers_near_the_end_of_float16_do_not_overflow(tiny: Tiny) -> None:
    picture(tiny, "v5", [[60_000, 60_000, 0, 0]] * 2, np.float16)
    write_transcript_vectors(tiny.feature(""), {"v5": [6e-8, 6e-8, 0, 0]})
    assert cosines(tiny)["v5"] == pytest.approx(1)


def test_a_frame_of_zeros_points_nowhere(tiny: Tiny) -> None:
    picture(tiny, "v5", [X, [0] * DIM])
    write_transcript_vectors(tiny.feature(""), {"v5": X})
    assert cosines(tiny)["v5"] == pytest.approx(1)


def test_only_the_frames_that_a_generator_sees_count(tiny: Tiny) -> None:
    picture(tiny, "v10", [X] + [Y] * 39)
    write_transcript_vectors(tiny.feature(""), {"v10": X})
    assert cosines(tiny, max_frames=1)["v10"] == pytest.approx(1)
    assert cosines(tiny, max_frames=32)["v10"] < 0.1


def test_videos_that_lack_a_vector_are_counted_not_guessed(tiny: Tiny) -> None:
    picture(tiny, "v6", [[0] * DIM])
    write_transcript_vectors(tiny.feature(""), {"v5": X, "v9": X, "v6": X})
    similarities = text_visual_similarities(read_dataset(tiny.folder))
    assert similarities is not None
    assert set(similarities.values) == {"v5"}
    assert (
        similarities.without_frames == 3
    )  # v9 has no frame, v100 is not among the features, v6 shows nothing
    assert similarities.without_text == 12 - 1 - 3


def test_without_the_file_there_is_no_similarity_and_a_sentence_says_what_to_write(
    tiny: Tiny, cli: Cli
) -> None:
    dataset = read_dataset(tiny.folder)
    assert text_visual_similarities(dataset) is None
    assert "features/tiny-4/transcripts.npy" in describe_missing_vectors(dataset)
    assert describe_missing_vectors(dataset) in statistics_table(dataset).notes
    assert "nan" not in cli("data", "stats", tiny.folder).out


def test_the_mean_of_each_split_stands_beside_the_papers(tiny: Tiny, cli: Cli) -> None:
    picture(tiny, "v5", [X, X])
    picture(tiny, "v6", [Y])
    write_transcript_vectors(tiny.feature(""), {"v5": X, "v6": BETWEEN})
    similarities = compute_statistics(read_dataset(tiny.folder))["text-visual similarity"]
    assert similarities["val"] == similarities["all"] == pytest.approx((1 + 0.5**0.5) / 2, abs=1e-3)
    assert similarities["test"] != similarities["test"]
    (line,) = [
        row for row in cli("data", "stats", tiny.folder, "--paper").out.splitlines() if "text-visual" in row
    ]
    assert "0.854" in line
    assert "0.198" in line


def test_the_papers_figure_is_that_of_its_claim() -> None:
    (claim,) = [claim for claim in published.claims("fig3") if claim.id == "modal-gap"]
    assert float(claim.value) == paper_figures()["text-visual similarity"]["all"]
    assert str(paper_figures()["text-visual similarity of Youku-mPLUG"]["all"]) in claim.statement

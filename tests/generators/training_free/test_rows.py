"""Training-free rows: only words of the transcript, as long as Lead, the same in every process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.harness.manifest import CHOSEN_BY
from bench.options import build_sections
from bench.types import Video
from generators.options import LeadOptions, TrainingFreeOptions
from generators.training_free.keywords import KeywordRow
from generators.training_free.minilm_select import MiniLMSelect, marginal_relevance
from generators.training_free.textrank import TextRank
from generators.training_free.tfidf import TFIDF
from generators.training_free.yake_phrases import Yake
from tests.conftest import Cli
from tests.tiny import Tiny

ROWS: list[Any] = [TFIDF, TextRank, Yake, MiniLMSelect]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
PASTA = (
    "well today we are going to cook pasta in a large pan with salted water and then drain the pasta "
    "before the tomato sauce goes on the pasta with some basil and a little parmesan cheese"
)
SUMO = "the sumo wrestler throws the other wrestler out of the ring and the sumo crowd cheers"
CHINESE = "今天我们来学习怎么做红烧肉，先把红烧肉切成小块，然后加酱油和白糖，红烧肉要炖一个小时。"


def make_context(language: str = "en", **values: Any) -> Context:
    kinds = {kind.section: kind for kind in (LeadOptions, TrainingFreeOptions)}
    changes = {
        key.replace("__", ".").replace("training_free", "training-free"): v for key, v in values.items()
    }
    return Context(language=language, sections=build_sections(kinds, changes))


def video(video_id: str, transcript: str) -> Video:
    return Video(video_id, transcript, np.zeros((0, 4), np.float32))


def write(row: Any, *transcripts: str, language: str = "en", **values: Any) -> list[str]:
    generator = row(make_context(language, **values))
    videos = [video(f"v{i}", transcript) for i, transcript in enumerate(transcripts)]
    if isinstance(generator, KeywordRow):
        generator.fit([video("a", "well today we are going to the ring"), video("b", SUMO)], [])
    return list(generator.summarize(videos).values())


@every_row
def test_a_summary_has_words_of_the_transcript_alone_and_is_as_long_as_lead(row: Any) -> None:
    [summary] = write(row, PASTA)
    assert 1 <= len(summary.split()) <= LeadOptions().units
    assert set(summary.split()) <= set(PASTA.split())
    assert "pasta" in summary.split()


@every_row
def test_a_video_without_words_has_an_empty_summary(row: Any) -> None:
    assert write(row, "", "  \n", "... !!", "the of and") == ["", "", "", ""]


@every_row
def test_the_length_follows_lead_unless_it_is_set(row: Any) -> None:
    assert len(write(row, PASTA, lead__units=3)[0].split()) <= 3
    [longer] = write(row, PASTA, lead__units=3, training_free__units=12)
    assert 3 < len(longer.split()) <= 12


def test_a_length_of_lead_that_is_measured_on_queries_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Add --set training-free.units=N"):
        TFIDF(make_context(lead__units=0))
    assert TFIDF(make_context(lead__units=0, training_free__units=5))


@every_row
def test_no_other_video_of_the_pool_changes_a_summary(row: Any) -> None:
    assert write(row, PASTA)[0] == write(row, SUMO, PASTA, SUMO)[1]


@pytest.mark.parametrize("row", [TFIDF, TextRank])
def test_chinese_keywords_are_counted_in_characters(row: Any) -> None:
    generator = row(make_context("zh"))
    generator.fit([video("a", "今天我们来学习"), video("b", "今天我们去公园")], [])
    [summary] = generator.summarize([video("v", CHINESE)]).values()
    assert 0 < sum(map(len, summary.split())) <= LeadOptions().units
    assert "红烧肉" in summary or "红烧" in summary
    assert all(word in CHINESE for word in summary.split())


@pytest.mark.parametrize("row", [Yake, MiniLMSelect])
def test_a_row_for_english_refuses_chinese_and_names_the_rows_that_read_it(row: Any) -> None:
    with pytest.raises(UsageError, match=r"dataset's language is 'zh'.*tfidf or textrank"):
        row(make_context("zh"))


def test_tfidf_prefers_words_that_training_transcripts_do_not_have() -> None:
    # sumo and wrestler occur twice here; a training transcript has them, and none has banana
    assert write(TFIDF, "sumo sumo wrestler wrestler banana banana", training_free__units=1) == ["banana"]


def test_tfidf_is_the_count_times_the_logarithm_of_the_inverse_share() -> None:
    row = TFIDF(make_context())
    row.fit([video("a", "red cat"), video("b", "red dog"), video("c", "")], [video("d", "bird")])
    scores = row.score(["red", "cat", "cat", "bird"])
    assert scores["red"] == pytest.approx(0)
    assert scores["cat"] == pytest.approx(2 * np.log(3 / 2))
    assert scores["bird"] == pytest.approx(np.log(3)), "validation is not counted, nor is an empty transcript"


def test_textrank_prefers_the_word_that_has_most_neighbours() -> None:
    text = "guitar strings guitar chords guitar tuner guitar amplifier"
    assert write(TextRank, text, training_free__units=1) == ["guitar"]


def test_textrank_leaves_out_words_that_many_training_transcripts_have() -> None:
    row = TextRank(make_context(training_free__units=2, training_free__max_document_share=0.5))
    row.fit([video(str(i), "okay people") for i in range(9)], [])
    assert list(row.summarize([video("v", "okay guitar okay chords okay")]).values()) == ["guitar chords"]
    assert list(row.summarize([video("v", "okay people okay")]).values()) == ["okay people"], (
        "nothing is rare"
    )


def test_minilm_select_takes_sentences_when_asked_to() -> None:
    text = "Hello everybody. We cook pasta with tomato sauce. Bye now."
    [summary] = write(MiniLMSelect, text, training_free__candidates="sentences")
    assert summary.startswith("We cook pasta with tomato sauce")


def test_marginal_relevance_prefers_what_is_unlike_the_candidates_before_it() -> None:
    center = np.array([1.0, 0.0], np.float32)
    candidates = np.array([[0.6, 0.8], [0.96, 0.28], [0.96, 0.28], [0.8, -0.6]], np.float32)
    assert list(marginal_relevance(candidates, center, 1.0)) == [1, 2, 3, 0], "ties: the first comes first"
    assert list(marginal_relevance(candidates, center, 0.3)) == [1, 3, 0, 2], "a repeat comes last"


@pytest.mark.parametrize("row", [TFIDF, TextRank])
def test_a_saved_row_writes_what_it_wrote_before(row: Any, tmp_path: Path) -> None:
    before, after = row(make_context()), row(make_context())
    before.fit([video("a", PASTA), video("b", "a large pan and cheese")], [])
    before.save(tmp_path)
    after.load(tmp_path)
    assert after.summarize([video("v", PASTA)]) == before.summarize([video("v", PASTA)])
    (tmp_path / "document_frequencies.json").write_text("[]")
    with pytest.raises(DataError, match="damaged"):
        row(make_context()).load(tmp_path)


def test_hash_seeds_of_processes_change_nothing(
    process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "import json; from tests.generators.training_free import test_rows as t\n"
        "print(json.dumps([t.write(row, t.PASTA, t.SUMO) for row in (t.TFIDF, t.TextRank, t.Yake)]))"
    )
    written = [process("-c", code, env={"PYTHONHASHSEED": seed}) for seed in ("1", "2")]
    assert written[0].returncode == 0, written[0].stderr
    assert written[0].stdout == written[1].stdout


def test_validation_videos_are_not_reported_as_a_choice_of_epochs(
    cli: Cli, tmp_path: Path, tiny: Tiny
) -> None:
    done = cli(
        "run", "--data", tiny.folder, "--split", "val", "--generators", "tfidf,lead",
        "--retrievers", "bm25", "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert done.status == 0, done.err
    coverage = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert CHOSEN_BY not in json.dumps(coverage)

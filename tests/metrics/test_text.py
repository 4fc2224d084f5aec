from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from bench.metrics.cider import cider
from bench.metrics.definitions import TEXT_METRICS
from bench.metrics.text import bleu_of_counts, score_texts

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "红", "烧", "肉"]), max_size=7).map(" ".join)
CORPORA = st.lists(
    st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=4, unique=True)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=50)
@given(CORPORA)
def test_the_values_are_those_of_the_coco_scorers(corpus: list[tuple[str, list[str]]]) -> None:
    hypotheses = {f"v{n}": hypothesis for n, (hypothesis, _) in enumerate(corpus)}
    references = {f"v{n}": texts for n, (_, texts) in enumerate(corpus)}
    ours = score_texts(hypotheses, references)
    written = {video: [text] for video, text in hypotheses.items()}
    assume(any(any(texts) for texts in references.values()))  # CIDEr's scorer fails without any token
    bleu, bleu_each = Bleu(4).compute_score(references, written, verbose=0)
    _, rouge_each = Rouge().compute_score(references, written)
    for n, (hypothesis, _) in enumerate(corpus):
        if not hypothesis:  # the scorer lets an empty text match an empty reference; we do not
            rouge_each[n] = 0.0
    rouge = np.mean(rouge_each)
    cider, cider_each = Cider().compute_score(references, written)
    assert list(ours.corpus) == list(TEXT_METRICS)
    assert list(ours.corpus.values()) == pytest.approx([*bleu, rouge, cider], abs=1e-12)
    for name, values in zip(TEXT_METRICS, [*bleu_each, rouge_each, cider_each], strict=True):
        assert ours.per_video[name] == pytest.approx(np.array(values), abs=1e-12)


def test_bleu_by_hand() -> None:
    # clipped unigrams: a, b of 4; bigrams: "a b" of 3; hypothesis 4 tokens, closest reference 5
    scores = score_texts({"v": "a b a x"}, {"v": ["a b c d e", "b c d e f g h"]})
    penalty = math.exp(1 - 5 / 4)
    assert scores.corpus["BLEU-1"] == pytest.approx(penalty * 2 / 4, abs=1e-8)
    assert scores.corpus["BLEU-2"] == pytest.approx(penalty * math.sqrt(2 / 4 * 1 / 3), abs=1e-8)
    assert scores.corpus["BLEU-4"] < 1e-3
    assert scores.bleu_counts.tolist() == [[4, 5, 4, 3, 2, 1, 2, 1, 0, 0]]


def test_bleu_is_of_the_corpus_not_a_mean_over_videos() -> None:
    scores = score_texts({"u": "a b", "v": "x y z w"}, {"u": ["a b"], "v": ["a b c d"]})
    assert scores.corpus["BLEU-1"] == pytest.approx(2 / 6, abs=1e-8)
    assert scores.per_video["BLEU-1"].mean() == pytest.approx(1 / 2, abs=1e-8)


def test_rouge_l_by_hand() -> None:
    # the longest common subsequence of "a c d" is "a c": precision 2/3; "a b c" gives recall 2/3
    scores = score_texts({"v": "a c d"}, {"v": ["a b c"]})
    assert scores.corpus["ROUGE-L"] == pytest.approx(2 / 3, abs=1e-12)
    # precision from the long reference, recall from the short one: each at its best
    scores = score_texts({"v": "a b c d"}, {"v": ["a b c d e f g h", "a"]})
    assert scores.corpus["ROUGE-L"] == pytest.approx(1.0, abs=1e-12)


def test_cider_by_hand() -> None:
    # one token each, no n-gram shared between the videos: only n = 1 counts, cosine 1, times 10 / 4
    scores = score_texts({"u": "a", "v": "b"}, {"u": ["a"], "v": ["c"]})
    assert scores.per_video["CIDEr"].tolist() == pytest.approx([2.5, 0.0], abs=1e-12)
    assert scores.corpus["CIDEr"] == pytest.approx(1.25, abs=1e-12)


def test_a_perfect_summary_scores_one_and_cider_ten() -> None:
    texts = {"u": "how to cook a red fish", "v": "wash my old car by hand"}
    scores = score_texts(texts, {video: [text] for video, text in texts.items()})
    assert [scores.corpus[name] for name in TEXT_METRICS] == pytest.approx([1] * 5 + [10], abs=1e-8)


def test_tokens_decide_not_writing() -> None:
    scores = score_texts(
        {"u": "红烧肉，怎么做？ IPHONE", "v": "x"}, {"u": ["红烧肉怎么做 iPhone!"], "v": ["y"]}
    )
    assert [values[0] for values in scores.per_video.values()] == pytest.approx([1] * 5 + [10], abs=1e-8)


def test_a_reference_that_says_the_same_twice_is_one_reference() -> None:
    hypotheses = {"u": "a b c", "v": "d e"}
    once = score_texts(hypotheses, {"u": ["a b d", "x"], "v": ["d f"]})
    twice = score_texts(hypotheses, {"u": ["a b d", "x", "A  b, d!", "x"], "v": ["d f"]})
    assert twice.corpus == once.corpus


def test_an_empty_summary_survives_and_scores_nothing() -> None:
    scores = score_texts({"u": "", "v": "a b c d", "w": "！？"}, {v: ["a b c d"] for v in "uvw"})
    assert scores.video_ids == ("u", "v", "w")
    for values in scores.per_video.values():
        assert values[[0, 2]].tolist() == [0, 0]
    assert scores.corpus["ROUGE-L"] == pytest.approx(1 / 3)
    assert scores.corpus["BLEU-1"] == pytest.approx(math.exp(1 - 12 / 4))  # the penalty of 12 wanted tokens


def test_summaries_that_are_all_empty_score_nothing_on_everything() -> None:
    scores = score_texts({"u": "", "v": ""}, {"u": ["a"], "v": ["b"]})
    assert set(scores.corpus.values()) == {0.0}


def test_videos_without_references_are_left_out_and_counted() -> None:
    hypotheses = {"u": "a b", "none": "a b", "v": "c"}
    scores = score_texts(hypotheses, {"u": ["a c"], "none": [], "v": ["c d"]})
    assert scores.video_ids == ("u", "v")
    assert scores.without_references == 1
    assert scores.corpus == score_texts({"u": "a b", "v": "c"}, {"u": ["a c"], "v": ["c d"]}).corpus


def test_a_video_whose_references_have_no_tokens_is_scored_as_the_coco_scorers_do() -> None:
    hypotheses = {"v0": "fix the wall", "v1": "hot pot tonight", "v2": "cut the bread"}
    scores = score_texts(hypotheses, {"v0": ["fix wall"], "v1": ["🔥🔥🔥"], "v2": ["cut bread"]})
    assert scores.video_ids == ("v0", "v1", "v2")
    # values of pycocoevalcap on the same tokens
    assert scores.corpus["BLEU-1"] == pytest.approx(0.4444, abs=1e-4)
    assert scores.corpus["ROUGE-L"] == pytest.approx(0.5533, abs=1e-4)
    assert scores.corpus["CIDEr"] == pytest.approx(1.3421, abs=1e-4)


def test_references_without_any_token_anywhere_score_nothing() -> None:
    scores = score_texts({"u": "a", "v": ""}, {"u": ["?!"], "v": ["🔥"]})
    assert list(scores.corpus.values()) == pytest.approx([0.0] * 6, abs=1e-8)  # BLEU has a tiny numerator


def test_rouge_l_of_very_long_texts_is_that_of_the_definition() -> None:
    # the textbook's table has 6e8 fields here; the longest common subsequence is the multiples of 6
    hypothesis = " ".join(f"w{n}" for n in range(0, 60_000, 3))
    reference = " ".join(f"w{n}" for n in range(0, 60_000, 2))
    scores = score_texts({"v": hypothesis}, {"v": [reference]})
    precision, recall = 10_000 / 20_000, 10_000 / 30_000
    expected = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    assert scores.corpus["ROUGE-L"] == pytest.approx(expected, abs=1e-12)


def test_an_empty_summary_does_not_match_a_reference_without_tokens() -> None:
    assert score_texts({"u": ""}, {"u": ["?!", "a"]}).corpus["ROUGE-L"] == 0


def test_nothing_to_score_is_not_a_number_and_not_a_zero() -> None:
    scores = score_texts({"u": "a"}, {})
    assert all(math.isnan(value) for value in scores.corpus.values())
    assert all(values.shape == (0,) for values in scores.per_video.values())
    assert scores.without_references == 1


def test_one_text_is_no_list_of_references() -> None:
    for score in (lambda: score_texts({"u": "a b"}, {"u": "a b"}), lambda: cider(["a b"], ["a b"])):
        with pytest.raises(ValueError, match="are a list of texts, not one: 'a b'"):
            score()


def test_a_missing_summary_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(KeyError, match="v"):
        score_texts({"u": "a"}, {"u": ["a"], "v": ["b"]})


def test_the_scorers_do_not_print(capsys: pytest.CaptureFixture[str]) -> None:
    score_texts({"u": "a"}, {"u": ["a"]})
    assert capsys.readouterr() == ("", "")


@settings(max_examples=30)
@given(CORPORA, st.integers(0, 2**32 - 1))
def test_resampled_sums_give_the_bleu_of_the_resampled_corpus(
    corpus: list[tuple[str, list[str]]], seed: int
) -> None:
    scores = score_texts(
        {f"v{n}": text for n, (text, _) in enumerate(corpus)},
        {f"v{n}": texts for n, (_, texts) in enumerate(corpus)},
    )
    drawn = np.random.default_rng(seed).integers(len(corpus), size=len(corpus))
    resampled = score_texts(
        {f"d{n}": corpus[i][0] for n, i in enumerate(drawn)},
        {f"d{n}": corpus[i][1] for n, i in enumerate(drawn)},
    )
    wanted = [resampled.corpus[name] for name in TEXT_METRICS[:4]]
    assert bleu_of_counts(scores.bleu_counts[drawn].sum(axis=0)) == pytest.approx(wanted, abs=1e-12)

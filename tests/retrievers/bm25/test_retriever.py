"""BM25: the rule of order, what is not found, and languages that do not fit."""

from __future__ import annotations

import random
from typing import get_args, get_type_hints

import numpy as np
import pytest

from bench.context import Context
from bench.errors import DataError, MissingError, UsageError
from bench.options import build_sections
from bench.protocols import Covering, Describing, Identified, Indexed, Retriever
from bench.types import Run
from retrievers.bm25 import lucene
from retrievers.bm25.languages import LUCENE_CLASSES, SHARED
from retrievers.bm25.retriever import BM25
from retrievers.options import BM25Options


def bm25(language: str = "en", **options: object) -> BM25:
    values = {f"bm25.{key}": value for key, value in options.items()}
    return BM25(Context(language=language, sections=build_sections({"bm25": BM25Options}, values)))


def found(run: Run, query_id: str = "q") -> list[str]:
    return [run.video_ids[hit] for hit in run.hits[run.query_ids.index(query_id)] if hit >= 0]


def search(retriever: BM25, summaries: dict[str, str], query: str, k: int = 10) -> list[str]:
    retriever.index(summaries)
    return found(retriever.search({"q": query}, k))


def some_summaries(n: int = 300, seed: int = 0) -> dict[str, str]:
    chance = random.Random(seed)
    words = ["cook", "noodle", "beef", "fish", "pan", "oil", "salt", "pepper", "chop", "onion", "boil", "fry"]
    return {f"v{i:03d}": " ".join(chance.choices(words, k=chance.randint(0, 6))) for i in range(n)}


def test_it_has_the_protocols() -> None:
    retriever = bm25()
    for protocol in (Retriever, Identified, Describing, Covering, Indexed):
        assert isinstance(retriever, protocol)


def test_stems_and_stop_words() -> None:
    assert search(bm25(), {"a": "the cooking of noodles", "b": "of the"}, "noodle cooked of the") == ["a"]


def test_tied_documents_come_by_video_id_and_keep_their_score() -> None:
    ids = [f"v{i}" for i in random.Random(1).sample(range(1000), 500)]
    retriever = bm25()
    retriever.index({**dict.fromkeys(ids, "the same words"), "other": "nothing here"})
    run = retriever.search({"q": "same words"}, 100)
    assert found(run) == sorted(ids)[:100]
    assert len(set(run.scores[0].tolist())) == 1


def test_scores_have_four_decimals() -> None:
    retriever = bm25()
    retriever.index(some_summaries())
    scores = retriever.search({"q": "cook beef oil"}, 50).scores[0]
    assert np.array_equal(scores, np.round(scores.astype(float), 4).astype(np.float32))


def test_ids_may_be_any_text_without_white_space() -> None:
    odd = {'"}{': "red fox", "../../x": "red fox", "爱": "red fox", "Ω:*?": "blue"}
    assert search(bm25(), odd, "fox") == sorted(['"}{', "../../x", "爱"])


def test_documents_that_match_nothing_are_not_returned() -> None:
    retriever = bm25()
    retriever.index({"a": "red fox", "b": "blue whale", "c": ""})
    run = retriever.search({"q": "fox", "none": "zebra", "empty": "", "stop": "the of"}, 10)
    assert (run.hits >= 0).sum(axis=1).tolist() == [1, 0, 0, 0]
    assert np.isneginf(run.scores[run.hits < 0]).all()


def test_a_term_in_every_document_whose_score_rounds_to_zero_finds_nothing() -> None:
    assert search(bm25(), {f"v{i:05d}": "common" for i in range(20_000)}, "common") == []


@pytest.mark.parametrize("summaries", [{}, {"a": "", "b": "  "}])
def test_an_empty_corpus_gives_empty_results(summaries: dict[str, str]) -> None:
    assert search(bm25(), summaries, "anything") == []


def test_no_queries_give_an_empty_run() -> None:
    retriever = bm25()
    retriever.index({"a": "red fox"})
    assert retriever.search({}, 5).hits.shape == (0, 5)


def test_indexing_again_replaces_the_corpus() -> None:
    retriever = bm25()
    retriever.index({"a": "red fox"})
    assert search(retriever, {"b": "red fox"}, "fox") == ["b"]


def test_order_of_documents_and_queries_changes_nothing() -> None:
    summaries, queries = some_summaries(), {"q": "cook beef oil", "p": "fry onion", "r": "salt"}
    one, two = bm25(), bm25()
    one.index(summaries)
    two.index(dict(reversed(summaries.items())))
    first = one.search(queries, 30)
    second = two.search(dict(reversed(queries.items())), 30)
    for query_id in queries:
        assert found(first, query_id) == found(second, query_id)


def test_an_order_preserving_renaming_changes_nothing() -> None:
    summaries = some_summaries()
    renamed = {f"x{video_id}": text for video_id, text in summaries.items()}
    before = search(bm25(), summaries, "cook beef oil", 50)
    assert search(bm25(), renamed, "cook beef oil", 50) == [f"x{video_id}" for video_id in before]


def test_a_document_without_the_words_does_not_come_between() -> None:
    summaries = some_summaries()
    before = search(bm25(), summaries, "beef", 300)
    assert search(bm25(), {**summaries, "v0005": "zebra"}, "beef", 300) == before


def test_a_doubled_document_stands_beside_its_twin() -> None:
    summaries = {"a": "red fox", "b": "red whale whale", "c": "blue"}
    ranked = search(bm25(), {**summaries, "a2": "red fox"}, "red fox")
    assert ranked[:2] == ["a", "a2"]


def test_depth_is_a_prefix() -> None:
    retriever = bm25()
    retriever.index(some_summaries())
    deep = found(retriever.search({"q": "cook beef oil"}, 200))
    for k in (1, 5, 30):
        assert found(retriever.search({"q": "cook beef oil"}, k)) == deep[:k]


def test_the_same_text_asked_twice_is_answered_twice() -> None:
    retriever = bm25()
    retriever.index({"a": "red fox"})
    run = retriever.search({"q": "fox", "p": "fox"}, 3)
    assert found(run, "q") == found(run, "p") == ["a"]


def test_chinese_is_found_by_its_bigrams() -> None:
    assert search(bm25("zh"), {"a": "红烧肉的做法", "b": "红色的车"}, "红烧肉怎么做") == ["a"]


@pytest.mark.parametrize(("language", "analyzer"), [("zh", "en"), ("en", "zh")])
def test_an_analyzer_of_the_other_language_is_refused_by_name(language: str, analyzer: str) -> None:
    with pytest.raises(UsageError, match=f"analyzer={analyzer} .*'{language}'"):
        bm25(language, analyzer=analyzer)


@pytest.mark.parametrize("engine", ["lucene", "bm25s"])
def test_the_standard_analyzer_stems_nothing_and_takes_ideographs_one_by_one(engine: str) -> None:
    english = bm25(analyzer="standard", engine=engine)
    texts = {"a": "the cooking of noodles", "b": "cooks"}
    assert search(english, texts, "cooking") == search(english, texts, "the") == ["a"]
    assert search(english, texts, "cook") == []
    chinese = bm25("zh", analyzer="standard", engine=engine)
    assert search(chinese, {"a": "红烧肉的做法", "b": "红色的车"}, "车红") == ["b", "a"]
    assert search(bm25("zh", engine=engine), {"a": "红烧肉的做法", "b": "红色的车"}, "车红") == []
    assert english.signature()["analyzer"].startswith("standard ")
    assert chinese.explain("车红", "红色的车") == ["matched: 车, 红"]


@pytest.mark.parametrize(("language", "text"), [("en", "红烧肉的做法" * 5), ("zh", "plain words " * 20)])
def test_texts_in_the_other_language_are_refused(language: str, text: str) -> None:
    with pytest.raises(DataError, match=f"language is '{language}'"):
        bm25(language).index({"a": text})


def test_a_few_foreign_words_are_not_refused() -> None:
    assert search(bm25(), {"a": "红烧肉 is braised pork belly", "b": ""}, "pork") == ["a"]
    assert search(bm25("zh"), {"a": "vlog"}, "vlog") == ["a"]


def test_every_analyzer_of_lucene_is_in_its_jar_and_in_the_option() -> None:
    choices = get_args(get_type_hints(BM25Options)["analyzer"])
    assert set(choices) == {"auto", *SHARED, *LUCENE_CLASSES}
    for code in LUCENE_CLASSES:
        assert lucene.analyze("2024", code) == ["2024"], code


@pytest.mark.parametrize(
    ("language", "query", "text"),
    [
        ("de", "Häuser", "ein rotes Haus"),
        ("fr", "chevaux", "le cheval"),
        ("ru", "книги", "старая книга"),
        ("pl", "domy", "stary dom"),
    ],
)
def test_a_language_is_stemmed_by_its_own_analyzer(language: str, query: str, text: str) -> None:
    retriever = bm25(language)
    assert search(retriever, {"a": text, "b": "xyz"}, query) == ["a"]
    assert retriever.explain(query, text)[0].startswith("matched: ")
    assert f"{language} (Lucene's " in retriever.signature()["analyzer"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ja", "赤い車が砂漠を走る"),
        ("ko", "빨간 자동차가 달린다"),
        ("vi", "chiếc xe màu đỏ"),
        ("he", "מכונית אדומה"),
    ],
)
def test_languages_that_need_no_lucene_rank_alike_in_both_engines(language: str, text: str) -> None:
    texts = {"a": text, "b": text[::-1], "c": f"{text} {text[:4]}", "d": "2024"}
    runs = [bm25(language, engine=engine) for engine in ("lucene", "bm25s")]
    for retriever in runs:
        retriever.index(texts)
    one, other = (retriever.search({"q": text[:5], "r": text}, 4) for retriever in runs)
    assert (one.hits == other.hits).all()
    assert (one.scores == other.scores).all()
    assert found(one, "r")[:2] in (["a", "c"], ["c", "a"])


def test_a_language_whose_words_nothing_cuts_is_refused_with_what_works() -> None:
    with pytest.raises(MissingError, match=r"'th'.*dpr-pt"):
        bm25("th")
    assert search(bm25("th", analyzer="standard"), {"a": "แมว นอน", "b": "รถ"}, "แมว") == ["a"]


def test_without_lucene_its_analyzers_are_named_with_two_ways_out() -> None:
    with pytest.raises(MissingError, match=r"'de' is Lucene's.*\[lucene\].*bm25.analyzer=standard"):
        bm25("de", engine="bm25s")
    assert search(bm25("de", engine="bm25s", analyzer="standard"), {"a": "ein Haus"}, "haus") == ["a"]


@pytest.mark.parametrize(
    ("key", "value"), [("engine", "elastic"), ("analyzer", "jieba"), ("k1", -0.1), ("b", 1.5), ("k1", "nan")]
)
def test_values_out_of_range_are_wrong_use(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"bm25.{key}"):
        bm25(**{key: value})


def test_it_tells_its_settings_and_counts() -> None:
    retriever = bm25(k1=1.2)
    retriever.index({"a": "red fox", "b": " "})
    assert retriever.signature()["k1"] == "1.2"
    assert "Anserini" in retriever.signature()["engine"]
    assert retriever.coverage() == {"empty documents": 1}
    assert retriever.index_bytes() > 0


def test_explaining_names_the_terms_that_a_summary_shares_with_a_query() -> None:
    system = BM25(Context(language="en"))
    assert system.explain("frying the fish", "fish, fried fish and chips") == ["matched: fish ×2"]
    assert system.explain("red scarf", "a garden pond") == ["no term matched"]
    assert BM25(Context(language="zh")).explain("红色围巾", "一条红色的围巾") == ["matched: 红色, 围巾"]

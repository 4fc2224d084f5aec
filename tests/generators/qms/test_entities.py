"""Entity labels: the words of queries in the transcript, and nothing else."""

from __future__ import annotations

from generators.neural.tokens import build
from generators.qms.entities import content_runs, entity_spans, token_labels


def labelled(transcript: str, *queries: str, language: str = "en") -> list[str]:
    return [transcript[a:b] for a, b in entity_spans(transcript, queries, language)]


def test_stop_words_cut_a_query_into_runs() -> None:
    assert content_runs("How to bake a Lemon Cake with the oven") == [("bake",), ("lemon", "cake"), ("oven",)]
    assert content_runs("how to do it") == []


def test_every_occurrence_is_found_whatever_the_case() -> None:
    assert labelled("Cake here, more CAKE there", "cake") == ["Cake", "CAKE"]


def test_the_longest_part_of_a_run_wins_and_its_words_alone_do_not_count() -> None:
    assert labelled("the lemon cake and a lemon", "bake lemon cake") == ["lemon cake"]


def test_what_is_left_of_a_run_is_looked_for_too() -> None:
    assert labelled("red paint on a new brush", "red sable brush") == ["red", "brush"]


def test_words_are_found_whole() -> None:
    assert labelled("the pancake carton", "cake", "car") == []


def test_stop_words_are_never_found() -> None:
    assert labelled("how to do it with the", "how to do it with the") == []


def test_nothing_asked_or_nothing_said_is_nothing() -> None:
    assert labelled("lemon cake") == []
    assert labelled("", "lemon cake") == []


def test_chinese_nouns_are_found_and_other_words_are_not() -> None:
    text = "今天怎么画水粉画画星空然后看看猫咪"
    assert labelled(text, "水粉画怎么画", "猫咪视频", language="zh") == ["水粉画", "猫咪"]


def test_latin_words_in_chinese_queries_count() -> None:
    assert labelled("给大家看iPhone手机", "iphone测评", language="zh") == ["iPhone"]


def test_tokens_are_labelled_by_characters() -> None:
    spans = [(0, 3), (3, 6), (7, 9), (9, 9)]
    assert token_labels(spans, [(4, 8)]) == [0, 1, 1, 0]


def test_all_pieces_of_a_word_are_labelled() -> None:
    tokens = build(["the cake"], 30)  # no piece of it knows "zebra" whole
    text = "zechaket cake"
    spans = tokens.spans([text], 99)[0]
    labels = token_labels(spans, entity_spans(text, ["cake"], "en"))
    assert "".join(text[a:b] for (a, b), label in zip(spans, labels, strict=True) if label) == "cake"


def test_spans_stop_where_the_ids_do() -> None:
    tokens = build(["one two three four"], 40)
    assert len(tokens.spans(["one two three four"], 3)[0]) == len(
        tokens.encode(["one two three four"], 3)[0].ids
    )

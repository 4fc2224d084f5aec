"""The hand-written words: each entity differs from every other and from every sentence."""

import re
import string
from itertools import permutations
from typing import get_args

import pytest

from bench.data.synthetic.options import Language
from bench.data.synthetic.vocabulary import Vocabulary, read_vocabulary
from bench.text import cjk_share, normalise


@pytest.fixture(params=get_args(Language))
def words(request: pytest.FixtureRequest) -> Vocabulary:
    return read_vocabulary(request.param)


def holds(words: Vocabulary, text: str, entity: str) -> bool:
    edge = r"\b" if words.language == "en" else ""
    return re.search(edge + re.escape(entity) + edge, text) is not None


def sentences(words: Vocabulary) -> list[str]:
    of_topics = [
        line for t in words.topics for lines in (t.actions, t.kinds, t.talk, t.generic) for line in lines
    ]
    return [line for lines in words.sentences.values() for line in lines] + of_topics


def test_there_are_fourteen_topics_with_sixteen_things_and_twelve_tools(words: Vocabulary) -> None:
    assert [(len(topic.things), len(topic.tools)) for topic in words.topics] == [(16, 12)] * 14


def test_an_entity_belongs_to_one_topic(words: Vocabulary) -> None:
    assert len(set(words.entities)) == len(words.entities)


def test_no_entity_contains_another(words: Vocabulary) -> None:
    assert [(a, b) for a, b in permutations(words.entities, 2) if holds(words, a, b)] == []


def test_no_sentence_contains_an_entity(words: Vocabulary) -> None:
    assert [(s, e) for s in sentences(words) for e in words.entities if holds(words, s, e)] == []


def test_an_english_entity_has_one_or_two_words() -> None:
    assert {len(entity.split()) for entity in read_vocabulary("en").entities} == {1, 2}


def test_a_chinese_entity_has_two_to_five_characters() -> None:
    assert {len(entity) for entity in read_vocabulary("zh").entities} <= {2, 3, 4, 5}
    assert all(cjk_share(entity) == 1 for entity in read_vocabulary("zh").entities)


def test_everything_is_written_as_it_is_compared(words: Vocabulary) -> None:
    for text in (*words.entities, *sentences(words)):
        assert text == normalise(text)
        assert text


def test_sentences_have_only_slots_that_are_filled(words: Vocabulary) -> None:
    allowed = {"one": "va", "two": "vab", "three": "vabc"}
    for purpose, lines in words.sentences.items():
        named = allowed.get(purpose.rpartition("_")[2], "va")
        slots = {name for line in lines for _, name, _, _ in string.Formatter().parse(line) if name}
        assert slots <= set(named + "k" if purpose.startswith("ask") else named), purpose

"""The hand-written words of synthetic datasets, read from ``vocabulary-<language>.yaml``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.data.synthetic.rng import Rng

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """The words of one topic: ``things`` are acted upon, with ``tools``."""

    name: str
    actions: Words
    kinds: Words
    things: Words
    tools: Words
    talk: Words
    generic: Words
    entities: Words = field(init=False)
    """Things and tools."""

    def __post_init__(self) -> None:
        """Join the entities once."""
        object.__setattr__(self, "entities", self.things + self.tools)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a language: sentences by purpose, and the topics."""

    language: str
    joint: str
    """The separator of two sentences: a blank, or nothing in Chinese."""
    sentences: Mapping[str, Words]
    topics: tuple[Topic, ...]
    variety: int = 0
    """0 for the words as they are written by hand."""
    entities: Words = field(init=False)
    """The entities of all topics, in the order of the file."""

    def __post_init__(self) -> None:
        """Join the entities once."""
        joined = tuple(entity for topic in self.topics for entity in topic.entities)
        object.__setattr__(self, "entities", joined)


def vocabulary_file(language: str) -> Path:
    """Locate the YAML file of a language's vocabulary."""
    return Path(__file__).parent / f"vocabulary-{language}.yaml"


@cache
def read_vocabulary(language: str, variety: int = 0) -> Vocabulary:
    """Read the vocabulary of ``en`` or ``zh``, or derive a variety with other entities and generic queries.

    Their characters are exchanged by a permutation, another for each variety; in English a vowel remains
    one. So a bigger dataset has more words, each as long as before and none part of another.
    """
    words = _read(language)
    if variety == 0:
        return words
    exchange = _permutation(words, variety)
    topics = tuple(
        dataclasses.replace(
            topic,
            things=exchange(topic.things),
            tools=exchange(topic.tools),
            generic=exchange(topic.generic),
        )
        for topic in words.topics
    )
    sentences = {**words.sentences, "generic": exchange(words.sentences["generic"])}
    return Vocabulary(language, words.joint, sentences, topics, variety)


_VOWELS = "aeiou"


def _permutation(words: Vocabulary, variety: int) -> Callable[[Words], Words]:
    """Make a function that exchanges the characters of texts."""
    names = (*words.entities, *words.sentences["generic"], *(g for t in words.topics for g in t.generic))
    characters = sorted(set("".join(names)) - {" "})
    vowels = [one for one in characters if one in _VOWELS]
    others = [one for one in characters if one not in _VOWELS]
    rng = Rng(variety)
    table = str.maketrans(
        dict(zip([*vowels, *others], [*rng.shuffle(vowels), *rng.shuffle(others)], strict=True))
    )
    return lambda texts: tuple(text.translate(table) for text in texts)


@cache
def _read(language: str) -> Vocabulary:
    raw: dict[str, Any] = yaml.safe_load(vocabulary_file(language).read_text(encoding="utf-8"))
    topics = tuple(
        Topic(name, **{key: _split(text) for key, text in fields.items()})
        for name, fields in raw.pop("topics").items()
    )
    joint = raw.pop("joint")
    return Vocabulary(raw.pop("language"), joint, {key: _split(text) for key, text in raw.items()}, topics)


def _split(text: str) -> Words:
    """Split at line ends (sentences) or at commas (words)."""
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    return tuple(part.strip() for part in parts)

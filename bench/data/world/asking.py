"""What users type when they look for a video: specific, partial, generic or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.world.dice import Dice
from bench.data.world.options import SynthOptions
from bench.data.world.point import Point
from bench.data.world.vocabulary import Vocabulary

FEWEST, MOST = 5, 12
"""Queries drawn for a video (paper: at least 5, 8.54 on average); a string drawn twice counts once."""
_ANYWHERE = 0.1
"""Share of generic queries that do not even name the topic."""


def queries(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point) -> list[str]:
    """Draw the different queries that lead to a video, at least one."""
    found: dict[str, None] = {}
    for _ in range(dice.between(FEWEST, MOST)):
        found[_query(dice, words, options, point)] = None
    return list(found)


def _query(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point) -> str:
    lot = dice.below(1 << 53) / (1 << 53)
    if lot < options.specific:
        return _specific(dice, words, options, point, point.keys)
    if lot < options.specific + options.partial:
        return _ask(dice, words, point, "ask_part", [dice.favour(point.keys)])
    if lot < options.specific + options.partial + options.generic:
        return _generic(dice, words, point)
    return _specific(dice, words, options, point, _mistake(dice, point))


def _specific(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point, keys: Sequence[str]) -> str:
    wanted = keys[: dice.around(options.query_entities)]
    return _ask(dice, words, point, ("ask_one", "ask_two", "ask_three")[len(wanted) - 1], wanted)


def _generic(dice: Dice, words: Vocabulary, point: Point) -> str:
    return dice.pick(words.sentences["generic"] if dice.chance(_ANYWHERE) else point.topic.generic)


def _mistake(dice: Dice, point: Point) -> list[str]:
    """Return the key entities with one of them replaced by another of the topic."""
    keys = list(point.keys)
    place = dice.below(min(2, len(keys)))
    shelf = point.topic.things if keys[place] in point.topic.things else point.topic.tools
    keys[place] = dice.pick([entity for entity in shelf if entity not in keys])
    return keys


def _ask(dice: Dice, words: Vocabulary, point: Point, way: str, named: Sequence[str]) -> str:
    slots = dict(zip("abc", named, strict=False))
    return dice.pick(words.sentences[way]).format(v=point.action, k=dice.pick(point.topic.kinds), **slots)

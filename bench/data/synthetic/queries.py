"""What users type when they look for a video: specific, partial, generic or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.rng import Dice
from bench.data.synthetic.story import Point
from bench.data.synthetic.vocabulary import Vocabulary

FEWEST, MOST = 5, 12
"""Queries drawn for a video (paper: at least 5, 8.54 on average); a string drawn twice counts once."""
_PATIENCE = 10
"""Draws for each query wanted: a narrow choice of kinds (all generic) may hold too few strings."""
_ANYWHERE = 0.08
"""Share of generic queries that do not even name the topic."""


def queries(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point) -> list[str]:
    """Draw the different queries that lead to a video, at least one."""
    wanted = dice.between(FEWEST, MOST)
    found: dict[str, None] = {}
    for _ in range(_PATIENCE * wanted):
        found[_query(dice, words, options, point)] = None
        if len(found) == wanted:
            break
    return list(found)


def _query(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point) -> str:
    lot = dice.below(1 << 53) / (1 << 53)
    if lot < options.specific:
        return _specific(dice, words, options, point, point.keys)
    if lot < options.specific + options.partial:
        return _ask(dice, words, point, "ask_part", [dice.favour(point.keys)])
    if lot < options.specific + options.partial + options.generic:
        return (
            dice.pick(words.sentences["generic"])
            if dice.chance(_ANYWHERE)
            else dice.favour(point.topic.generic)
        )
    return _specific(dice, words, options, point, point.mistaken)


def _specific(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point, keys: Sequence[str]) -> str:
    wanted = keys[: dice.around(options.query_entities)]
    return _ask(dice, words, point, ("ask_one", "ask_two", "ask_three")[len(wanted) - 1], wanted)


def _ask(dice: Dice, words: Vocabulary, point: Point, way: str, named: Sequence[str]) -> str:
    slots = dict(zip("abc", named, strict=False))
    return dice.favour(words.sentences[way]).format(v=point.action, k=point.kind, **slots)

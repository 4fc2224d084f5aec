"""Draw what users type to find a video: specific, partial, generic or wrong queries."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.synthetic.story import Story
from bench.data.synthetic.world import SyntheticWorld

FEWEST, MOST = 5, 12
"""Queries drawn for a video (paper: at least 5, 8.54 on average); a string drawn twice counts once."""
_DRAWS_PER_QUERY = 10
"""Limit of draws for each wanted query: with generic queries only, there may be too few strings."""
_NO_TOPIC = 0.08
"""Share of generic queries that do not even name the topic."""


def draw_queries(world: SyntheticWorld, story: Story) -> list[str]:
    """Draw the different queries that lead to a video, at least one."""
    wanted = world.rng.between(FEWEST, MOST)
    texts: dict[str, None] = {}
    for _ in range(_DRAWS_PER_QUERY * wanted):
        texts[_draw_query(world, story)] = None
        if len(texts) == wanted:
            break
    return list(texts)


def _draw_query(world: SyntheticWorld, story: Story) -> str:
    rng, options = world.rng, world.options
    draw = rng.uniform()
    if draw < options.specific:
        return _name_several(world, story, story.keys)
    if draw < options.specific + options.partial:
        return _fill_sentence(world, story, "ask_part", [rng.pick_popular(story.keys)])
    if draw < options.specific + options.partial + options.generic:
        return (
            world.pick_sentence("generic") if rng.chance(_NO_TOPIC) else rng.pick_popular(story.topic.generic)
        )
    return _name_several(world, story, story.mistaken)


def _name_several(world: SyntheticWorld, story: Story, keys: Sequence[str]) -> str:
    named = keys[: world.rng.round_randomly(world.options.query_entities)]
    return _fill_sentence(world, story, ("ask_one", "ask_two", "ask_three")[len(named) - 1], named)


def _fill_sentence(world: SyntheticWorld, story: Story, purpose: str, named: Sequence[str]) -> str:
    slots = dict(zip("abc", named, strict=False))
    sentence = world.rng.pick_popular(world.vocabulary.sentences[purpose])
    return sentence.format(v=story.action, k=story.kind, **slots)

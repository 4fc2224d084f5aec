"""What a video is about, and which of it can be heard and seen."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.rng import Dice
from bench.data.synthetic.vocabulary import Topic, Vocabulary

_KEYS = (1,) + (2,) * 7 + (3,) * 12
"""How many key entities a video has: mostly two or three."""


@dataclass(frozen=True, slots=True)
class Point:
    """Hold the point of a video: an action of a topic and its key entities, a thing first.

    ``others`` are distractors: entities that are mentioned or shown and matter to nobody. The last
    two fields are how people ask for it: the word for this kind of video, and the usual mistake.
    """

    topic: Topic
    action: str
    keys: tuple[str, ...]
    others: tuple[str, ...]
    kind: str
    mistaken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Hold a video before it is told: its point, what the speech is about, what the frames show.

    ``spoken`` or ``shown`` is another topic's point where speech or picture is off-topic.
    """

    point: Point
    spoken: Point
    shown: Point

    @property
    def speech_on_topic(self) -> bool:
        """Tell whether the speech is about the video's point."""
        return self.spoken is self.point

    @property
    def picture_on_topic(self) -> bool:
        """Tell whether the frames show the video's point."""
        return self.shown is self.point


def draw_story(dice: Dice, words: Vocabulary, options: SynthOptions) -> Story:
    """Draw what a video is about and what its speech and picture are about."""
    point = _draw_point(dice, words, options, dice.pick(words.topics), ())
    # One draw decides both, so that never both modalities are off-topic.
    lot = dice.below(1 << 53) / (1 << 53)
    speech = lot < options.off_topic_speech
    picture = not speech and lot < options.off_topic_speech + options.off_topic_picture
    if not speech and not picture:
        return Story(point, point, point)
    elsewhere = [topic for topic in words.topics if topic is not point.topic]
    decoy = _draw_point(dice, words, options, dice.pick(elsewhere), point.keys)
    return Story(point, decoy if speech else point, decoy if picture else point)


def _draw_point(
    dice: Dice, words: Vocabulary, options: SynthOptions, topic: Topic, forbidden: tuple[str, ...]
) -> Point:
    thing = dice.favour(topic.things)
    usual = _usual_tools(topic, thing)
    keys = [thing, dice.favour(usual if dice.chance(options.usual_pairs) else topic.tools)]
    keys.append(dice.pick([entity for entity in topic.entities if entity not in keys]))
    kept = tuple(keys[: dice.pick(_KEYS)])
    near = dice.sample([e for e in topic.entities if e not in kept], (options.distractors + 1) // 2)
    others = dict.fromkeys(near)
    while len(others) < options.distractors:
        entity = dice.pick(words.entities)
        if entity not in kept and entity not in forbidden:
            others[entity] = None
    mistaken = _mistake(dice, topic, kept)
    return Point(topic, dice.favour(topic.actions), kept, tuple(others), dice.favour(topic.kinds), mistaken)


def _usual_tools(topic: Topic, thing: str) -> list[str]:
    """Return the two tools that people mostly use for a thing; a fixed table of the world."""
    place = topic.things.index(thing)
    return [topic.tools[(5 * place + step) % len(topic.tools)] for step in (0, 3)]


def _mistake(dice: Dice, topic: Topic, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the key entities with one of them replaced by another of its shelf."""
    place = dice.below(min(2, len(keys)))
    shelf = topic.things if keys[place] in topic.things else topic.tools
    wrong = dice.pick([entity for entity in shelf if entity not in keys])
    return (*keys[:place], wrong, *keys[place + 1 :])

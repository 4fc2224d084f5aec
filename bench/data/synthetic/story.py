"""Draw what a video is about, and what of it can be heard and seen."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.synthetic.rng import Rng
from bench.data.synthetic.vocabulary import Topic
from bench.data.synthetic.world import SyntheticWorld

_KEY_COUNTS = (1,) + (2,) * 7 + (3,) * 12
"""How many key entities a video has: mostly two or three."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a video, its speech or its picture is about: an action of a topic and its key entities.

    The first key is a thing. ``distractors`` are entities that are mentioned or shown without being relevant.
    The last two fields are how users search: the word for this kind of video, and the keys with a
    typical mistake.
    """

    topic: Topic
    action: str
    keys: tuple[str, ...]
    distractors: tuple[str, ...]
    kind: str
    mistaken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VideoStories:
    """The story of a video, of its speech and of its picture; off-topic, these two have another topic."""

    video: Story
    speech: Story
    picture: Story

    @property
    def speech_on_topic(self) -> bool:
        """Whether the speech is about the video's story."""
        return self.speech is self.video

    @property
    def picture_on_topic(self) -> bool:
        """Whether the frames show the video's story."""
        return self.picture is self.video


def draw_stories(world: SyntheticWorld) -> VideoStories:
    """Draw what a video, its speech and its picture are about."""
    options, topics = world.options, world.vocabulary.topics
    story = _draw_story(world, world.rng.pick(topics))
    # One draw decides both, so that never both modalities are off-topic.
    draw = world.rng.uniform()
    off_speech = draw < options.off_topic_speech
    off_picture = not off_speech and draw < options.off_topic_speech + options.off_topic_picture
    if not off_speech and not off_picture:
        return VideoStories(story, story, story)
    other_topic = world.rng.pick([topic for topic in topics if topic is not story.topic])
    decoy = _draw_story(world, other_topic, forbidden=story.keys)
    return VideoStories(story, decoy if off_speech else story, decoy if off_picture else story)


def _draw_story(world: SyntheticWorld, topic: Topic, forbidden: tuple[str, ...] = ()) -> Story:
    rng = world.rng
    keys = _draw_keys(world, topic)
    distractors = _draw_distractors(world, topic, keys, forbidden)
    mistaken = _draw_mistake(rng, topic, keys)
    return Story(
        topic, rng.pick_popular(topic.actions), keys, distractors, rng.pick_popular(topic.kinds), mistaken
    )


def _draw_keys(world: SyntheticWorld, topic: Topic) -> tuple[str, ...]:
    rng = world.rng
    thing = rng.pick_popular(topic.things)
    usual = rng.chance(world.options.usual_pairs)
    keys = [thing, rng.pick_popular(_usual_tools(topic, thing) if usual else topic.tools)]
    keys.append(rng.pick([entity for entity in topic.entities if entity not in keys]))
    return tuple(keys[: rng.pick(_KEY_COUNTS)])


def _draw_distractors(
    world: SyntheticWorld, topic: Topic, keys: tuple[str, ...], forbidden: tuple[str, ...]
) -> tuple[str, ...]:
    """Draw half of the distractors from the topic, the others from anywhere; never a key."""
    wanted = world.options.distractors
    near = world.rng.sample([entity for entity in topic.entities if entity not in keys], (wanted + 1) // 2)
    distractors = dict.fromkeys(near)
    while len(distractors) < wanted:
        entity = world.rng.pick(world.vocabulary.entities)
        if entity not in keys and entity not in forbidden:
            distractors[entity] = None
    return tuple(distractors)


def _usual_tools(topic: Topic, thing: str) -> list[str]:
    """Pick the two tools that are used for a thing in most videos: always the same two."""
    position = topic.things.index(thing)
    return [topic.tools[(5 * position + step) % len(topic.tools)] for step in (0, 3)]


def _draw_mistake(rng: Rng, topic: Topic, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Draw the mistaken key entities: one is replaced by another of its sort, thing or tool."""
    position = rng.below(min(2, len(keys)))
    sort = topic.things if keys[position] in topic.things else topic.tools
    wrong = rng.pick([entity for entity in sort if entity not in keys])
    return (*keys[:position], wrong, *keys[position + 1 :])

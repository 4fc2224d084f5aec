"""Draw the speech of a video as speech recognition writes it, and represent it in the space of the frames.

There is no punctuation, and there are hesitations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.data.synthetic.frames import DIMENSION, entity_vector
from bench.data.synthetic.story import Story
from bench.data.synthetic.vocabulary import Vocabulary, read_vocabulary
from bench.data.synthetic.world import SyntheticWorld

_CUE = 0.7
"""Share of transcripts that say explicitly what the video is about."""
_HOOK = 0.15
"""Share of transcripts that start with a key entity instead of a greeting."""
_DECOY = 0.15
"""Share of mentions of a distractor in a sentence that says it does not matter here."""
_HESITATION = 0.2
_STUTTER = 0.06


def draw_transcript(world: SyntheticWorld, story: Story) -> str:
    """Draw a transcript about a story, with about ``options.transcript_entities`` mentions of entities."""
    rng, options = world.rng, world.options
    heard = [key for key in story.keys if not rng.chance(options.silent_keys)]
    mean = rng.round_randomly(options.transcript_entities)
    mentions = rng.between((mean + 1) // 2, 2 * mean - (mean + 1) // 2)
    head = _draw_head(world, story, heard)
    tail = _draw_tail(world, heard)
    named = sum(sentence.count(key) for sentence in (*head, *tail) for key in heard)
    body = _draw_body(world, story, heard, mentions - named)
    sentences = [*head, *rng.shuffle(body), *tail]
    return world.vocabulary.joint.join(_hesitate(world, sentence) for sentence in sentences)


def _draw_head(world: SyntheticWorld, story: Story, heard: Sequence[str]) -> list[str]:
    rng = world.rng
    if heard and rng.chance(_HOOK):
        return [world.pick_sentence("hooks").format(a=rng.pick(heard))]
    opening = world.pick_sentence("openings")
    if not heard or not rng.chance(_CUE):
        return [opening, world.pick_sentence("cues_vague")]
    cue = world.pick_sentence("cues_two" if len(heard) > 1 else "cues_one")
    a, b = heard[0], heard[min(1, len(heard) - 1)]
    return [opening, cue.format(v=story.action, a=a, b=b)]


def _draw_tail(world: SyntheticWorld, heard: Sequence[str]) -> list[str]:
    closing = world.pick_sentence("closings")
    if heard and world.rng.chance(0.4):
        return [world.pick_sentence("closings_key").format(a=world.rng.pick(heard)), closing]
    return [closing]


def _draw_body(world: SyntheticWorld, story: Story, heard: Sequence[str], mentions: int) -> list[str]:
    rng = world.rng
    waiting = [key for key in heard for _ in range(rng.between(1, 2))]
    lines = [world.pick_sentence("key_lines").format(a=key) for key in heard if rng.chance(0.8)]
    waiting += [rng.pick(story.distractors) for _ in range(mentions - len(lines) - len(waiting))]
    waiting = rng.shuffle(waiting)
    while waiting:
        a = waiting.pop()
        if a in story.distractors and rng.chance(_DECOY):
            lines.append(world.pick_sentence("decoy_lines").format(a=a))
        elif waiting and rng.chance(0.4):
            lines.append(world.pick_sentence("lines_two").format(a=a, b=waiting.pop()))
        else:
            lines.append(world.pick_sentence("lines_one").format(a=a))
    lines += rng.sample(story.topic.talk, rng.between(1, 3))
    return lines + rng.sample(world.vocabulary.sentences["chatter"], rng.between(0, 2))


def _hesitate(world: SyntheticWorld, sentence: str) -> str:
    """Add a hesitation to some sentences: an "um" before the first word, or that word twice."""
    joint = world.vocabulary.joint
    if world.rng.chance(_HESITATION):
        return world.pick_sentence("hesitations") + joint + sentence
    if joint and world.rng.chance(_STUTTER):
        return sentence.split(" ", 1)[0] + " " + sentence
    return sentence


def transcript_vector(vocabulary: Vocabulary, transcript: str) -> npt.NDArray[np.float16]:
    """Average the vectors of the entities that a transcript mentions, scaled to length 1.

    ``[DIMENSION]``, zeros where no entity is mentioned. An entity counts each time it is mentioned.
    Nothing is drawn, so that no random stream moves on.
    """
    total = np.zeros(DIMENSION, dtype=np.int64)
    for entity in _entity_pattern(vocabulary.language, vocabulary.variety).findall(transcript):
        total += entity_vector(entity)
    # Integers, then one root, one division: the same bits on every machine. The sum needs no division
    # by the number of mentions, because scaling to length 1 would undo it.
    length = np.sqrt(np.float64((total * total).sum()))
    vector: npt.NDArray[np.float16] = (total / max(length, 1.0)).astype(np.float16)
    return vector


@cache
def _entity_pattern(language: str, variety: int) -> re.Pattern[str]:
    """Compile a pattern of all entities, complete words in English; none of them contains another."""
    edge = r"\b" if language == "en" else ""
    names = "|".join(map(re.escape, read_vocabulary(language, variety).entities))
    return re.compile(f"{edge}(?:{names}){edge}")

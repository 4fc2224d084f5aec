"""Draw what is seen in a video: one vector a second, the sum of the vectors of what is shown."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.data.synthetic.story import Story
from bench.data.synthetic.world import SyntheticWorld

DIMENSION = 64
SHORTEST, LONGEST = 8, 40
"""Frames of a video at one a second; some exceed the 32 that a generator sees."""
_BRIEF = (1, 3)
"""Fewest and most frames in which a distractor, or a key entity that is shown briefly, can be seen."""
_ENTITY, _SCENE = 4, 2
"""Weights of an entity and of the topic's scene in a frame, before the frame is scaled to length 1."""


@cache
def entity_vector(name: str) -> npt.NDArray[np.int64]:
    """Derive the ``[DIMENSION]`` signs, 1 or -1, that represent an entity or a scene in the frames.

    They come from the name alone: train and test, and every seed, share one space. The cosine of two
    names is 0 on average, with a standard deviation of 1/8.
    """
    raw = hashlib.sha256(name.encode("utf-8")).digest()[: DIMENSION // 8]
    signs = np.unpackbits(np.frombuffer(raw, dtype=np.uint8)).astype(np.int64) * 2 - 1
    signs.setflags(write=False)
    return signs


def draw_frame_count(world: SyntheticWorld) -> int:
    """Draw the number of frames of a video, 0 for one without features."""
    return 0 if world.rng.chance(world.options.no_features) else world.rng.between(SHORTEST, LONGEST)


def draw_frames(world: SyntheticWorld, story: Story, n: int) -> npt.NDArray[np.float16]:
    """Draw the ``[n, DIMENSION]`` frames that show a story and some of its distractors."""
    rng, options = world.rng, world.options
    total = np.tile(_SCENE * entity_vector(f"scene: {story.topic.name}"), (n, 1))  # [n, d], integers
    for key in story.keys:
        brief = rng.chance(options.brief_keys)
        seconds = rng.between(*_BRIEF) if brief else rng.between((2 * n + 4) // 5, (4 * n) // 5)
        _show(total, key, rng.sample(range(n), seconds))
    for other in rng.sample(story.distractors, (len(story.distractors) + 1) // 2):
        _show(total, other, rng.sample(range(n), rng.between(*_BRIEF)))
    # Sums of integers, then one root, one division: the same bits on every machine.
    length = np.sqrt((total * total).sum(axis=1, keepdims=True).astype(np.float64))  # [n, 1]
    noise = rng.near_normal(n, DIMENSION) * (options.frame_noise / np.sqrt(DIMENSION))  # [n, d]
    frames: npt.NDArray[np.float16] = (total / length + noise).astype(np.float16)
    return frames


def _show(total: npt.NDArray[np.int64], entity: str, seconds: list[int]) -> None:
    total[seconds] += _ENTITY * entity_vector(entity)

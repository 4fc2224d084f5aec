"""What is seen in a video: one vector a second, made of the vectors of what is shown."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.rng import Dice
from bench.data.synthetic.story import Point

DIMENSION = 64
SHORTEST, LONGEST = 8, 40
"""Frames of a video at one a second; some exceed the 32 that a generator sees."""
_BRIEFEST, _BRIEF = 1, 3
_ENTITY, _SCENE = 4, 2
"""Weights of an entity and of the topic's scene in a frame, before the frame's length is made 1."""


@cache
def entity_vector(name: str) -> npt.NDArray[np.int64]:
    """Return the ``[DIMENSION]`` signs, 1 or -1, that stand for an entity or a scene.

    They come from the name alone: train and test, and every seed, share one space. Two names have
    a cosine of about 0, give or take 1/8.
    """
    raw = hashlib.sha256(name.encode("utf-8")).digest()[: DIMENSION // 8]
    signs = np.unpackbits(np.frombuffer(raw, dtype=np.uint8)).astype(np.int64) * 2 - 1
    signs.setflags(write=False)
    return signs


def frame_count(dice: Dice, options: SynthOptions) -> int:
    """Draw the number of frames of a video, 0 for one without features."""
    return 0 if dice.chance(options.no_features) else dice.between(SHORTEST, LONGEST)


def frames(dice: Dice, options: SynthOptions, point: Point, n: int) -> npt.NDArray[np.float16]:
    """Draw the ``[n, DIMENSION]`` frames that show a point and some of its distractors."""
    total = np.tile(_SCENE * entity_vector(f"scene: {point.topic.name}"), (n, 1))  # [n, d], whole numbers
    for key in point.keys:
        brief = dice.chance(options.brief_keys)
        seconds = dice.between(_BRIEFEST, _BRIEF) if brief else dice.between((2 * n + 4) // 5, (4 * n) // 5)
        _show(total, key, dice.sample(range(n), seconds))
    for other in dice.sample(point.others, (len(point.others) + 1) // 2):
        _show(total, other, dice.sample(range(n), dice.between(_BRIEFEST, _BRIEF)))
    # Sums of whole numbers, then one root, one division: the same bits on every machine.
    length = np.sqrt((total * total).sum(axis=1, keepdims=True).astype(np.float64))
    noise = dice.bell(n, DIMENSION) * (options.frame_noise / np.sqrt(DIMENSION))
    seen: npt.NDArray[np.float16] = (total / length + noise).astype(np.float16)
    return seen


def _show(total: npt.NDArray[np.int64], entity: str, seconds: list[int]) -> None:
    total[seconds] += _ENTITY * entity_vector(entity)

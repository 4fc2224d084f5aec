"""What is spoken of in a video, as a vector in the space of the frames."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.data.synthetic.frames import DIMENSION, entity_vector
from bench.data.synthetic.vocabulary import Vocabulary, vocabulary


def transcript_vector(words: Vocabulary, text: str) -> npt.NDArray[np.float16]:
    """Return the mean of the vectors of the entities that a transcript mentions, made one long.

    ``[DIMENSION]``, zeros where no entity is mentioned. An entity counts each time it is mentioned.
    Nothing is drawn, so that no stream of dice is disturbed.
    """
    total = np.zeros(DIMENSION, dtype=np.int64)
    for entity in _any_entity(words.language).findall(text):
        total += entity_vector(entity)
    # Whole numbers, then one root, one division: the same bits on every machine. The length of a
    # sum is not divided by the number of mentions first: making it one long undoes that.
    length = np.sqrt(np.float64((total * total).sum()))
    said: npt.NDArray[np.float16] = (total / max(length, 1.0)).astype(np.float16)
    return said


@cache
def _any_entity(language: str) -> re.Pattern[str]:
    """Return a pattern of all entities, whole words in English; none of them contains another."""
    edge = r"\b" if language == "en" else ""
    names = "|".join(map(re.escape, vocabulary(language).entities))
    return re.compile(f"{edge}(?:{names}){edge}")

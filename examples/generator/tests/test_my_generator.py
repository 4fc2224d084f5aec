"""The generator writes a text for every video."""

import numpy as np
from bench.types import Video
from my_generator.generator import MyGenerator


def test_the_last_sentence_is_taken() -> None:
    frames = np.zeros((0, 0), dtype=np.float32)
    videos = [Video("a", "Hello. A red car.", frames), Video("b", "", frames)]
    assert MyGenerator().summarize(videos) == {"a": "A red car", "b": ""}

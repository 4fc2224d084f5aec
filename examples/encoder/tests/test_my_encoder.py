"""Each frame has one vector, whatever frames are beside it."""

import numpy as np
from my_encoder.encoder import MyEncoder


def test_each_frame_has_a_vector_of_its_own() -> None:
    encoder = MyEncoder()
    frames = np.random.default_rng(0).integers(0, 256, (3, 256, 341, 3), dtype=np.uint8)
    vectors = encoder.encode(frames)
    assert vectors.shape == (3, encoder.dim)
    assert np.isfinite(vectors).all()
    assert np.array_equal(vectors[1:2], encoder.encode(frames[1:2]))

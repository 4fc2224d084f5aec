"""Ranks exchange objects and sums; one that fails or ends leaves the others with an error, not waiting."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import LostProcessError
from bench.neural.messages import to_bytes
from bench.neural.ranks import Ranks
from tests.neural.side_by_side import side_by_side


def test_all_ranks_get_the_object_of_rank_zero() -> None:
    assert side_by_side(3, lambda r: r.broadcast({"of": r.rank})) == [{"of": 0}] * 3


def test_each_rank_gets_the_objects_of_all_in_order() -> None:
    assert side_by_side(3, lambda r: r.gather("x" * r.rank)) == [["", "x", "xx"]] * 3


def test_sums_are_the_same_to_the_bit_in_all_ranks() -> None:
    def add_up(ranks: Ranks) -> bytes:
        tensor = torch.rand(1001, generator=torch.Generator().manual_seed(ranks.rank))
        ranks.add_up(tensor)
        return tensor.numpy().tobytes()

    assert len(set(side_by_side(3, add_up))) == 1


def test_an_error_of_one_rank_ends_the_training_with_its_message() -> None:
    def train(ranks: Ranks) -> str:
        with pytest.raises(LostProcessError) as raised, ranks.training(ArithmeticError):
            raise ValueError("no more memory")
        with pytest.raises(LostProcessError, match="continues"), ranks.training():
            raise AssertionError("a rank that left trains no more")
        return str(raised.value)

    message = "a training in 1 processes ended in process 0: no more memory"
    assert side_by_side(1, train)[0].startswith(message)


def test_an_error_that_all_ranks_share_ends_this_training_alone() -> None:
    def train(ranks: Ranks) -> int:
        with pytest.raises(ArithmeticError), ranks.training(ArithmeticError):
            raise ArithmeticError
        return int(ranks.broadcast(ranks.rank + 5))

    assert side_by_side(2, train) == [5, 5]


def test_a_part_of_a_mapped_file_is_sent_as_its_place(tmp_path: Path) -> None:
    np.save(tmp_path / "frames.npy", np.arange(300_000, dtype=np.float32).reshape(-1, 3))
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    for part in (mapped.view(np.ndarray)[40_000:60_000], mapped[7:][3:50].view(np.ndarray)):
        sent = to_bytes(part)
        assert len(sent) < 500
        assert np.array_equal(pickle.loads(sent), part)


def test_an_array_in_memory_is_sent_itself(tmp_path: Path) -> None:
    np.save(tmp_path / "frames.npy", np.zeros((1000, 3)))
    copied = np.load(tmp_path / "frames.npy", mmap_mode="r")[[1, 5, 900]].view(np.ndarray)
    transposed = np.load(tmp_path / "frames.npy", mmap_mode="r").view(np.ndarray).T
    assert b"frames.npy" not in to_bytes([copied, transposed, np.zeros(3)])

"""Fine-tuning: what is a negative, that it learns, repeats itself, and comes back from disk."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.protocols import Retriever, Trainable
from bench.types import Video
from retrievers.dpr.finetuned import FinetunedDPR
from retrievers.dpr.pairs import sibling_pairs
from retrievers.dpr.training import false_negatives
from retrievers.options import DPRFinetuneOptions, DPROptions

# siblings share no word: only training can bring them together
PAIRS = [("red", "blue"), ("fox", "whale"), ("jumps", "swims"), ("cook", "noodle"), ("beef", "oil")]


def videos(pairs: list[tuple[str, str]] = PAIRS) -> list[Video]:
    none = np.empty((0, 1), dtype=np.float32)
    return [Video(f"v{i}", "", none, pair) for i, pair in enumerate(pairs)]


@pytest.fixture
def make(tmp_path: Path, bert_folder: Callable[..., Path]) -> Callable[..., FinetunedDPR]:
    torch.set_num_threads(1)
    folder = str(bert_folder("start"))

    def build(**options: Any) -> FinetunedDPR:
        tuning = DPRFinetuneOptions(**{"epochs": 30, "batch_size": 5, "lr": 5e-3, **options})
        store: Any = SimpleNamespace(root=tmp_path / "store")
        return FinetunedDPR(
            Context(sections={"dpr": DPROptions(weights=folder), "dpr-ft": tuning}, store=store)
        )

    return build


def hits_at_one(retriever: FinetunedDPR) -> float:
    retriever.index({f"v{i}": other for i, (_, other) in enumerate(PAIRS)})
    run = retriever.search({f"v{i}": one for i, (one, _) in enumerate(PAIRS)}, 1)
    return float(
        np.mean([run.video_ids[hit] == q for q, hit in zip(run.query_ids, run.hits[:, 0], strict=True)])
    )


def test_false_negatives_are_same_video_and_same_string() -> None:
    #                         video query sibling
    labels = torch.tensor([[0, 1, 2], [0, 2, 3], [1, 4, 2], [2, 1, 5], [3, 6, 1], [4, 7, 8]])
    assert false_negatives(labels)[0].tolist() == [False, True, True, True, True, False]
    assert false_negatives(labels)[5].tolist() == [False] * 6


def test_pairs_are_siblings_and_different() -> None:
    some = videos([("red", "Red "), ("fox", "whale"), ("only",), ()])  # type: ignore[list-item]
    assert sorted(sibling_pairs(some, 0, None)) == [("fox", "whale", 1), ("whale", "fox", 1)]
    assert len(sibling_pairs(videos(), 0, 3)) == 3


@pytest.mark.parametrize("untied", [True, False])
def test_it_learns_repeats_itself_and_comes_back_from_disk(
    make: Callable, tmp_path: Path, untied: bool
) -> None:
    untrained = hits_at_one(make(untied=untied))
    first, second = make(untied=untied), make(untied=untied)
    for retriever in (first, second):
        assert isinstance(retriever, Retriever)
        assert isinstance(retriever, Trainable)
        retriever.fit(videos(), videos())
    assert hits_at_one(first) > max(untrained, 0.7)
    assert first._weights(first.query).digest == second._weights(second.query).digest
    (tmp_path / "saved").mkdir()
    first.save(tmp_path / "saved")
    third = make(untied=untied)
    identity = third.identity()
    third.load(tmp_path / "saved")
    assert third._weights(third.query).digest == first._weights(first.query).digest
    assert hits_at_one(third) == hits_at_one(first)
    assert third.identity() == identity == first.identity()
    assert (third._weights(third.query).digest == third._weights(third.document).digest) is not untied


def test_training_goes_on_from_the_last_checkpoint(make: Callable, tmp_path: Path) -> None:
    whole, half, rest = make(epochs=4), make(epochs=4), make(epochs=4)
    whole._context.scratch = tmp_path / "whole"
    whole.fit(videos(), videos())
    half._context.scratch = rest._context.scratch = tmp_path / "half"
    half.fit(videos(), videos())
    last = max((tmp_path / "half").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for file in sorted(last.rglob("*"), reverse=True):  # as if killed before the last epoch was written
        file.unlink() if file.is_file() else file.rmdir()
    last.rmdir()
    rest.fit(videos(), videos())
    assert rest._weights(rest.query).digest == whole._weights(whole.query).digest


def test_a_checkpoint_that_a_kill_cut_short_is_passed_over(make: Callable, tmp_path: Path) -> None:
    whole, half, rest = make(epochs=3), make(epochs=3), make(epochs=3)
    whole._context.scratch = tmp_path / "whole"
    whole.fit(videos(), videos())
    half._context.scratch = rest._context.scratch = tmp_path / "half"
    half.fit(videos(), videos())
    last = max((tmp_path / "half").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    (last / "trainer_state.json").write_text("{")
    (last / "optimizer.pt").unlink()
    rest.fit(videos(), videos())
    assert rest._weights(rest.query).digest == whole._weights(whole.query).digest


def test_without_validation_the_last_is_kept(make: Callable) -> None:
    retriever = make(epochs=1)
    retriever.fit(videos(), [])
    assert hits_at_one(retriever) >= 0


def test_training_videos_without_siblings_are_refused(make: Callable) -> None:
    with pytest.raises(DataError, match="two different queries"):
        make().fit(videos([("one", "one")]), [])


def test_nothing_is_saved_before_training(make: Callable, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to save"):
        make().save(tmp_path)


def test_training_opens_no_connection(make: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    make(epochs=2).fit(videos(), videos())


@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors"])
def test_a_damaged_checkpoint_is_not_used(make: Callable, tmp_path: Path, name: str) -> None:
    complete, rest = make(epochs=2), make(epochs=2)
    complete._context.scratch = rest._context.scratch = tmp_path / "scratch"
    complete.fit(videos(), videos())
    for path in (tmp_path / "scratch").rglob(name):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    rest.fit(videos(), videos())
    assert rest._weights(rest.query).digest == complete._weights(complete.query).digest

"""Fine-tuning: it learns, repeats itself, keeps similarity and best state, and comes back from disk."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.protocols import Retriever, Trainable
from bench.types import Video
from retrievers.dpr.finetuned import FinetunedDPR
from retrievers.dpr.weights import locate
from retrievers.options import BM25Options, DPRFinetuneOptions, DPROptions

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
        weights = options.pop("weights", folder)
        tuning = DPRFinetuneOptions(**{"epochs": 30, "batch_size": 5, "lr": 5e-3, **options})
        store: Any = SimpleNamespace(root=tmp_path / "store")
        return FinetunedDPR(
            Context(
                sections={
                    "dpr": DPROptions(weights=weights),
                    "dpr-ft": tuning,
                    "bm25": BM25Options(engine="bm25s"),
                },
                store=store,
            )
        )

    return build


def hits_at_one(retriever: FinetunedDPR) -> float:
    retriever.index({f"v{i}": other for i, (_, other) in enumerate(PAIRS)})
    run = retriever.search({f"v{i}": one for i, (one, _) in enumerate(PAIRS)}, 1)
    return float(
        np.mean([run.video_ids[hit] == q for q, hit in zip(run.query_ids, run.hits[:, 0], strict=True)])
    )


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


@pytest.mark.parametrize("untied", [True, False])
def test_a_training_that_was_killed_at_its_end_is_the_same(
    make: Callable, tmp_path: Path, untied: bool
) -> None:
    whole, rest = make(epochs=1, untied=untied), make(epochs=1, untied=untied)
    whole._context.scratch = rest._context.scratch = tmp_path / "scratch"
    whole.fit(videos(), [])
    rest.fit(videos(), [])  # without validation, it has nothing left to compute
    for role in (whole.query, whole.document):
        assert rest._weights(role).digest == whole._weights(role).digest


def test_a_checkpoint_that_a_kill_cut_short_is_passed_over(make: Callable, tmp_path: Path) -> None:
    whole, half, rest = make(epochs=3), make(epochs=3), make(epochs=3)
    whole._context.scratch = tmp_path / "whole"
    whole.fit(videos(), videos())
    half._context.scratch = rest._context.scratch = tmp_path / "half"
    half.fit(videos(), videos())
    last = max((tmp_path / "half").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    (last / "trainer_state.json").write_text("{")
    (last / "optimizer.safetensors").unlink()
    rest.fit(videos(), videos())
    assert rest._weights(rest.query).digest == whole._weights(whole.query).digest


@pytest.mark.parametrize("untied", [True, False])
@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_training_keeps_the_similarity_of_the_encoder(
    make: Callable, bert_folder: Callable[..., Path], similarity: str, untied: bool
) -> None:
    folder = bert_folder("made for it", similarity=similarity)
    retriever = make(weights=str(folder), untied=untied, epochs=4, lr=1e-3)
    before = retriever.signature()
    retriever.fit(videos(), videos())
    tuned = {role.name: retriever._weights(role) for role in (retriever.query, retriever.document)}
    assert {weights.similarity for weights in tuned.values()} == {similarity}
    assert all(similarity in text for text in before.values() if "pooling" in text)
    assert all(similarity in text for text in retriever.signature().values() if "pooling" in text)
    retriever.index({"v0": "red fox"})
    alone = retriever._encoder(retriever.document).encode(["red fox"])[0]
    assert (abs(float(np.linalg.norm(alone)) - 1) < 1e-5) is (similarity == "cosine")


def test_encoders_of_two_similarities_are_refused(
    make: Callable, tmp_path: Path, bert_folder: Callable[..., Path]
) -> None:
    store: Any = SimpleNamespace(root=tmp_path / "store")
    options = DPROptions(
        weights=str(bert_folder("one", similarity="dot")),
        query_weights=str(bert_folder("two", similarity="cosine")),
    )
    sections: Any = {"dpr": options, "dpr-ft": DPRFinetuneOptions(epochs=1)}
    with pytest.raises(UsageError, match=r"'cosine'.*'dot'"):
        FinetunedDPR(Context(sections=sections, store=store)).fit(videos(), videos())


def test_the_start_is_kept_where_no_epoch_is_better(make: Callable, tmp_path: Path) -> None:
    retriever = make(epochs=2, lr=0.0)
    start = locate(str(tmp_path / "start"), "en", option="dpr.weights")
    retriever.fit(videos(), videos())
    assert list(retriever.remarks()) == [
        "not tuned: none of 2 epochs was better on validation than the encoder it starts from"
    ]
    tuned = retriever._weights(retriever.document)
    assert (tuned.folder / "model.safetensors").stat().st_size == (
        start.folder / "model.safetensors"
    ).stat().st_size
    assert hits_at_one(retriever) == hits_at_one(make())


def test_an_epoch_that_is_better_than_the_start_is_kept_and_comes_back(
    make: Callable, tmp_path: Path
) -> None:
    retriever = make()
    retriever.fit(videos(), videos())
    (kept,) = retriever.remarks()
    assert re.fullmatch(r"epoch [1-9]\d? of 30 kept", kept)
    (tmp_path / "saved").mkdir()
    retriever.save(tmp_path / "saved")
    again = make()
    again.load(tmp_path / "saved")
    assert list(again.remarks()) == [kept]


def test_hard_negatives_train_to_the_same_bytes_each_time(make: Callable) -> None:
    one, two, none = make(epochs=3, hard_negatives=2), make(epochs=3, hard_negatives=2), make(epochs=3)
    for retriever in (one, two, none):
        retriever.fit(videos(), [])
    digests = [retriever._weights(retriever.query).digest for retriever in (one, two, none)]
    assert digests[0] == digests[1] != digests[2]
    assert "2 hard negatives" in one.signature()["tuned"]


def test_a_checkpoint_holds_no_pickle(make: Callable, tmp_path: Path) -> None:
    retriever = make(epochs=2)
    retriever._context.scratch = tmp_path / "scratch"
    retriever.fit(videos(), videos())
    files = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json"}


def test_without_validation_the_last_is_kept(make: Callable, tmp_path: Path) -> None:
    retriever = make(epochs=2)
    retriever._context.scratch = tmp_path / "scratch"
    retriever.fit(videos(), [])
    assert list(retriever.remarks()) == ["epoch 2 of 2 kept"]
    start = locate(str(tmp_path / "start"), "en", option="dpr.weights").folder
    (last,) = (tmp_path / "scratch").glob("checkpoint-*")
    kept = {
        role.name: tensors(retriever._weights(role).folder) for role in (retriever.query, retriever.document)
    }
    assert kept["query"] | kept["document"] == tensors(last) != tensors(start)


def tensors(folder: Path) -> set[bytes]:
    """Read a model's tensors, without the names that a wrapper around it changes."""
    return {tensor.numpy().tobytes() for tensor in load_file(folder / "model.safetensors").values()}


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


@pytest.mark.parametrize("name", ["optimizer.safetensors", "model.safetensors"])
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

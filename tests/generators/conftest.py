"""Small datasets and small models, for tests that train in seconds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.options import build_sections
from bench.store.digests import digest
from bench.types import Json, Video
from generators.bart.options import BartOptions, PretrainOptions
from generators.neural.options import DecodeOptions, TextOptions, TrainOptions
from generators.neural.row import NeuralRow
from generators.options import MDVCOptions, Seq2SeqOptions, TransformerOptions
from generators.qms.options import MT5Options, QMSOptions

MakeRow = Callable[[Context], NeuralRow]
"""How a row is made: its class, or a function as in `generators.qms.rows`."""

SECTIONS = {
    kind.section: kind
    for kind in (
        TextOptions,
        TrainOptions,
        DecodeOptions,
        BartOptions,
        PretrainOptions,
        TransformerOptions,
        Seq2SeqOptions,
        MDVCOptions,
        QMSOptions,
        MT5Options,
    )
}
TINY: dict[str, Any] = {
    "text.vocabulary": 120,
    "text.transcript_tokens": 24,
    "text.query_tokens": 6,
    "train.epochs": 2,
    "train.batch_size": 8,
    "decode.max_tokens": 6,
    "bart.weights": "self",
    "bart.lr": 3e-3,
    "bart.fusion_lr": 1.0,
    "bart.fusion_width": 16,
    "pretrain.steps": 2,
    "pretrain.batch_size": 16,
    "transformer.lr": 3e-3,
    "seq2seq.lr": 1e-2,
    "seq2seq.layers": 1,
    "seq2seq.width": 24,
    "mdvc.lr": 3e-3,
    "mdvc.layers": 1,
    "mdvc.width": 24,
    "mdvc.heads": 2,
    "mdvc.feed_forward": 32,
    "transformer.layers": 1,
    "bart.encoder_layers": 1,
    "bart.decoder_layers": 1,
    "qms.encoder": "self",
}
for _row in ("bart", "transformer"):
    TINY |= {f"{_row}.width": 24, f"{_row}.heads": 2, f"{_row}.feed_forward": 32}

WORDS = ["apple", "banana", "cherry", "grape", "lemon", "mango", "orange", "peach"]
FILLER = list(dict.fromkeys("well so today we are going to see how this really works and why".split()))  # noqa: SIM905


@dataclass(frozen=True)
class Artefact:
    path: Path
    meta: Any


class FolderStore:
    """A store that keeps folders by key: what a row asks of `bench.store.artefacts.Store`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.built = 0

    def fetch(self, kind: str, key: Mapping[str, Json], build: Callable[[Path], Any]) -> Artefact:
        folder = self.root / kind / digest(key)
        if not (folder / "meta").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.built += 1
            (folder / "meta").write_text(json.dumps(build(folder)))
        return Artefact(folder, json.loads((folder / "meta").read_text()))

    def scratch(self, kind: str, key: Mapping[str, Json]) -> Path:
        folder = self.root / "scratch" / kind / digest(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def context(store: FolderStore) -> Callable[..., Context]:
    def make(*, language: str = "en", seed: int = 0, **changes: Any) -> Context:
        values = TINY | {key.replace("__", "."): value for key, value in changes.items()}
        return Context(language=language, seed=seed, sections=build_sections(SECTIONS, values), store=store)  # type: ignore[arg-type]

    return make


def video(
    number: int,
    *,
    text: Sequence[str] = (),
    frames: int = 0,
    key: int | None = None,
    references: Sequence[str] = (),
) -> Video:
    """A video with some filler words around ``text``, and ``frames`` that show ``key``."""
    rng = np.random.default_rng(number)
    words = [str(w) for w in rng.choice(FILLER, 3 + number % 5)]
    place = int(rng.integers(len(words) + 1))
    pictures = rng.normal(scale=0.3, size=(frames, len(WORDS))).astype(np.float32)
    if key is not None:
        pictures[:, key] += 3.0
    return Video(
        f"v{number:04d}", " ".join([*words[:place], *text, *words[place:]]), pictures, tuple(references)
    )


def toy(count: int, *, where: str, start: int = 0) -> list[Video]:
    """Videos whose query names one of eight things, which only the ``text`` or only the ``frames`` hold."""
    made = []
    for number in range(start, start + count):
        key = number % len(WORDS)
        words = [WORDS[key]] if where == "text" else []
        seen = key if where == "frames" else None
        queries = [f"best {WORDS[key]}", f"buy {WORDS[key]}"]
        made.append(video(number, text=words, frames=1 + number % 4, key=seen, references=queries))
    return made


def blind(videos: Sequence[Video]) -> list[Video]:
    """The same videos without references."""
    return [Video(v.video_id, v.transcript, v.frames) for v in videos]


def named(summaries: Mapping[str, str], videos: Sequence[Video]) -> float:
    """The share of summaries that name the thing their video is about."""
    right = [v.references[0].split()[-1] in summaries[v.video_id].split() for v in videos]
    return sum(right) / len(right)


def built(row: Any, videos: Sequence[Video]) -> Any:
    """The row with its tokenizer and a module of random weights, for frames 8 wide."""
    tokens = row.vocabulary(videos)
    row.build(tokens, row.configuration(tokens, 8))
    return row

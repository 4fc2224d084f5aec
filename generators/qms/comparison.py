"""Compares the queries of a video (paper, III-C2): a frozen sentence encoder, used once for a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import BertModel

from bench.context import Context
from bench.errors import DataError
from bench.neural.e5 import QUERY_PREFIX
from bench.store.artefacts import Store
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.types import Json, Video, VideoId
from bench.weights import quiet_loading
from generators.bart.checkpoints import read_config, read_tokens, read_weights
from generators.groups import PACKAGES
from generators.neural.batches import pad
from generators.neural.tokens import Tokens
from generators.qms import sentences
from generators.qms.sampling import similarities

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Encoder:
    """A sentence encoder: the mean of the last layer over the tokens without specials (decision 20)."""

    tokens: Tokens
    states: Callable[[Tensor, Tensor], Tensor]
    """From ids ``[b, t]`` and their mask to ``[b, t, d]``."""
    device: str
    prefix: str = ""
    """Text before each query, as some encoders were trained with."""

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Encode texts as mean token states ``[n, d]``; a text without tokens is zero."""
        ids = [one.ids for one in self.tokens.encode([self.prefix + text for text in texts], 126)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors: dict[int, Tensor] = {}
        for start in range(0, len(order), ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            batch, mask = pad([self.tokens.frame(ids[i]) for i in rows], self.tokens.pad)
            states = self.states(batch.to(self.device), mask.to(self.device)).float().cpu()
            for row, i in enumerate(rows):
                inner = states[row, 1 : 1 + len(ids[i])]
                vectors[i] = inner.mean(0) if len(ids[i]) else torch.zeros(states.shape[-1])
        return (
            np.stack([vectors[i].numpy() for i in range(len(ids))]) if ids else np.zeros((0, 1), np.float32)
        )


def load(name: str, store: Store, device: str) -> Encoder:
    """Load an encoder that is not made here. Raises DataError for weights that are no BERT."""
    path = sentences.folder(name, store)
    try:
        with quiet_loading():
            model: Any = BertModel.from_pretrained(str(path), dtype=torch.float32, add_pooling_layer=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a BERT (qms.encoder): {error}") from error
    model = model.to(device).eval()
    ids = {"decoder_start_token_id": 101, "bos_token_id": 101, "vocab_size": model.config.vocab_size}
    return Encoder(
        read_tokens(path, ids),
        lambda t, m: model(t, attention_mask=m.long()).last_hidden_state,
        device,
        QUERY_PREFIX if name == "e5" else "",
    )


def bart(path: Path, device: str) -> Encoder:
    """Load a BART, such as one pretrained here, as an encoder of queries."""
    model: Any = read_weights(path).to(device).eval()  # type: ignore[arg-type]
    return Encoder(read_tokens(path, read_config(path)), layer(model), device)


def compare(
    context: Context, key: Mapping[str, Json], videos: Sequence[Video], load: Callable[[], Encoder]
) -> dict[VideoId, npt.NDArray[np.float64]]:
    """Compare each video's references with one another: s_j (eq. 12), computed once and stored.

    ``key`` says which encoder ``load`` returns.
    """
    videos = [video for video in videos if video.references]
    texts = digest([[video.video_id, *video.references] for video in videos])

    def make(folder: Path) -> Mapping[str, Json]:
        scores = similar(load(), [video.references for video in videos])
        np.save(
            folder / "similarities.npy", np.concatenate(scores) if scores else np.zeros(0), allow_pickle=False
        )
        return {"queries": sum(map(len, scores))}

    made_by: dict[str, Json] = {
        "code": code_digest(__name__),
        "versions": {**installed_versions(["numpy", *PACKAGES])},
    }
    artefact = context.store.fetch("similarities", {**key, "texts": texts, **made_by}, make)
    flat = np.load(artefact.path / "similarities.npy", allow_pickle=False)
    ends = np.cumsum([len(video.references) for video in videos])
    return dict(zip((v.video_id for v in videos), np.split(flat, ends[:-1]), strict=True)) if videos else {}


def similar(encoder: Encoder, sets: Sequence[Sequence[str]]) -> list[npt.NDArray[np.float64]]:
    """Compute s_j of each set of texts; a text that recurs is encoded once."""
    distinct = list(dict.fromkeys(text for texts in sets for text in texts))
    number = {text: i for i, text in enumerate(distinct)}
    vectors = encoder(distinct)
    return [similarities(vectors[[number[text] for text in texts]]) for texts in sets]


def layer(model: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """Adapt a library model's text encoder to what an `Encoder` calls."""
    encoder = model.get_encoder()
    return lambda ids, mask: (
        encoder(inputs_embeds=model.get_input_embeddings()(ids), attention_mask=mask.long()).last_hidden_state
    )

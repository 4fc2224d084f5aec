"""Which sentence encoder compares queries (paper, III-C2), and the threshold that goes with it."""

from __future__ import annotations

from pathlib import Path

from bench.neural.e5 import E5_SHA256, check_e5, e5_folder, is_e5_installed
from bench.store.artefacts import Store
from bench.types import Json
from bench.weights import digest_weights, locate_weights, minilm_folder

MU = {"minilm": 0.55, "self": 0.75, "e5": 0.9}
"""Thresholds that go with encoders whose cosines are not those of the paper's BERT.

MiniLM's spread wider: at 0.75 it rejects seven in ten of ActivityNet's captions. 0.55 was chosen by how well
planted queries of other videos are detected (F1 0.88 on a synthetic set, 0.77 on training captions of
ActivityNet), never by what a summary scored. E5's cosines lie between 0.85 and 1: one query of another video
planted in each of 300 sets of the Chinese demo is detected with F1 0.78 at 0.9, the best threshold, and with
0.01 at 0.75.
"""
PAPER_MU = 0.75
"""Paper, IV-B3: with mean vectors of BERT, whose cosines lie near 1."""


def auto(name: str, language: str, weights: str) -> str:
    """Resolve ``qms.encoder`` to an encoder, by the language and the value of ``bart.weights``."""
    if name != "auto":
        return name
    if language == "en":
        return "minilm"
    if weights != "self":
        return "google-bert/bert-base-chinese"
    return "e5" if is_e5_installed() else "self"


def folder(name: str, store: Store) -> Path:
    """Locate an encoder that is not made here. Raises MissingError when it cannot be had."""
    if name == "minilm":
        return minilm_folder(option="qms.encoder")
    if name == "e5":
        return e5_folder(store, option="qms.encoder")
    remedy = "Name a folder with a BERT, or compare with --set qms.encoder=self."
    return locate_weights(name, option="qms.encoder", remedy=remedy)


def identity(name: str, store: Store) -> dict[str, Json]:
    """Identify an encoder by the digests of its files; ``self`` for one made from the data."""
    if name == "self":
        return {"sentences": "self"}
    if name == "e5":
        return {"sentences": {check_e5(option="qms.encoder").name: E5_SHA256}}
    return {"sentences": {**digest_weights(folder(name, store))}}


def named(encoder: str) -> str:
    """Name an encoder for the signature line."""
    names = {
        "minilm": "MiniLM token mean",
        "e5": "multilingual-e5-small token mean",
        "self": "self-pretrained BART encoder mean",
    }
    return names.get(encoder, f"{Path(encoder).name} token mean")

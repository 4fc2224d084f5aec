"""The row caption: a BLIP in the format of the published one describes the pictures of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration

from bench.context import Context
from bench.data.reader import read_dataset
from bench.errors import DataError, MissingError
from bench.options import build_sections
from bench.types import Video
from generators.zero_shot.caption import Caption
from generators.zero_shot.options import CaptionOptions
from tests.conftest import Cli
from tests.generators.zero_shot.conftest import videos
from tests.tiny import Tiny, write_pictures

MEAN = (0.48145466, 0.4578275, 0.40821073)
SIDE = 32
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "man", "dog", "on", "the", "beach", "red", "car")
START = len(WORDS)
"""The id of BLIP's [DEC], which the published tokenizer does not have either."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BLIP as Salesforce/blip-image-captioning-base is kept: processor, vocabulary, config, weights."""
    made = tmp_path_factory.mktemp("blip")
    (made / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    BertTokenizer(str(made / "vocab.txt")).save_pretrained(str(made))
    processor = {
        "do_normalize": True, "do_resize": True, "image_mean": MEAN, "image_std": [0.25, 0.25, 0.25],
        "image_processor_type": "BlipImageProcessor", "processor_class": "BlipProcessor", "resample": 3,
        "size": {"height": SIDE, "width": SIDE},
    }  # fmt: skip
    (made / "preprocessor_config.json").write_text(json.dumps(processor))
    small = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "projection_dim": 8, "initializer_range": 0.5,
    }  # fmt: skip
    ids = {"bos_token_id": START, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = {
        **small,
        **ids,
        "vocab_size": START + 2,
        "encoder_hidden_size": 16,
        "max_position_embeddings": 32,
    }
    vision = {**small, "image_size": SIDE, "patch_size": 16}
    torch.manual_seed(0)
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=8, image_text_hidden_size=8)
    BlipForConditionalGeneration(config).save_pretrained(str(made))
    return made


def make(folder: Path | str, **options: Any) -> Caption:
    given = {"caption.weights": str(folder), **{f"caption.{key}": value for key, value in options.items()}}
    return Caption(Context(sections=build_sections({"caption": CaptionOptions}, given)))


def pool(tiny: Tiny, **counts: int) -> list[Video]:
    write_pictures(tiny.folder, counts)
    return read_dataset(tiny.folder).videos("test", references=False)


def caption(folder: Path, path: Path, **settings: Any) -> str:
    """Describe a picture by the library's model, with pixels that are prepared here."""
    image = Image.open(path).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(image, np.float32) / 255 - np.array(MEAN, np.float32)) / np.float32(0.25)
    model = BlipForConditionalGeneration.from_pretrained(str(folder)).eval()
    tokens = model.generate(torch.from_numpy(pixels).permute(2, 0, 1)[None].float(), **settings)[0]
    return " ".join(WORDS[i] for i in tokens if 4 < i < START)


def test_the_middle_picture_is_described(folder: Path, tiny: Tiny) -> None:
    seen = pool(tiny, v2=3, v9=1)
    row = make(folder, beams=1, max_tokens=6)
    texts = row.summarize(seen)
    frames = tiny.folder / "frames"
    settings = {"do_sample": False, "num_beams": 1, "max_new_tokens": 6}
    assert texts["v2"] == caption(folder, frames / "v2" / "1.jpg", **settings)
    assert texts["v9"] == caption(folder, frames / "v9" / "0.jpg", **settings)
    assert texts["v2"]
    assert {text for video_id, text in texts.items() if video_id not in ("v2", "v9")} == {""}
    assert row.coverage() == {"videos without pictures": len(seen) - 2}


def test_the_captions_of_several_pictures_are_written_each_once(folder: Path, tiny: Tiny) -> None:
    seen = pool(tiny, v2=3)
    settings = {"do_sample": False, "num_beams": 3, "max_new_tokens": 6}
    paths = [tiny.folder / "frames" / "v2" / f"{number}.jpg" for number in range(3)]
    expected = " ".join(dict.fromkeys(caption(folder, path, **settings) for path in paths))
    assert make(folder, frames=8, max_tokens=6).summarize(seen)["v2"] == expected


def test_a_dataset_without_pictures_is_missing_something(folder: Path) -> None:
    with pytest.raises(MissingError, match=r"caption looks at pictures, and none of 2 videos has one"):
        make(folder).summarize(videos("a", "b"))


def test_a_damaged_picture_is_named(folder: Path, tiny: Tiny) -> None:
    seen = pool(tiny, v2=1)
    (tiny.folder / "frames" / "v2" / "0.jpg").write_bytes(b"\xff\xd8\xff damaged")
    seen = read_dataset(tiny.folder).videos("test", references=False)
    with pytest.raises(DataError, match=r"v2/0\.jpg cannot be decoded"):
        make(folder).summarize(seen)


def test_weights_of_another_kind_are_named(folder: Path, tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    for name in ("preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(MissingError, match=r"could not be loaded as AutoModelForImageTextToText"):
        make(tmp_path).summarize(pool(tiny, v2=1))


def test_a_run_with_the_row(cli: Cli, tiny: Tiny, folder: Path, tmp_path: Path) -> None:
    write_pictures(tiny.folder, {"v2": 2, "v100": 2})
    done = cli(
        "run", "--data", tiny.folder, "--generators", "lead,caption", "--retrievers", "bm25",
        "--set", f"caption.weights={folder}", "--set", "caption.max_tokens=6", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "caption: weights=" in done.out
    assert "4 videos without pictures" in done.out

"""Preset, file, keywords and flags: who wins, and what nobody may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bench.config.run_config
from bench.config.run_config import configure, preset_names
from bench.errors import UsageError
from generators.options import LeadOptions
from retrievers.options import BM25Options


def lead(**options: Any) -> int:
    section = configure(options).sections["lead"]
    assert isinstance(section, LeadOptions)
    return section.units


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "options.yaml"
    path.write_text(
        "lead.units: 3\nbm25: {k1: 1.2, b: 0.5}\nsplit: val\ngenerators: [lead, oracle]\nseed: 4\nout:\n"
    )
    return path


def test_defaults_are_the_contracts() -> None:
    config = configure({})
    assert (config.data, config.preset, config.protocol) == ("demo", "quick", "one-query-per-video")
    assert (config.generators, config.retrievers) == (("all",), ("bm25", "dpr"))
    assert (config.split, config.seed, config.query_seed) == ("test", (0,), 0)
    assert (config.device, config.engine, config.no_train) == ("auto", "local", False)


def test_a_file_says_fields_and_options_flat_or_nested(file: Path) -> None:
    config = configure({"config": file})
    assert config.sections["bm25"] == BM25Options(k1=1.2, b=0.5)
    assert (config.split, config.generators, config.seed) == ("val", ("lead", "oracle"), (4,))
    assert config.out is None


def test_preset_then_file_then_flags(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lead() == 8
    monkeypatch.setattr(
        bench.config.run_config, "preset_text", lambda name: "lead: {units: 2}\nbm25.k1: 2.0\n"
    )
    assert lead() == 2
    assert lead(config=file) == 3
    assert lead(config=file, set=["lead.units=5"]) == 5
    assert lead(config=file, set={"lead.units": 6}) == 6
    config = configure({"config": file, "split": "test", "generators": "transcript"})
    assert (config.split, config.generators) == ("test", ("transcript",))


def test_a_flag_that_was_not_given_does_not_win(file: Path) -> None:
    assert configure({"config": file, "split": None, "no_train": None}).split == "val"


def test_the_presets_are_three() -> None:
    assert preset_names() == ["base", "paper", "quick"]
    for name in preset_names():
        assert configure({"preset": name}).preset == name


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"genrators": "lead"}, "Did you mean generators"),
        ({"sections": {}}, "unknown option 'sections'"),
        ({"set": ["bm25.k2=1"]}, "Did you mean bm25.k1"),
        ({"set": ["bm25.k1=high"]}, "option bm25.k1='high'"),
        ({"set": ["bm25.b=7"]}, "between 0 and 1"),
        ({"preset": "quik"}, "Did you mean quick"),
        ({"preset": ["quick"]}, "preset=.* is not a text"),
        ({"protocol": "all"}, "Known: all-queries, one-query-per-video"),
        ({"split": "tset"}, "Did you mean test"),
        ({"split": "train"}, "unknown split 'train'"),
        ({"engine": "ray"}, "unknown engine"),
        ({"device": "gpu"}, "Known: auto, cpu, cuda"),
        ({"device": "cuda:x"}, "device"),
        ({"generators": ""}, "generators is empty"),
        ({"generators": [" "]}, "generators is empty"),
        ({"generators": 5}, "generators=5"),
        ({"retrievers": []}, "retrievers is empty"),
        ({"seed": "one"}, "seed='one'"),
        ({"seed": ""}, "seed=''"),
        ({"seed": "1,1"}, "each once"),
        ({"seed": "-1"}, "from 0 up"),
        ({"seed": True}, "seed=True"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": [1.5]}, "seed="),
        ({"seed": []}, "from 0 up"),
        ({"query_seed": "1"}, "query_seed"),
        ({"query_seed": True}, "query_seed"),
        ({"no_train": "no"}, "no_train='no' is not true or false"),
        ({"out": 5}, "out=5 is not a path"),
        ({"data": 5}, "data=5 is not a path"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        configure(options)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("- a\n- b\n", "mapping"),
        ("bm25.k2: 1\n", "Did you mean bm25.k1"),
        ("bm25: {k1: {deep: 1}}\n", "bm25.k1"),
        ("bm25: 3\n", "unknown option 'bm25'"),
        ("generatros: lead\n", "Did you mean"),
        ("verbose: 3\n", "verbose"),
        ("!!python/object/apply:os.system ['true']\n", "is not YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        configure({"config": path})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "bytes.yaml"):
        with pytest.raises(UsageError, match="cannot be read"):
            configure({"config": path})


def test_lists_and_texts_mean_the_same() -> None:
    assert (
        configure({"generators": "lead, oracle,"}).generators
        == configure({"generators": ["lead", "oracle"]}).generators
    )
    assert configure({"seed": "3,1"}).seed == configure({"seed": [3, 1]}).seed == (3, 1)
    assert configure({"data": Path("folder")}).data == "folder"

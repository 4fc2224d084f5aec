"""Preset, file, keywords and flags: who wins, and what nobody may say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench.config.presets
from bench.config.presets import preset_names
from bench.config.run_config import configure
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
    values = {"lead.units": 2, "bm25.k1": 2.0}
    monkeypatch.setattr(bench.config.presets, "preset_values", lambda name: values)
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
    ("options", "message"),
    [
        ({"genrators": "lead"}, "Did you mean generators"),
        ({"sections": {}}, "unknown option 'sections'"),
        ({"set": ["bm25.k2=1"]}, "Did you mean bm25.k1"),
        ({"set": ["bm25.k1=high"]}, "option bm25.k1='high'"),
        ({"set": ["bm25.b=7"]}, "a number from 0 to 1"),
        ({"preset": "quik"}, "Did you mean quick"),
        ({"preset": ["quick"]}, "option preset=.* expected a text"),
        ({"protocol": "all"}, "expected one of one-query-per-video, all-queries"),
        ({"split": "tset"}, "Did you mean test"),
        ({"split": "train"}, "split='train' is not allowed: expected one of test, val"),
        ({"engine": "spark"}, "engine='spark' is not allowed: expected one of local, ray"),
        ({"device": "gpu"}, "expected one of auto, cpu, cuda"),
        ({"device": "cuda:x"}, "device"),
        ({"generators": ""}, "generators=.* expected one or more names"),
        ({"generators": ","}, "generators=.* expected one or more names"),
        ({"generators": {"lead": 1}}, "generators="),
        ({"retrievers": []}, "retrievers="),
        ({"seed": "one"}, "seed='one'"),
        ({"seed": ""}, "seed="),
        ({"seed": "1,1"}, "each once"),
        ({"seed": "-1"}, "seed=.*whole numbers from 0"),
        ({"seed": True}, "seed="),
        ({"seed": 1.5}, "seed="),
        ({"seed": "0,1_0"}, "seed="),
        ({"query_seed": "1_0"}, "query_seed="),
        ({"seed": [1.5]}, "seed="),
        ({"seed": []}, "seed=.*whole numbers from 0"),
        ({"query_seed": "x"}, "query_seed='x'"),
        ({"query_seed": True}, "query_seed"),
        ({"no_train": "maybe"}, "no_train='maybe' is not allowed: expected true or false"),
        ({"out": ["a"]}, "expected a path"),
        ({"data": ["a"]}, "option data="),
        ({"seed": 2**32}, "seed=4294967296"),
        ({"seed": np.array(0)}, "seed="),
        ({"seed": {0, 1}}, "seed="),  # in an order of its own
        ({"set": 5}, "set: options as key=value are expected, not 5"),
        ({"config": 5}, "config: a path is expected, not 5"),
        ({"query_seed": 2**32}, "2.32-1|4294967295"),
        ({"out": "a\0"}, "option out="),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configure(options)


@pytest.mark.parametrize(
    "seed", [np.int64(3), np.array([3]), iter([3]), range(3, 4), {3: "three"}.keys(), (np.uint8(3),)]
)
def test_numbers_of_numpy_and_collections_of_any_kind_are_taken(seed: Any) -> None:
    assert configure({"seed": seed}).seed == (3,)


def test_systems_are_named_by_collections_of_any_kind(tmp_path: Path) -> None:
    config = configure({"generators": iter(["lead", "tfidf"]), "retrievers": np.array(["bm25"])})
    assert (config.generators, config.retrievers) == (("lead", "tfidf"), ("bm25",))
    with os.scandir(tmp_path.parent) as entries:
        entry = next(one for one in entries if one.name == tmp_path.name)
    assert configure({"out": entry, "data": entry}).out == tmp_path


def test_arguments_of_a_plug_in_are_a_section_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "plug.py").write_text(
        "class FirstWords:\n"
        "    label = 'First'\n"
        "    def __init__(self, words: int = 3): ...\n"
        "    def summarize(self, videos): ...\n"
    )
    path = tmp_path / "options.yaml"
    path.write_text(f"generators: ['{tmp_path}/plug.py:FirstWords']\nFirstWords:\n  words: 5\n")
    section: Any = configure({"config": path}).sections["FirstWords"]
    assert section.words == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "options.yaml:1: not a file of options"),
        ("- a\n- b\n", "mapping"),
        ("bm25.k2: 1\n", "Did you mean bm25.k1"),
        ("bm25: {k1: {deep: 1}}\n", "bm25.k1"),
        ("bm25: 3\n", "unknown option 'bm25'"),
        ("generatros: lead\n", "Did you mean"),
        ("verbose: 3\n", "verbose"),
        (
            "a: 1\nbm25.k1: 0.9\nbm25.k1: 1.9\n",
            r"options.yaml:3: .* 'bm25.k1' is given twice \(first in line 2\)",
        ),
        ("bm25:\n  k1: 1\n  k1: 2\n", "options.yaml:3: .* 'k1' is given twice"),
        ("bm25: {k1: 1}\nbm25.k1: 2\n", "the option 'bm25.k1' is given twice"),
        ("bm25: {k1: 1, k1: 2}\n", "'k1' is given twice"),
        ("bmm25: {k1: 1}\n", r"unknown option 'bmm25\.k1'\. Did you mean bm25\.k1"),
        ("bmm25: {}\n", "unknown option 'bmm25'. Did you mean bm25"),
        ("bmm25:\n", "unknown option 'bmm25'"),
        ("dat: demo\n", r"Did you mean data\? Known"),
        ("bogus: 1\n", "caption, data, decode,"),
        ("seed: !!timestamp 2001-99-99\n", "not a file of options"),
        (f"seed: {'9' * 5000}\n", "not a file of options"),
        (f"seed: {'[' * 5000}{']' * 5000}\n", "nested too deeply"),
        ('out: "a\\0"\n', "option out="),
        ('store: "\\ud800"\n', "option store="),
        ("out: \0\n", "not a file of options"),
        ("a: &a [1]\nb: *a\n", "options.yaml:2: .*aliases"),
        ("seed: 1:30\n", "option seed='1:30' is not allowed"),
        ("seed: 0x10\n", "option seed='0x10' is not allowed"),
        ("train.clip: .inf\n", "train.clip=inf is not allowed"),
        ("decode.length_penalty: .nan\n", "decode.length_penalty=nan is not allowed"),
        ("!!python/object/apply:os.system ['true']\n", "not a file of options"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        configure({"config": path})


def test_numbers_in_a_file_are_those_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text("seed: 010\nbm25: {k1: 1.5, b: .5}\ntrain.lr: 1e-3\n")
    config = configure({"config": path})
    assert config.seed == (10,), "PyYAML reads 010 as 8"
    options = config.settings()["options"]
    assert [options[name] for name in ("bm25.k1", "bm25.b", "train.lr")] == [1.5, 0.5, 1e-3]


@pytest.mark.parametrize(
    "option",
    ["train.clip=inf", "bart.lr=inf", "bart.lr=1e400", "decode.length_penalty=nan", "bm25.k1=1e39"],
)
def test_no_number_is_infinite_or_none_at_all(option: str) -> None:
    key, _, value = option.partition("=")
    with pytest.raises(UsageError, match=f"option {key}='{value}' is not allowed: expected a number"):
        configure({"set": [option]})


def test_a_date_in_a_file_is_the_text_it_is(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text("out: 2026-11-25\n")
    assert configure({"config": path}).out == Path("2026-11-25")


def test_home_is_one_folder_wherever_a_path_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "options.yaml").write_text("out: ~/x\nstore: ~/store\ndata: ~/data\n")
    config = configure({"config": "~/options.yaml"})
    assert (config.out, config.store) == (tmp_path / "x", tmp_path / "store")
    assert config.data == str(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert configure({"out": "./~/x"}).out == tmp_path / "~" / "x"
    assert configure({"out": "~/x"}).out == configure({"out": Path("~/x")}).out == tmp_path / "x"
    with pytest.raises(UsageError, match=r"the home folder is unknown. Set HOME"):
        configure({"out": "~nobody-of-this-name/x"})


@pytest.mark.parametrize("address", ["s3://bucket/store", "memory://x", "file:///tmp/store", "gs://b"])
def test_an_address_is_no_folder(address: str) -> None:
    for option in ("store", "out"):
        with pytest.raises(UsageError, match="is an address, and bench reads and writes files"):
            configure({option: address})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "bytes.yaml"):
        with pytest.raises(UsageError, match="cannot be read"):
            configure({"config": path})


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="only POSIX has /dev/zero")
def test_a_file_of_options_that_never_ends_is_refused() -> None:
    with pytest.raises(UsageError, match="/dev/zero: a file of options is shorter than 1,000,000"):
        configure({"config": Path("/dev/zero")})


def test_lists_and_texts_mean_the_same() -> None:
    assert (
        configure({"generators": "lead, oracle,"}).generators
        == configure({"generators": ["lead", "oracle"]}).generators
    )
    assert configure({"seed": "3,1"}).seed == configure({"seed": [3, 1]}).seed == (3, 1)
    assert configure({"data": Path("folder")}).data == "folder"

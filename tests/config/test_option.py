"""An option of a run is written once: its flag, keyword, help, check and setting follow."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.config.option import Option, keywords_of, options_of
from bench.config.run_config import OPTIONS, RunConfig, config_from_settings, configure
from bench.errors import UsageError
from bench.options import Count
from tests.conftest import Cli


@dataclass(frozen=True, kw_only=True)
class OneOption:
    repeats: Option[int | str, Count] = Option(2, "N", help="how often")


@keywords_of(OneOption)
def repeat(**options: Any) -> int:
    """Repeat."""
    return OneOption(**options).repeats


def test_one_field_is_a_keyword_a_flag_and_a_checked_value() -> None:
    assert repeat() == 2
    assert repeat(repeats="3") == 3
    with pytest.raises(UsageError, match="option repeats=0 is not allowed: expected a whole number from 1"):
        repeat(repeats=0)
    option = options_of(OneOption)["repeats"]
    assert (option.flag, option.describe()) == ("--repeats", "how often (default: 2)")
    keyword = inspect.signature(repeat).parameters["repeats"]
    assert (keyword.annotation, keyword.default) == (int | str, 2)
    assert "repeats: how often (default: 2)" in (repeat.__doc__ or "")


def test_every_option_is_a_keyword_of_bench_run_with_its_help() -> None:
    assert list(inspect.signature(bench.run).parameters) == list(OPTIONS)
    for name, option in OPTIONS.items():
        assert f"    {name}: {option.describe()}" in (bench.run.__doc__ or "")


@pytest.mark.parametrize("verb", ["run", "reproduce"])
def test_every_option_is_a_flag(verb: str, cli: Cli) -> None:
    help_text = cli(verb, "--help").out
    left_out = {"config", "engine", "audit_cache"} if verb == "reproduce" else set()
    for name in OPTIONS.keys() - left_out:
        assert f"  {OPTIONS[name].flag} " in help_text


def test_every_option_but_set_and_config_is_a_key_of_a_file(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "data": "d", "generators": ["lead"], "retrievers": "bm25", "preset": "base",
        "protocol": "all-queries", "query_seed": 3, "split": "val", "seed": [1, 2], "features": "f",
        "out": "o", "store": "s", "remote_store": "memory://m",
        "no_train": True, "allow_network": True, "device": "cpu", "engine": "local", "audit_cache": True,
        "quiet": True,
        "verbose": True, "threads": 2, "fresh": ["lead"], "verify_determinism": True, "metrics": ["nDCG@10"],
    }  # fmt: skip
    assert values.keys() == OPTIONS.keys() - {"set", "config"}
    path = tmp_path / "options.yaml"
    path.write_text("".join(f"{name}: {value}\n" for name, value in values.items()))
    in_file, given = configure({"config": path}), configure(values)
    for name in values:
        assert getattr(in_file, name) == getattr(given, name)


def test_settings_repeat_a_run() -> None:
    config = configure({"generators": "lead", "seed": "3,4", "split": "val", "set": {"lead.units": 5}})
    settings = config.settings()
    assert settings["seed"] == [3, 4]
    assert settings["options"]["lead.units"] == 5
    assert config_from_settings(settings).settings() == settings
    assert config_from_settings(settings, split="test").split == "test"


def test_settings_of_a_plug_in_that_is_not_installed_are_left_out() -> None:
    settings = RunConfig().settings()
    settings["options"]["not-installed.depth"] = 3
    assert config_from_settings(settings) == config_from_settings(RunConfig().settings())

"""What ``bench list options`` says of each option."""

from __future__ import annotations

from bench.config.listing import list_options
from bench.systems.registry import option_sections
from tests.conftest import Cli


def test_every_option_has_a_meaning() -> None:
    silent = [option.key for option in list_options(option_sections()) if not option.meaning]
    assert silent == []


def test_an_option_is_listed_with_values_default_meaning_and_source(cli: Cli) -> None:
    lines = dict(line.split(maxsplit=1) for line in cli("list", "options").out.splitlines()[1:])
    assert lines["bm25.b"] == (
        "a number from 0 to 1 (default: 0.4). How far long texts are scored down (Anserini's default)."
    )
    assert lines["index.pool"].startswith("one of split, all (default: split). split: the videos")
    assert lines["train.patience"].startswith("a whole number from 1 to 2^31-1 or none (default: none). Stop")

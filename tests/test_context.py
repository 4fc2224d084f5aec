"""What a component reads is noted, and nothing can be read unnoted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from bench.context import Context
from bench.data.options import DataOptions
from bench.errors import MissingError, UsageError
from bench.options import Section
from bench.store.artefacts import Store
from generators.options import LeadOptions


@dataclass(frozen=True)
class Impostor(Section):
    section: ClassVar[str] = "lead"


def context(device: str = "cpu") -> Context:
    sections = {"lead": LeadOptions(units=3), "data": DataOptions()}
    return Context(language="zh", seed=5, device=device, sections=sections)


def test_what_is_not_read_is_not_in_the_key() -> None:
    assert context().freeze() == {}


def test_what_is_read_is_in_the_key() -> None:
    given = context()
    assert (given.language, given.seed) == ("zh", 5)
    assert given.options(LeadOptions).units == 3
    assert given.freeze() == {"language": "zh", "seed": 5, "options.lead": {"units": 3}}


def test_after_freezing_only_what_was_read_may_be_read() -> None:
    given = context()
    assert given.seed == 5
    given.freeze()
    assert given.seed == 5
    for read in (lambda: given.language, lambda: given.options(LeadOptions), lambda: given.device):
        with pytest.raises(AssertionError, match="read it in __init__"):
            read()


def test_store_scratch_and_quiet_may_be_read_at_any_time_and_leave_no_note(tmp_path: Path) -> None:
    given = Context(store=Store(tmp_path / "store"))
    given.freeze()
    assert given.store.root == tmp_path / "store"
    assert given.scratch is None
    assert given.quiet
    assert given.freeze() == {}


def test_the_default_store_is_used_outside_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_STORE", str(tmp_path / "own"))
    assert Context().store.root == tmp_path / "own"


def test_outside_a_run_options_are_the_defaults() -> None:
    assert Context().options(LeadOptions) == LeadOptions()


def test_a_section_of_another_class_is_refused() -> None:
    with pytest.raises(UsageError, match="LeadOptions, not Impostor"):
        context().options(Impostor)


def test_only_the_kind_of_a_device_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.context._gpus", lambda: 4)
    keys = []
    for device in ("cuda", "cuda:3", "auto"):
        given = context(device)
        assert given.device == ("cuda" if device == "auto" else device)
        keys.append(given.freeze())
    assert keys == [{"device": "cuda"}] * 3


def test_auto_is_the_processor_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.context._gpus", lambda: 0)
    given = context("auto")
    assert given.device == "cpu"
    assert given.freeze() == {"device": "cpu"}
    with pytest.raises(MissingError, match="--device cpu"):
        _ = context("cuda").device


def test_a_gpu_too_far_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.context._gpus", lambda: 2)
    with pytest.raises(MissingError, match="sees 2 GPUs"):
        _ = context("cuda:2").device


def test_a_gpu_without_torch_is_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.context._gpus", lambda: 0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"torch is not installed.*\[dense\]"):
        _ = context("cuda").device


def test_everything_can_be_noted_for_a_component_that_reads_nothing() -> None:
    given = context()
    given.use_everything()
    assert set(given.freeze()) == {"language", "seed", "device", "options.lead", "options.data"}

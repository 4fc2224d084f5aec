"""Engines: which is named decides nothing of a run, and what a task meets travels back."""

from __future__ import annotations

import sys

import pytest

from bench.config.run_config import configure
from bench.errors import BenchError, DataError
from bench.harness.engines.ray_cluster import Done, Start, _do
from bench.harness.engines.work import portable_error
from bench.harness.plan import Plan, make_plan
from tests.conftest import Cli
from tests.tiny import Tiny


def plan_of(tiny: Tiny, **options: object) -> Plan:
    return make_plan(configure({"data": tiny.folder, "generators": "lead", "retrievers": "bm25", **options}))


def test_engine_and_parts_are_no_part_of_a_runs_name(tiny: Tiny) -> None:
    on_cluster = plan_of(tiny, engine="ray", set={"run.shards": 4, "run.num_cpus": 0.5, "run.num_gpus": 0})
    assert on_cluster.identity() == plan_of(tiny).identity()


def test_without_ray_the_engine_says_what_to_install(
    cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    command = ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    done = cli(*command, "--engine", "ray")
    assert done.status == 4
    assert "pip install -c constraints.txt -e '.[ray]'" in done.error()


def test_a_cluster_that_does_not_answer_is_named(
    cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    command = ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    done = cli(*command, "--engine", "ray")
    assert done.status == 4
    assert "no Ray cluster answers at RAY_ADDRESS=127.0.0.1:1" in done.error()


def test_a_task_returns_what_it_raised_and_does_not_run_after_a_failed_one(tiny: Tiny) -> None:
    plan = plan_of(tiny)
    start = Start(plan.config, plan.began, plan.process, str(tiny.folder.parent / "elsewhere"), {})

    def fail(plan: Plan, name: str) -> bool:
        raise DataError(f"{name} is damaged") from ValueError("a cause")

    failed = _do(start, fail, ("lead",))
    assert isinstance(failed.error, DataError)
    assert str(failed.error) == "lead is damaged"
    assert failed.error.__cause__ is None
    assert _do(start, lambda plan: pytest.fail("it ran"), (), Done(made=True), failed) is failed


def test_an_error_of_a_plug_in_with_another_constructor_keeps_message_and_exit_status() -> None:
    class PlugInError(DataError):
        def __init__(self, name: str, line: int) -> None:
            super().__init__(f"{name}:{line}")

    error = portable_error(PlugInError("mine", 3))
    assert type(error) is DataError
    assert str(error) == "mine:3"


def test_an_error_that_cannot_be_pickled_is_returned_in_words(tiny: Tiny) -> None:
    class LocalError(Exception):
        """Cannot be pickled: its class has no address."""

    def fail(plan: Plan) -> bool:
        raise LocalError("why")

    plan = plan_of(tiny)
    start = Start(plan.config, plan.began, plan.process, str(tiny.folder.parent / "elsewhere"), {})
    error = _do(start, fail, ()).error
    assert type(error) is BenchError
    assert str(error) == "LocalError: why"

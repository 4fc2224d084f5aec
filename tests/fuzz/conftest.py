"""Fixtures of the fuzzers: a finished run that nobody changes, and an end for a case that hangs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bench.cli.main import main
from tests.fuzz.cases import ENGINE, LONGEST, Finished
from tests.tiny import write_tiny


@pytest.fixture(autouse=True)
def _hang() -> Iterator[None]:
    """Fail a command that hangs: `check` winds the clock up again; no command here needs a second."""

    def fail(*_: object) -> None:
        raise AssertionError("the command hangs")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a dataset, and a folder with a finished run and its regression table; nobody may change them."""
    folder = tmp_path_factory.mktemp("finished")
    tiny = write_tiny(folder / "data")
    assert main(["run", "--data", str(tiny.folder), *ENGINE, "--out", str(folder / "out")]) == 0
    assert main(["check", str(folder / "out"), "--against", str(folder / "base.csv"), "--update"]) == 0
    return tiny, folder

"""A third party's package, installed for the length of a test."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.systems import registry

SOURCE = Path(__file__).parents[1] / "plugin"
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the package is installed: its wheel, unpacked (torch brings setuptools)."""
    work = tmp_path_factory.mktemp("plugin")
    shutil.copytree(SOURCE, work / "source", ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(work)],
        cwd=work / "source", capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(work / built.stdout.splitlines()[-1]) as wheel:
        wheel.extractall(work / "site")
    return work / "site"


@pytest.fixture
def plugin(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the package on the path of this process, for the length of a test."""
    monkeypatch.syspath_prepend(installed)
    forget()
    yield
    forget()


def forget() -> None:
    """Let the registry look again for packages."""
    for known in (registry.entry_points, registry.entries, registry.rivals):
        known.cache_clear()

"""What the packages import is declared, so that a bare machine gets it."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("bench", "generators", "retrievers")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME_EXTRAS = ("cpu", "dense", "fast", "formats", "lucene", "measures", "train", "yake", "zh")
"""Extras of `all`; the absence of what they hold is reported with the command that installs it."""
PREPARE_EXTRAS = ("ocr", "prepare", "prepare-zh")
"""What `bench data prepare` needs and no run does."""

OPTIONAL_IN_TESTS = {"opencc"}
"""Modules of extras that `dev` does not install: `prepare-zh` is 134 MB."""
CLUSTER_EXTRAS = ("ray", "remote")
"""Extras for several machines; no part of `all`."""


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def names(requirements: list[str]) -> set[str]:
    return {plain(requirement.split(">")[0].split("=")[0].split("[")[0]) for requirement in requirements}


def imported(path: Path) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    return roots - set(sys.stdlib_module_names) - set(OURS)


@pytest.mark.parametrize("package", OURS)
def test_every_import_is_declared(package: str) -> None:
    distributions = packages_distributions()
    extras = PROJECT["optional-dependencies"]
    declared = names(PROJECT["dependencies"]).union(
        *(names(extras[extra]) for extra in RUNTIME_EXTRAS + PREPARE_EXTRAS + CLUSTER_EXTRAS)
    )
    for path in sorted((ROOT / package).rglob("*.py")):
        for module in imported(path) - OPTIONAL_IN_TESTS:
            homes = {plain(home) for home in distributions[module]}
            assert homes & declared, f"{path} imports {module}, which pyproject.toml does not declare"


def test_constraints_pin_every_declared_package() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = names([line for line in lines if line and not line.startswith("#")])
    extras = PROJECT["optional-dependencies"].values()
    declared = names(PROJECT["dependencies"]).union(*map(names, extras)) - {"qms-bench"}
    assert declared <= pinned, declared - pinned


def test_all_has_every_extra_that_a_run_can_use() -> None:
    assert PROJECT["optional-dependencies"]["all"] == [f"qms-bench[{','.join(RUNTIME_EXTRAS)}]"]

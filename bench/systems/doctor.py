"""Checks of this machine: installed packages, and what generators and retrievers need."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import Requirement

from bench.errors import BenchError, third_party_errors
from bench.store.environment import installed_versions, requirements
from bench.systems.arithmetic import require_current_folder
from bench.systems.registry import entries, load
from bench.types import Check

EXTRAS = (
    "dense", "fast", "formats", "measures", "ocr", "prepare", "prepare-zh", "ray", "remote", "train", "yake",
    "zh",
)  # fmt: skip
"""The extras whose packages are looked up; Lucene and FAISS have checks of their own."""


def run_checks() -> list[Check]:
    """Check this machine for ``bench doctor``: declared packages, extras, entry points of ``bench.checks``.

    Such an entry point is a function without arguments that returns a list of `Check`.
    Raises MissingError without a current folder.
    """
    require_current_folder()
    checks = [*_check_packages(), *_check_extras()]
    for name in sorted(entries("checks")):
        try:
            with third_party_errors(f"check '{name}' failed"):
                checks.extend(load("checks", name)())
        except BenchError as error:
            checks.append(Check(name, False, str(error)))
    return checks


def _check_packages() -> Iterator[Check]:
    for requirement in requirements():
        fix = f"pip install -c constraints.txt '{requirement}'"
        if problem := _problem(requirement):
            yield Check(requirement.name, False, problem, fix)
        else:
            yield Check(requirement.name, True, installed_versions([requirement.name])[requirement.name])


def _check_extras() -> Iterator[Check]:
    for extra in EXTRAS:
        packages = [
            required
            for required in requirements(extras=(extra,))
            if "extra" in str(required.marker) and required.name != "qms-bench"
        ]
        lacking = [f"{package.name} ({problem})" for package in packages if (problem := _problem(package))]
        fix = f"pip install -c constraints.txt -e '.[{extra}]'" if lacking else ""
        yield Check(f"extra {extra}", not lacking, ", ".join(lacking) or "installed", fix, needed=False)


def _problem(requirement: Requirement) -> str:
    """Say what is wrong with an installed package, "" if it is what is required."""
    version = installed_versions([requirement.name]).get(requirement.name)
    if version is None:
        return "not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{version}, but {requirement.name}{requirement.specifier} is required"
    return ""

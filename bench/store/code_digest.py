"""The digest of the code that makes an artefact: part of its key in the store."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.store.digests import digest, file_digest

MARK = "__cache_neutral__"
"""A module that assigns True to this name is left out of keys.

It is for modules that hand values on and compute nothing of what is made: options, whose values are part of
every key, and the reading and writing of files.
"""

__cache_neutral__ = True


@cache
def code_digest(module: str, folder: Path | None = None) -> str:
    """Digest a module's source and all that it imports from its project, so that changed code has a new key.

    "Its own project" is its top-level package and the three packages of this one, and the modules in
    ``folder``, where a file that is no part of a package has the files that it imports. Imports are read
    from the source, inside functions too; nothing is imported. Modules with `MARK` are left out, and what
    they import.
    """
    return digest(code_sources(module, folder))


@cache
def packages_digest(names: tuple[str, ...]) -> str:
    """Digest every file of these packages, for what is made by much of them, templates and texts included."""
    specs = map(importlib.util.find_spec, names)
    roots = [Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()]
    files = [(root, path) for root in roots for path in sorted(root.rglob("*")) if path.is_file()]
    return digest(
        [
            [root.name, path.relative_to(root).as_posix(), file_digest(path)]
            for root, path in files
            if "__pycache__" not in path.parts
        ]
    )


def code_sources(module: str, folder: Path | None = None) -> dict[str, str]:
    """List the name and digest of every module that enters a module's `code_digest`."""
    roots = {module.partition(".")[0], "bench", "generators", "retrievers"}
    if folder is not None:
        roots |= {path.stem for path in folder.glob("*.py")}
        roots |= {path.parent.name for path in folder.glob("*/__init__.py")}
    sources: dict[str, str] = {}
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = source_of(name)
        if path is None:
            continue
        source = _read_source(path, name, path.stat().st_mtime_ns)
        if not source.is_neutral:
            sources[name] = source.digest
            waiting.extend(n for n in source.imports if n.partition(".")[0] in roots)
    return sources


def imported_packages(module: str, folder: Path | None = None) -> set[str]:
    """List the top-level packages that a module and all that enters its `code_digest` import."""
    paths = {name: source_of(name) for name in code_sources(module, folder)}
    sources = [_read_source(path, name, path.stat().st_mtime_ns) for name, path in paths.items() if path]
    return {imported.partition(".")[0] for source in sources for imported in source.imports}


@dataclass(frozen=True, slots=True)
class _Source:
    """What a source file says: its digest, whether it has the mark, and what it imports."""

    digest: str
    is_neutral: bool
    imports: frozenset[str]


@cache
def _read_source(path: Path, module: str, changed_at: int) -> _Source:
    """Read a module's file, once for all digests that it is part of as long as nobody changes it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return _Source(file_digest(path), _has_mark(tree), frozenset(_imports(tree, path, module)))


def _has_mark(tree: ast.Module) -> bool:
    """Check whether a source file has ``__cache_neutral__ = True`` at its top level."""
    return any(
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == MARK for target in node.targets)
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
        for node in tree.body
    )


def source_of(module: str) -> Path | None:
    """Locate a module's source file without importing it or its parents; None if there is none."""
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


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below a node: imports are statements, most of what `ast.walk` yields is not."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for below in getattr(node, name, ()):
            yield below
            yield from _statements(below)


def _imports(tree: ast.Module, path: Path, module: str) -> set[str]:
    names: set[str] = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names.add(base)
            # "from package import module": a name may itself be a module
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names

"""The registry: names of systems, datasets and options become objects; each is imported on first use."""

from __future__ import annotations

import ast
import fnmatch
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from bench.errors import BenchError, MissingError, UsageError, shorten, third_party_errors, unknown
from bench.options import Section
from bench.store.code_digest import source_of
from bench.systems.extras import missing_extra

FILE_PREFIX = "file:"
"""A generator named ``file:PATH`` reads summaries from a file (contract section 3)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of ``bench list``: a name, the package that it comes from, and its description."""

    name: str
    source: str
    summary: str


@cache
def entry_points() -> Any:
    """Read the metadata of all installed packages, which takes 50 ms: once for all groups.

    What is returned selects by group; its type changed in Python 3.12.
    """
    return importlib.metadata.entry_points()


@cache
def entries(group: str) -> Mapping[str, importlib.metadata.EntryPoint]:
    """Find the entry points of ``bench.<group>`` by name; the built-in wins over a plug-in's (`rivals`)."""
    points: dict[str, importlib.metadata.EntryPoint] = {}
    for point in entry_points().select(group=f"bench.{group}"):
        if point.name not in points or _distribution(point) == "qms-bench":
            points[point.name] = point
    return points


@cache
def rivals(group: str) -> Mapping[str, Sequence[str]]:
    """Find the names of a group that several packages claim, with the claimants as ``package (value)``."""
    claims: dict[str, dict[str, None]] = {}
    for point in entry_points().select(group=f"bench.{group}"):
        claims.setdefault(point.name, {})[_origin(point)] = None
    return {name: list(claimants) for name, claimants in claims.items() if len(claimants) > 1}


def listing(group: str) -> list[Listing]:
    """Describe each name of a group in a line, in name order, without importing any of them."""
    return [_describe(group, name, point) for name, point in sorted(entries(group).items())]


def _describe(group: str, name: str, point: importlib.metadata.EntryPoint) -> Listing:
    summary = _first_sentence(point.value)
    if claimants := rivals(group).get(name):
        ignored = [claimant for claimant in claimants if claimant != _origin(point)]
        state = (
            f"{', '.join(ignored)} claims this name, too" if not is_plug_in(point) else _conflict(claimants)
        )
        summary = f"{summary} ({state})".strip()
    return Listing(name, _origin(point), summary)


def _conflict(claimants: Sequence[str]) -> str:
    return f"claimed by {' and '.join(claimants)}; uninstall all but one"


def load(group: str, name: str) -> Any:
    """Import and return the object of a name.

    Raises UsageError for an unknown name, MissingError when its module cannot be imported and when several
    packages claim it.
    """
    point = entries(group).get(name)
    if point is None:
        raise unknown(group.rstrip("s"), name, entries(group))
    if is_plug_in(point) and (claimants := rivals(group).get(name)):
        raise MissingError(f"{group.rstrip('s')} '{name}' is {_conflict(claimants)}, or leave the name out.")
    what = f"{group.rstrip('s')} '{name}' from {_distribution(point)} ({point.value}) does not load"
    advice = "Fix or uninstall that package, or leave the name out."
    with third_party_errors(what, MissingError, advice=advice):
        try:
            return point.load()
        except ImportError as error:
            extra = None if is_plug_in(point) else missing_extra(group, name, error)
            if extra is None:
                raise
            raise extra from error


def resolve(group: str, wanted: Sequence[str]) -> list[str]:
    """Expand a list of names, globs and groups to names, in order, each once.

    Raises UsageError for a name, glob or group that matches nothing.
    """
    known = entries(group)
    groups = entries(f"{group.rstrip('s')}_groups")
    names: list[str] = []
    for word in wanted:
        if ":" in word:  # a file of summaries, or a class that no package registers
            names.append(word)
        elif word in groups:
            names.extend(name for name in members(group, word) if name in known)
        elif word in known:
            names.append(word)
        else:
            matched = [name for name in known if fnmatch.fnmatchcase(name, word)]
            if not matched:
                raise _no_match(group, word, wanted, [*known, *groups])
            names.extend(sorted(matched))
    if not names:
        raise UsageError(f"no {group.rstrip('s')} is named. Known: {', '.join(sorted(known))}.")
    return list(dict.fromkeys(names))


def _no_match(group: str, word: str, wanted: Sequence[str], known: Sequence[str]) -> UsageError:
    """Build the error for an unknown word, which may be a file, or the rest of a name with a comma."""
    if group == "generators" and _is_file(word):
        return UsageError(f"unknown generator {shorten(word)}. For the summaries in that file: file:{word}.")
    files = [w.removeprefix(FILE_PREFIX) for w in wanted if w.startswith(FILE_PREFIX)]
    cut = [file for file in files if _is_file(f"{file},{word}")]
    hint = f" A comma separates names: give the file '{cut[0]},{word}' a name without one." if cut else ""
    return UsageError(f"{unknown(group.rstrip('s'), word, known)}{hint}")


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, RuntimeError):  # too long for a file; of no user
        return False


def members(group: str, name: str) -> Sequence[str]:
    """List the members of a group such as ``all``; raises BenchError."""
    names: Sequence[str] = load(f"{group.rstrip('s')}_groups", name)
    return names


def cell_name(word: str) -> str:
    """Name a system in files and scores: the stem for ``file:PATH``, the class for ``module:Class``."""
    if word.startswith(FILE_PREFIX):
        return Path(word.removeprefix(FILE_PREFIX)).stem
    return word.rpartition(":")[2].rpartition(".")[2] if ":" in word else word


def declared_packages(module: str) -> Sequence[str]:
    """List the distributions that the systems of a module's top-level package compute with.

    They are an entry point of ``bench.packages``, a tuple of names, under the name of that package.
    """
    top = module.partition(".")[0]
    names: Sequence[str] = load("packages", top) if top in entries("packages") else ()
    return names


def is_plug_in(point: importlib.metadata.EntryPoint | None) -> bool:
    """Check whether a system comes from another distribution than this one."""
    return point is not None and _distribution(point) != "qms-bench"


def packages_of_plug_in(point: importlib.metadata.EntryPoint | None) -> Sequence[str]:
    """List a plug-in's distribution and all that it requires; empty for built-in systems."""
    if point is None or point.dist is None or not is_plug_in(point):
        return ()
    required = [Requirement(line) for line in point.dist.requires or ()]
    here = [r.name for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [point.dist.name, *(name for name in here if name != "qms-bench")]


def option_sections() -> dict[str, type[Section]]:
    """Load every section of options by name; an invalid one of a plug-in is reported and left out."""
    sections: dict[str, type[Section]] = {}
    for name in entries("options"):
        try:
            sections[name] = _section(name)
        except BenchError as error:  # one plug-in's mistake does not stop the others
            print(f"bench: {error}", file=sys.stderr)
    return sections


def _section(name: str) -> type[Section]:
    kind = load("options", name)
    if not (isinstance(kind, type) and issubclass(kind, Section) and kind.section == name):
        raise UsageError(
            f"options '{name}' from {_distribution(entries('options')[name])} is not a "
            f"bench.options.Section whose section is '{name}'; its options are left out."
        )
    return kind


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return f"{_distribution(point)} ({point.value})"


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    return _name_of(point.dist) if point.dist is not None else "unknown distribution"


@cache
def _name_of(distribution: importlib.metadata.Distribution) -> str:
    return distribution.name  # reads the whole of its METADATA


@cache
def _first_sentence(value: str) -> str:
    """Read the first docstring line of ``module:object`` from its file, not by import; citations are cut."""
    module, _, attribute = value.partition(":")
    path = source_of(module)
    if path is None:
        return "does not load: its module is not found"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        return f"does not load: {type(error).__name__}: {error}"
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == attribute:
            return (ast.get_docstring(node) or "").partition("\n")[0].partition(" Source: ")[0]
    return ""

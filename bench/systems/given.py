"""Systems that no package registers: ``file.py:Class``, ``module:Class``, classes and objects of a notebook.

The command line and `bench.run` know them by a word. That of an object of this process is ``object:Name``;
what it makes is reused by no other process unless its code and its ``identity()`` say all that decides it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import itertools
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import MissingError, UsageError, third_party_errors, unknown
from bench.options import listed, split_list
from bench.store.code_digest import code_digest, imported_packages, source_of
from bench.store.environment import installed_versions
from bench.systems.registry import FILE_PREFIX, entries

OBJECT_PREFIX = "object:"
"""A system named ``object:NAME`` is a class or an object of this process."""
_OBJECTS: dict[tuple[str, str], tuple[Any, int]] = {}
"""Classes and objects by group and word, each with a number: one that is passed again has another."""
_numbers = itertools.count(1)
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, eq=False)
class GivenSystem:
    """A class, function or object, and what is known of its code."""

    value: Any
    word: str
    module: str
    number: int = 0
    """Distinguishes objects of this process; 0 for what is read from a file or a module."""

    @property
    def is_object(self) -> bool:
        """Check whether the system is built already: no constructor is to be called."""
        return not isinstance(self.value, type) and _has_methods(self.value)

    @property
    def has_source(self) -> bool:
        """Check whether there is a file with the code, so that a change of it is noticed.

        A class that was typed in may call itself one of ``__main__`` while that is a file: it is not in it.
        """
        if self.module == "__main__":
            kind = self.value if hasattr(self.value, "__qualname__") else type(self.value)
            if getattr(sys.modules["__main__"], kind.__qualname__, None) is not kind:
                return False
        return source_of(self.module) is not None

    def code(self) -> str:
        """Digest the code: of a file beside others, with what it imports of them."""
        return code_digest(self.module, self._folder)

    def versions(self) -> dict[str, str]:
        """Look up the version of each package that the code imports, as its distribution or itself says."""
        tops = imported_packages(self.module, self._folder) - {"bench", "generators", "retrievers"}
        stated = {top: getattr(sys.modules.get(top), "__version__", None) for top in sorted(tops)}
        return {**{top: v for top, v in stated.items() if isinstance(v, str)}, **installed_versions(tops)}

    @property
    def _folder(self) -> Path | None:
        path = source_of(self.module)
        if path is None or path.name == "__init__.py" or _INSTALLED & set(path.parts):
            return None
        return path.parent


def is_given(word: str) -> bool:
    """Check whether a word names a class or an object, and nothing that a package registers."""
    return ":" in word and not word.startswith(FILE_PREFIX)


def words_of(group: str, given: Any) -> Any:
    """Turn what a user gives as generators or retrievers into words; what is no system stays as it is.

    Classes and objects are registered, those of one name with a number: ``Lead``, ``Lead-2``.
    """
    if isinstance(given, str):
        return split_list(given)
    items = given if _is_system(given) else listed(given)
    items = items if isinstance(items, list) else [items]
    counts: Counter[str] = Counter()
    return [_word_of(group, item, counts) if _is_system(item) else item for item in items]


def load_given(group: str, word: str) -> GivenSystem:
    """Import or look up what a word names; a file is read again by every call.

    Raises UsageError where it is unknown, MissingError where it cannot be imported.
    """
    place, _, attribute = word.rpartition(":")
    if word.startswith(OBJECT_PREFIX):
        if (group, word) not in _OBJECTS:
            raise UsageError(
                f"'{attribute}' was an object of another process, which has ended. Pass it to bench.run "
                "again, or put its class into a file and name it: file.py:Class."
            )
        value, number = _OBJECTS[group, word]
        owner = value if isinstance(value, type) or not _has_methods(value) else type(value)
        return GivenSystem(value, word, owner.__module__, number)
    what = f"{group.rstrip('s')} '{word}'"
    module = _load_file(Path(place).expanduser(), what) if place.endswith(".py") else _load(place, what)
    try:
        value = functools.reduce(getattr, attribute.split("."), module)
    except AttributeError:
        defined = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
        raise unknown(f"class in {place}:", attribute, defined) from None
    return GivenSystem(value, word, module.__name__)


def check_word(group: str, word: str) -> None:
    """Raise UsageError for a file without the name of a class, with the classes that it has."""
    if not word.endswith(".py") or not Path(word).expanduser().is_file():
        return
    what = f"{group.rstrip('s')} '{word}'"
    with third_party_errors(f"{what} does not load", MissingError):
        tree = ast.parse(Path(word).expanduser().read_bytes())
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)] or ["Class"]
    raise UsageError(f"{what}: name a class of it: {' or '.join(f'{word}:{n}' for n in names)}.")


def _is_system(value: Any) -> bool:
    return callable(value) or _has_methods(value)


def _has_methods(value: Any) -> bool:
    return any(hasattr(value, name) for name in ("summarize", "search", "label"))


def _word_of(group: str, value: Any, counts: Counter[str]) -> str:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(name, str) and isinstance(module, str) and _is_importable(module, name, value):
        word = f"{module}:{name}"
        return next((n for n, point in entries(group).items() if point.value == word), word)
    name = getattr(value, "__name__", None) or type(value).__name__
    name = re.sub(r"\W+", "_", str(name)).strip("_") or "system"
    counts[name] += 1
    word = f"{OBJECT_PREFIX}{name}{f'-{counts[name]}' if counts[name] > 1 else ''}"
    _OBJECTS[group, word] = (value, next(_numbers))
    return word


def _is_importable(module: str, name: str, value: Any) -> bool:
    """Check whether another process gets the same class or function by importing its module."""
    if module == "__main__" or source_of(module) is None or "<" in name:
        return False
    try:
        return functools.reduce(getattr, name.split("."), sys.modules[module]) is value
    except (AttributeError, KeyError):
        return False


def _load(name: str, what: str) -> ModuleType:
    _make_importable(Path.cwd())
    missing = UsageError(
        f"{what}: there is no module '{name}'. Name an installed system (bench list), file.py:Class or "
        "module:Class."
    )
    if not name or name.startswith("."):
        raise missing
    with third_party_errors(f"{what} does not load", MissingError):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):  # the module lacks another one
                raise
            raise missing from error


def _load_file(path: Path, what: str) -> ModuleType:
    """Run a file as a module, once for each content: what is digested is what runs, also after an edit."""
    if not path.is_file():
        raise UsageError(f"{what}: there is no file {path}.")
    source = path.read_bytes()
    stem = re.sub(r"\W+", "_", path.stem)
    name = f"{stem}_{hashlib.sha256(source).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    _make_importable(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        with third_party_errors(f"{what} does not load", MissingError):
            exec(compile(source, path.resolve(), "exec"), vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _make_importable(folder: Path) -> None:
    """Let modules of a folder be imported, after all others: none of them hides an installed package."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

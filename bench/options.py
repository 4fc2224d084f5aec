"""Options: typed sections, one per component, that ``--set section.key=value`` can reach.

A section is a frozen dataclass. Its annotations say what a value may be: ``bool``, ``int``, ``float``,
``str``, a ``Literal`` of choices, each ``| None`` perhaps, with a range as ``Annotated[int, Ge(1)]``.
Pydantic checks them, and is imported when the first value is checked.
"""

from __future__ import annotations

import dataclasses
import numbers
import os
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from annotated_types import Ge, Interval

from bench.errors import UsageError, shorten, suggestions

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__cache_neutral__ = True

LARGEST_INTEGER = 2**31 - 1
"""Limit of counts, so that arrays and Java can hold them."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_WORD = re.compile(r"(?:\([^()]*\)|[^,])+")

Count: TypeAlias = Annotated[int, Interval(ge=1, le=LARGEST_INTEGER)]
CountOrZero: TypeAlias = Annotated[int, Interval(ge=0, le=LARGEST_INTEGER)]
NonNegative: TypeAlias = Annotated[float, Ge(0)]
Share: TypeAlias = Annotated[float, Interval(ge=0, le=1)]
ShareBelowOne: TypeAlias = Annotated[float, Interval(ge=0, lt=1)]
Seed: TypeAlias = Annotated[int, Interval(ge=0, le=2**32 - 1)]  # what NumPy takes


@dataclass(frozen=True)
class Section:
    """Base of a section: a frozen dataclass whose fields are the keys, with defaults.

    ``section`` is the part before the dot. A string after a field is its documentation: meaning and
    source. Register the class as an entry point of the group ``bench.options``; keep its module free of
    heavy imports, because every command reads it. A rule about two fields goes into ``__post_init__``,
    which raises ValueError.
    """

    section: ClassVar[str]


@dataclass(frozen=True)
class Arguments(Section):
    """Base of a section that is made from the parameters of a plug-in's constructor."""


@dataclass(frozen=True)
class Allowed:
    """Describes, as metadata of an annotation, which values it allows where the type alone cannot."""

    text: str


def split_list(*texts: str) -> list[str]:
    """Split comma-separated lists into words; commas in brackets belong to the word.

    So a measure of ir_measures such as ``nDCG(dcg='exp-log2',judged_only=True)@10`` is one word.
    """
    return [word.strip() for text in texts for word in _WORD.findall(text) if word.strip()]


def listed(value: Any) -> Any:
    """Take the items of any collection that has an order, also of one that can be read once."""
    alone = isinstance(value, (str, bytes, Mapping, set, frozenset)) or getattr(value, "shape", 1) == ()
    return list(value) if isinstance(value, Iterable) and not alone else value


def build_sections(kinds: Mapping[str, type[Section]], values: Mapping[str, Any]) -> dict[str, Section]:
    """Build every section of options with the given ``section.key`` values in place of its defaults.

    Raises UsageError for an unknown key (with near ones) and for a value that the field does not allow.
    """
    known = [f"{name}.{field}" for name, kind in kinds.items() for field in field_names(kind)]
    changes: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    for key, value in values.items():
        if key not in known:
            raise _unknown_key(key, known)
        name, _, field = key.partition(".")
        changes[name][field] = convert(kinds[name], field, value, key)
    try:
        return {name: kind(**changes[name]) for name, kind in kinds.items()}
    except ValueError as error:  # a section checks in __post_init__ what depends on several fields
        raise UsageError(str(error)) from error


def field_names(kind: type) -> list[str]:
    """List the names of a dataclass's fields."""
    return [field.name for field in dataclasses.fields(kind)]


def convert(kind: type, field: str, value: Any, key: str) -> Any:
    """Convert a value, text perhaps, to the type of a dataclass's field; raises UsageError naming ``key``."""
    return parse_value(key, value, _hints(kind)[field])


def parse_value(key: str, value: Any, hint: Any, read: Callable[[Any], Any] | None = None) -> Any:
    """Parse a value of an annotated type. Text is read as it: ``"3"`` as a number, ``"none"`` as None.

    ``read`` comes first: it splits a comma-separated text, for instance. Paths have ``~`` replaced by the
    home folder. Raises UsageError: the option, its value, what is allowed.
    """
    try:
        normalized = _normalize(read(value) if read else value, optional=_is_optional(hint))
        if isinstance(normalized, str) and Path in (hint, *get_args(hint)):
            normalized = expand_home(normalized)
        normalized = _choices(hint).get(normalized, normalized) if isinstance(normalized, str) else normalized
        parsed = _adapter(hint).validate_python(normalized)
        _check_digits(normalized, parsed)
        return parsed
    except ValueError as error:  # pydantic's ValidationError is one
        near = suggestions(value, [*_choices(hint)], limit=1) if isinstance(value, str) else []
        hint_text = f" Did you mean {near[0]}?" if near else ""
        if isinstance(value, str) and _NOT_TEXT.search(value):
            hint_text = " It is not UTF-8; rename a file or folder that is called so."
        raise UsageError(
            f"option {key}={shorten(value)} is not allowed: expected {describe_type(hint)}.{hint_text}"
        ) from error


def plain_number(text: str) -> str:
    """Pass the text of a number through; raises ValueError for 1_000 and other digits than ASCII's.

    Python's ``int`` and ``float`` take both, and no other reader of the same file or option does.
    """
    if not text.isascii() or "_" in text:
        raise ValueError(f"{shorten(text)} is not a number in the digits 0 to 9")
    return text


def check_fields(section: Any) -> None:
    """Raise UsageError for a field of a dataclass whose value its annotation does not allow."""
    for name in field_names(type(section)):
        convert(type(section), name, getattr(section, name), name)


def assignments(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Parse ``key=value`` strings to a mapping; a mapping is passed through. Raises UsageError."""
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise UsageError(f"set: options as key=value are expected, not {shorten(given)}.")
    values: dict[str, Any] = {}
    for text in [given] if isinstance(given, str) else given:
        key, sign, value = str(text).partition("=")
        if not sign or not key.strip():
            raise UsageError(f"--set {shorten(text)} is not of the form key=value, such as bm25.k1=1.2.")
        values[key.strip()] = value.strip()
    return values


def flatten(sections: Mapping[str, Section]) -> dict[str, Any]:
    """List ``{"section.key": value}`` for every key, defaults too; a path is its text."""
    return {
        f"{name}.{field}": str(value) if isinstance(value := getattr(section, field), Path) else value
        for name, section in sections.items()
        for field in field_names(type(section))
    }


def describe_type(hint: Any) -> str:
    """Describe in words which values an annotated type allows."""
    metadata: list[Any] = []
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        metadata += more
    if texts := [one.text for one in metadata if isinstance(one, Allowed)]:
        return str(texts[-1])
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(describe_type(kind) for kind in get_args(hint))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(format_value, get_args(hint)))}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a path"}
    name = "none" if hint is type(None) else words.get(hint, getattr(hint, "__name__", str(hint)))
    return " ".join([name, *_limits(metadata)])


def format_value(value: Any) -> str:
    """Write a value as one types it after ``--set key=``."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if value == LARGEST_INTEGER:
        return "2^31-1"
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))


def _normalize(value: Any, *, optional: bool) -> Any:
    """Normalize a scalar to the text that a user would type, so that all sources of options agree.

    Otherwise true would pass for a whole number in a YAML file and not after ``--set``. Raises ValueError.
    """
    if isinstance(value, (bool, numbers.Real, os.PathLike)):  # numbers of numpy, too
        one = os.fspath(value) if isinstance(value, os.PathLike) else value
        value = format_value(one) if isinstance(one, bool) else str(one)
    if isinstance(value, (list, tuple)):
        return [
            item if isinstance(item, (list, tuple)) else _normalize(item, optional=False) for item in value
        ]
    if not isinstance(value, str):
        return value
    if optional and value.lower() in ("none", "null"):
        return None
    if _NOT_TEXT.search(value):
        raise ValueError("a text cannot hold NUL or half of a surrogate pair")
    return value


def _check_digits(text: Any, parsed: Any) -> None:
    if isinstance(text, (list, tuple)) and isinstance(parsed, tuple):
        for one, value in zip(text, parsed, strict=True):
            _check_digits(one, value)
    elif isinstance(text, str) and isinstance(parsed, (int, float)):
        plain_number(text)


def expand_home(text: str | os.PathLike[str]) -> Path:
    """Expand ``~`` at the start of a path given by a user to the home folder. Raises UsageError.

    A folder that is called ``~`` is given as ``./~``; it becomes absolute, because some libraries would take
    the relative path for the home folder, and read another folder than was written. An address such as
    ``s3://bucket/store`` is refused: it would silently become a folder ``s3:`` here.
    """
    path = Path(text)
    if _ADDRESS.match(os.fspath(text)):
        raise UsageError(
            f"{shorten(os.fspath(text))} is an address, and bench reads and writes files of a file system. "
            "Mount it, or copy it, and name the folder."
        )
    if not os.fspath(text).startswith("~"):
        return path.absolute() if str(path).startswith("~") else path
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: the home folder is unknown. Set HOME, or write the whole path.") from error


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _choices(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Literal:
        return {format_value(value): value for value in get_args(hint)}
    return {text: one for kind in get_args(hint) if get_origin(kind) for text, one in _choices(kind).items()}


def _limits(metadata: Iterable[Any]) -> Iterator[str]:
    """Yield a range in words: "from 0 to 1", "of at least 1", "divisible by 2"."""
    words = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
    words["multiple_of"] = "divisible by"
    limits = ((name, getattr(one, name, None)) for one in metadata for name in words)
    bounds = {name: limit for name, limit in limits if limit is not None}
    if {"ge", "le"} <= bounds.keys():
        yield f"from {format_value(bounds.pop('ge'))} to {format_value(bounds.pop('le'))}"
    texts = [f"{word} {format_value(bounds[name])}" for name, word in words.items() if name in bounds]
    if texts:
        yield " and ".join(texts)


def _unknown_key(key: str, known: Sequence[str]) -> UsageError:
    near = suggestions(key, known)
    help_text = f"Did you mean {' or '.join(near)}? " if near else ""
    return UsageError(f"unknown option {shorten(key)}. {help_text}All options: bench list options.")

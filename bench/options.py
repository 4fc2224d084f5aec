"""Options: typed sections, one per component, that ``--set section.key=value`` can reach."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from bench.errors import UsageError, unknown


@dataclass(frozen=True)
class Section:
    """Be the base of a section: a frozen dataclass whose fields are the keys, with defaults.

    ``section`` is the part before the dot. Register the class as an entry point of the group
    ``bench.options``; keep its module free of heavy imports, because every command reads it.
    Field types may be ``bool``, ``int``, ``float``, ``str`` or one of these ``| None``.
    """

    section: ClassVar[str]


def build_sections(kinds: Mapping[str, type[Section]], values: Mapping[str, Any]) -> dict[str, Section]:
    """Return every section with the given ``section.key`` values in place of its defaults.

    Raises UsageError for an unknown key (with near ones) and for a value of the wrong type.
    """
    known = [f"{name}.{field}" for name, kind in kinds.items() for field in field_names(kind)]
    changes: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    for key, value in values.items():
        if key not in known:
            raise unknown("option", key, known)
        name, _, field = key.partition(".")
        changes[name][field] = convert(kinds[name], field, value, key)
    try:
        return {name: kind(**changes[name]) for name, kind in kinds.items()}
    except ValueError as error:  # a section may check its values in __post_init__
        raise UsageError(str(error)) from error


def field_names(kind: type) -> list[str]:
    """Return the names of a dataclass's fields."""
    return [field.name for field in dataclasses.fields(kind)]


def convert(kind: type, field: str, value: Any, key: str) -> Any:
    """Return a value, text perhaps, as the type of a dataclass's field; raises UsageError naming ``key``."""
    return _convert(key, value, get_type_hints(kind)[field])


def assignments(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return ``{key: value}`` of ``key=value`` strings, or of a mapping as it is. Raises UsageError."""
    if isinstance(given, Mapping):
        return dict(given)
    values: dict[str, Any] = {}
    for text in [given] if isinstance(given, str) else given:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise UsageError(f"--set {text!r} is not of the form key=value, such as bm25.k1=1.2.")
        values[key.strip()] = value.strip()
    return values


def flatten(sections: Mapping[str, Section]) -> dict[str, Any]:
    """Return ``{"section.key": value}`` for every key, defaults too."""
    return {
        f"{name}.{field.name}": getattr(section, field.name)
        for name, section in sections.items()
        for field in dataclasses.fields(section)
    }


def _convert(key: str, value: Any, annotation: Any) -> Any:
    kinds = get_args(annotation) if _is_union(annotation) else (annotation,)
    if value is None or (isinstance(value, str) and value.lower() in ("none", "null")):
        if type(None) in kinds:
            return None
        raise _wrong(key, value, annotation)
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _parse(value, kind)
        except ValueError:
            continue
    raise _wrong(key, value, annotation)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _parse(value: Any, kind: type) -> Any:
    if not isinstance(value, (bool, int, float, str)):
        raise ValueError(value)
    if kind is bool:
        truth = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if str(value).lower() not in truth:
            raise ValueError(value)
        return truth[str(value).lower()]
    if kind is int and isinstance(value, (bool, float)):
        raise ValueError(value)
    if kind is float and isinstance(value, bool):
        raise ValueError(value)
    return kind(value)


def _wrong(key: str, value: Any, annotation: Any) -> UsageError:
    wanted = getattr(annotation, "__name__", None) or str(annotation)
    return UsageError(f"option {key}={value!r} is not a value of type {wanted}.")

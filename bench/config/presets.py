"""Options in YAML: the presets, and the files that ``--config`` names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from bench.errors import UsageError, shorten, unknown

LONGEST_FILE = 1_000_000
"""Limit in bytes of a file of options; a longer one is refused."""


def preset_names() -> list[str]:
    """List the presets that ``--preset`` accepts."""
    return sorted(p.name.removesuffix(".yaml") for p in _files() if p.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """Read a preset's YAML text. Raises UsageError for an unknown name."""
    for path in _files():
        if path.name == f"{name}.yaml":
            return str(path.read_text(encoding="utf-8"))
    raise unknown("preset", name, preset_names())


@cache
def preset_values(name: str) -> Mapping[str, Any]:
    """Read the ``section.key`` values that a preset sets. Raises UsageError for an unknown name."""
    return flatten_sections(_parse(preset_text(name), f"preset {name}"), f"preset {name}")


def read_options(path: Path) -> dict[str, Any]:
    """Read a YAML file of options as a mapping. Raises UsageError with the line."""
    try:
        with path.open(encoding="utf-8-sig") as stream:  # perhaps a pipe, or a device that never ends
            text = stream.read(LONGEST_FILE + 1)
    except (OSError, ValueError) as error:  # an encoding that is no UTF-8 is a ValueError
        reason = (isinstance(error, OSError) and error.strerror) or error  # without "[Errno 2]" and the path
        raise UsageError(f"--config {path} cannot be read: {reason}.") from error
    if len(text) > LONGEST_FILE:
        raise UsageError(f"--config {path}: a file of options is shorter than {LONGEST_FILE:,} characters.")
    return _parse(text, str(path))


def flatten_sections(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Turn ``{"bm25": {"k1": 1}}`` into ``{"bm25.k1": 1}``; flat keys stay.

    Raises UsageError for a key that is given in both forms.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = {f"{key}.{name}": v for name, v in value.items()} if isinstance(value, dict) else {key: value}
        for name in inner:
            if name in flat:
                raise UsageError(f"{place}: the option {shorten(name)} is given twice.")
        flat |= inner
    return flat


def _files() -> list[Any]:
    return list((resources.files("bench.config") / "preset_files").iterdir())


def _parse(text: str, place: str) -> dict[str, Any]:
    import yaml

    from bench.config.yaml_loader import OptionsLoader

    try:
        content = yaml.load(text, Loader=OptionsLoader) or {}
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{place}{line}: not a file of options: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UsageError(f"{place}: not a file of options: {reason[:200]}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{place}: expected a mapping of options to values, such as 'bm25.k1: 1.2'.")
    return {str(key): value for key, value in content.items()}

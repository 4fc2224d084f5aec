"""The folder of a saved model: settings, model card, and the weights in one safetensors file.

Equal weights give equal bytes; tied ones are stored once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import DataError
from bench.options import Section
from bench.types import Json

if TYPE_CHECKING:
    from torch import nn

FORMAT = {"format": "qms-bench neural generator", "version": 1}
"""First entries of a saved model's config.json, by which `read_config` recognises it."""


def write_config(folder: Path, row: str, config: Mapping[str, Json]) -> None:
    """Write the settings of a row's model as config.json."""
    text = json.dumps({**FORMAT, "row": row, **config}, indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(f"{text}\n", encoding="utf-8")


def read_config(folder: Path, row: str) -> dict[str, Any]:
    """Read the settings that `write_config` wrote for a row.

    Raises DataError for a folder of another kind, row or version.
    """
    path = folder / "config.json"
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as the settings of a saved model: {error}") from error
    if not isinstance(config, dict):
        raise DataError(f"{path} holds no JSON object, so it is not the settings of a saved model.")
    actual = {key: config.get(key) for key in (*FORMAT, "row")}
    expected = FORMAT | {"row": row}
    if actual != expected:
        raise DataError(
            f"{path} describes {actual}, but this row needs {expected}. "
            "Train it again, or name the right folder."
        )
    return {name: value for name, value in config.items() if name not in expected}


def write_card(
    folder: Path,
    label: str,
    config: Mapping[str, Json],
    choice: str,
    *,
    notes: Mapping[str, str],
    sections: Sequence[Section],
) -> None:
    """Write README.md for whoever finds the model: data, options, module and score.

    ``choice`` says which epoch was kept by which score; it is empty where nothing was measured.
    """
    score = choice or "not measured: no validation"
    lines = [
        f"# {label}",
        "",
        "Written by `bench run`: a generator that writes a query-like summary of a video.",
        "",
    ]
    lines += [f"* score: {score}", f"* data: {json.dumps(config.get('trained_on', {}), ensure_ascii=False)}"]
    lines += [f"* {name}: {value}" for name, value in notes.items()]
    lines += ["", "## Options", ""]
    for section in sections:
        values = dataclasses.asdict(section).items()
        lines.append(f"* {section.section}: " + ", ".join(f"{key}={value}" for key, value in values))
    lines += ["", "## Module", "", "```json", json.dumps(config, indent=2, ensure_ascii=False), "```", ""]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a module's weights as safetensors, without pickle."""
    from safetensors.torch import save_file

    state, saved = {}, set()
    for name, weight in module.state_dict().items():
        if weight.data_ptr() not in saved or not weight.numel():
            saved.add(weight.data_ptr())
            state[name] = weight.contiguous()
    save_file(state, str(path), metadata={"format": "pt"})


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights that `save_weights` wrote into a module of the same shape.

    Raises DataError when some are missing or of another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        missing, unexpected = module.load_state_dict(load_file(str(path)), strict=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(f"{path} cannot be read as the weights of this model: {error}") from error
    places = {name: weight.data_ptr() for name, weight in module.state_dict().items()}
    loaded = {place for name, place in places.items() if name not in missing}
    # a tied weight is loaded by its other name
    lost = [name for name in missing if places[name] not in loaded]
    if lost or unexpected:
        raise DataError(
            f"{path} holds the weights of another model: missing {lost[:3]}, unknown {unexpected[:3]}."
        )


def write_log(log: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write a training log, one JSON object a line."""
    lines = [json.dumps(entry, sort_keys=True, allow_nan=False) for entry in log]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

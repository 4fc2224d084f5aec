"""The weights of a module in one safetensors file: equal weights give equal bytes, tied ones once."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from bench.errors import DataError


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a module's weights as safetensors, without pickle."""
    state, seen = {}, set()
    for name, weight in module.state_dict().items():
        if weight.data_ptr() not in seen or not weight.numel():
            seen.add(weight.data_ptr())
            state[name] = weight.contiguous()
    save_file(state, str(path), metadata={"format": "pt"})


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights that `save_weights` wrote into a module of the same shape.

    Raises DataError when they are not all there, or are others.
    """
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

"""The map from the paper to the code, in the docstring of `generators.qms`, names what exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import generators.qms

LINES = re.findall(r"^(eq\.|III|IV).*  ([\w/]+)\.py: (\S+)$", generators.qms.__doc__ or "", re.MULTILINE)


def test_every_file_and_function_of_the_map_exists() -> None:
    folder = Path(str(generators.qms.__file__)).parent
    for _, module, path in LINES:
        assert (folder / f"{module}.py").is_file(), module
        place: object = importlib.import_module("generators.qms." + module.replace("/", "."))
        for name in path.split("."):
            place = getattr(place, name)


def test_every_equation_of_the_paper_is_in_the_map() -> None:
    named = re.findall(r"^eq\. ([\d, ]+)", generators.qms.__doc__ or "", re.MULTILINE)
    assert {int(number) for numbers in named for number in numbers.split(", ")} == set(range(1, 19))
    assert len(LINES) > 20

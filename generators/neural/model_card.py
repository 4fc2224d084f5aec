"""The model card of a saved model: data, options and score, as markdown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from bench.options import Section
from bench.types import Json


def write(
    label: str,
    config: Mapping[str, Json],
    choice: str,
    *,
    notes: Mapping[str, str],
    sections: Sequence[Section],
) -> str:
    """Return the card as markdown; ``choice`` says which epoch was kept by which score."""
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
    return "\n".join(lines)

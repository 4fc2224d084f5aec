"""The model card of a saved model: data, options and score, as markdown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from bench.options import Section
from bench.types import Json
from generators.neural.training.plan import SCORE


def write(
    label: str,
    config: Mapping[str, Json],
    log: Sequence[Mapping[str, float]],
    *,
    notes: Mapping[str, str],
    sections: Sequence[Section],
) -> str:
    """Return the card as markdown."""
    scores = [(entry["epoch"], entry[SCORE]) for entry in log if SCORE in entry]
    best = max(scores, key=lambda pair: pair[1], default=None)
    score = (
        f"CIDEr {best[1]:.4f} on validation (best of {len(scores)} epochs)"
        if best
        else "not measured: no validation"
    )
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

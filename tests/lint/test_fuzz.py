"""Damaged tables: whatever is done to a file of the corpus, the audit ends with one of its statuses."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.fuzz.cases import COUNT

CORPUS = sorted(
    path for path in (Path(__file__).parent / "corpus").iterdir() if path.suffix in (".csv", ".md", ".tex")
)
SPLINTERS = (
    *("|", "&", "\\\\", "{", "}", "\\textbf{", "\\multirow{-3}{*}{", "\\multicolumn{9}{c}{", "$", "^", "_"),
    *("%", '"', ",", ";", "\n", "\t", "\0", "\x1b[2J", "\u202e", "∞", "NaN", "inf", "-1", "1e999", "1e-999"),
    "9" * 60,
    *("R@1", "P@0", "R@5", "@5", "<table>", "</td>", "<!--", "-->", "```", "|---|", "Improvement (%)", "+5%"),
    *("n", "±", "(", "[", "**", "\\begin{tabular}{c}", "\\end{tabular}", "\\newcommand{\\a}{\\a\\a}", "\\a"),
    *("Total", "metric,value"),
)  # fmt: skip
ROUNDS = COUNT * 6 // 40
"""Mutations of each file: six in the ordinary suite."""


def _cut(draw: random.Random, text: str) -> str:
    start = draw.randrange(len(text) + 1)
    return text[:start] + text[start + draw.randrange(40) :]


def _insert(draw: random.Random, text: str) -> str:
    start = draw.randrange(len(text) + 1)
    return text[:start] + draw.choice(SPLINTERS) * draw.choice((1, 1, 1, 3, 50)) + text[start:]


def _repeat(draw: random.Random, text: str) -> str:
    start = draw.randrange(len(text) + 1)
    piece = text[start : start + draw.randrange(1, 80)]
    return text[:start] + piece * draw.choice((2, 3, 40)) + text[start:]


def _swap_lines(draw: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    draw.shuffle(lines)
    return "".join(lines)


def _change_digit(draw: random.Random, text: str) -> str:
    places = [i for i, char in enumerate(text) if char.isdigit()] or [0]
    at = draw.choice(places)
    return text[:at] + draw.choice("0123456789.,eE-٣²") + text[at + 1 :]


MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    _cut,
    _insert,
    _repeat,
    _swap_lines,
    _change_digit,
)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_a_damaged_table_ends_with_a_known_status(path: Path, tmp_path: Path, cli: Cli) -> None:
    text = path.read_text(encoding="utf-8")
    for seed in range(ROUNDS):
        draw = random.Random(f"{path.name} {seed}")
        damaged = text
        for mutation in draw.choices(MUTATIONS, k=draw.randint(1, 4)):
            damaged = mutation(draw, damaged)
        (tmp_path / path.name).write_text(damaged, encoding="utf-8")
        outcome = cli("lint-table", tmp_path / path.name)
        assert outcome.status in (0, 3, 5), (seed, outcome.err)
        assert "\x1b" not in outcome.out


@pytest.mark.parametrize("suffix", [".csv", ".md", ".tex", ".html"])
def test_random_bytes_end_with_a_known_status(suffix: str, tmp_path: Path, cli: Cli) -> None:
    for seed in range(40):
        draw = random.Random(seed)
        path = tmp_path / f"t{suffix}"
        path.write_bytes(draw.randbytes(draw.randrange(300)) if seed % 2 else
                         "".join(draw.choices(SPLINTERS, k=60)).encode())  # fmt: skip
        assert cli("lint-table", path).status in (0, 3, 5)

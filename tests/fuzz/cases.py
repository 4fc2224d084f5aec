"""What the fuzzers share: damages drawn from fixed seeds, and how every command has to end."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from tests.conftest import Outcome
from tests.tiny import Tiny

COUNT = int(os.environ.get("BENCH_FUZZ", "40"))
"""Cases of a kind; `tox -e chaos` asks for more."""
FEW = COUNT // 40
"""Cases of a kind whose commands take longer, or whose kinds are many."""
LONGEST = 60
"""Seconds that a command may take, on a machine that does other things."""
Finished = tuple[Tiny, Path]
ENGINE = ("--generators", "lead", "--retrievers", "bm25", "--set", "bm25.engine=bm25s", "--quiet")
VALUES = (
    "", " ", "nan", "-inf", "1e999", "-1", "0", "1.5", "9" * 5000, "true", "null", "[1, 2]", "\u0661\u0662",
    "\x1b[31mred", "../x", "a\nb", "\ud800", "\udcff", "=", "0x10", "1e400", "-0.0", "{}",
)  # fmt: skip
JUNK = (
    "", "\0", "\x1b[2J", "{" * 200, '"', "\n", "- ", "&a [*a, *a]", "!!python/name:os.system", "9" * 5000,
    "\ud83d", "\u202e", ": ",
)  # fmt: skip


def check(outcome: Outcome, *, ok: bool = False, names: str = "") -> None:
    """Check that a command ended as documented: no defect, one readable paragraph, no escape sequence.

    ``ok``: it may succeed, too, or a gate fail. ``names``: a refused file, which the message has to name.
    """
    signal.alarm(LONGEST)
    assert outcome.status in ((0, 2, 3, 4, 5) if ok else (2, 3, 4, 5)), outcome.err[-2000:]
    assert "Traceback" not in outcome.err
    assert "Unexpected error" not in outcome.err
    assert "\x1b" not in outcome.out + outcome.err
    if outcome.status:
        assert len(outcome.error()) < 5000
    if outcome.status in (2, 3, 4):
        assert names in outcome.error()


def mutate(text: str, rng: random.Random) -> str:
    """Return a text with one part removed, repeated, replaced or cut."""
    start = rng.randrange(len(text))
    end = min(len(text), start + rng.choice((1, 3, 20)))
    junk = rng.choice(JUNK)
    return rng.choice(
        (
            text[:start] + junk + text[end:],
            text[:start],
            text + text[start:end],
            text[:start] + junk + text[start:],
        )
    )


def damage_text(path: Path, rng: random.Random, to: Path | None = None) -> Path:
    """Mutate a text file, or write the mutated text to another file; return what was written."""
    text = path.read_text(encoding="utf-8") or "\n"
    to = to or path
    to.write_bytes(mutate(text, rng).encode("utf-8", "surrogatepass"))
    return to


def damage_bytes(path: Path, rng: random.Random) -> None:
    """Flip bits of a file, cut it, or put other bytes into it."""
    data = bytearray(path.read_bytes()) or bytearray(b"?")
    place = rng.randrange(len(data))
    change = rng.choice(("flip", "flip", "cut", "insert", "remove"))
    if change == "flip":
        data[place] ^= 1 << rng.randrange(8)
    elif change == "cut":
        del data[place:]
    elif change == "insert":
        data[place:place] = rng.randbytes(rng.choice((1, 4, 100)))
    else:
        del data[place : place + rng.choice((1, 8))]
    path.write_bytes(bytes(data))

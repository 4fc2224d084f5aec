"""Every code block of the documentation runs, and prints what its page says.

In a ``console`` block, lines that begin with ``$ `` are commands, and what follows them is their output, in
which ``...`` stands for any text. A ``python`` block runs as a script. A block with ``title="FILE"`` is
written to that file. The blocks of a page run in order, in one empty folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if "```console" in path.read_text("utf-8")
)
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Command(NamedTuple):
    """A command of a console block and the output that the page shows, "" for none."""

    text: str
    output: str


def read_commands(block: str) -> list[Command]:
    """Split a console block at its prompts; a command goes on after a backslash."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    commands = [re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?([\s\S]*)", part) for part in parts]
    return [Command(match[1], match[2].strip()) for match in commands if match]


def matches(shown: str, printed: str) -> bool:
    """Whether an output is what a page shows, with ``...`` for any text and white space of any length."""
    pieces = [r"\s+".join(re.escape(word) for word in piece.split()) for piece in shown.split("...")]
    return re.search(r"[\s\S]*?".join(pieces), printed) is not None


def run(command: list[str], folder: Path, store: Path) -> str:
    """Run a command of a page in its folder; return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "BENCH_STORE": str(store), "COLUMNS": "100"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that the pages share, so that the demo is made once."""
    return tmp_path_factory.mktemp("pages-store")


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_and_print_what_it_shows(page: str, tmp_path: Path, store: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    for kind, info, block in _BLOCK.findall(text):
        title = re.search(r'title="([^"]+)"', info)
        if title:
            file = tmp_path / title[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block, "utf-8")
        elif kind == "python":
            run([sys.executable, "-c", block], tmp_path, store)
        elif kind == "console":
            for command in read_commands(block):
                printed = run(["bash", "-c", command.text], tmp_path, store)
                assert matches(command.output, printed), f"{page}: {command.text} printed\n{printed}"


def test_a_shown_output_that_is_not_printed_is_noticed() -> None:
    assert matches("a ...\n d", "x\na b\nc   d")
    assert not matches("a ... e", "a b c d")
    assert read_commands("$ one \\\n  two\nout\n$ three\n") == [("one \\\n  two", "out"), ("three", "")]


@pytest.mark.docs
def test_the_script_draws_pictures_of_the_pages_and_all_are_shown(tmp_path: Path, store: Path) -> None:
    run([sys.executable, str(DOCS / "draw.py"), str(tmp_path / "pictures")], tmp_path, store)
    made = {path.name for path in (tmp_path / "pictures").iterdir()}
    pages = "".join(path.read_text("utf-8") for path in [*DOCS.glob("*.md"), DOCS.parent / "README.md"])
    shown = set(re.findall(r"pictures/([\w-]+\.\w+)", pages))
    assert made <= shown == {path.name for path in (DOCS / "pictures").iterdir()}

"""What a person sees at the end of a run: an aligned leaderboard on a terminal, Markdown elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from bench.output.per_item import RunItems
from bench.result import Result
from tests.competing_run import CompetingRun
from tests.conftest import Cli, child_environment

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(columns: int, *arguments: object) -> str:
    """Run a command whose output is a terminal of a width, and return what it printed there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {**child_environment(TERM="xterm-256color"), "COLUMNS": ""}
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        printed = bytearray()
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux reports that nobody writes any more
                part = b""
            if not part:
                break
            printed += part
    os.close(ours)
    assert process.returncode == 0, printed.decode()
    return printed.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_an_aligned_leaderboard_that_fits(columns: int, competing_run: CompetingRun) -> None:
    text = on_terminal(columns, "table", competing_run.out)
    lines = STYLE.sub("", text).splitlines()
    assert "| ---" not in text
    assert "**" not in text
    words = [line for line in lines if not line.startswith(("Page", "Is it real?", "One query"))]
    assert max(map(len, words)) <= columns
    rows = {line.split()[0]: line for line in lines[3:9] if line}
    assert list(rows)[:3] == ["long", "short", "twin"]
    assert list(rows)[3].startswith("───")
    assert list(rows)[4:] == ["Oracle", "Transcript"]
    scores = Result.read(competing_run.out).scores.query("metric == 'R@10'").set_index("generator")["value"]
    assert f" {scores['long'] * 100:.1f} " in rows["long"]
    assert "\x1b[1m" in text  # long is significantly above the others: bold


def test_the_terminal_says_the_answer_then_the_signature_once_then_what_to_do(
    competing_run: CompetingRun,
) -> None:
    out = competing_run.out
    text = STYLE.sub("", on_terminal(100, "table", out))
    summary = Result.read(out).summary
    assert summary
    assert " ".join(str(summary).split())[:200] in " ".join(text.split())
    assert text.count("Signature: ") == 1
    query = (out / "queries.tsv").read_text().partition("\t")[0]
    assert text.splitlines()[-3:] == [
        f"Page         {out / 'report.html'}    (open it: bench report {out} --open)",
        f"Is it real?  bench compare {out}",
        f"One query    bench explain {out} --query {query}",
    ]


def test_a_run_ends_with_the_same_screen(competing_run: CompetingRun, tmp_path: Path) -> None:
    files = [f"file:{competing_run.summaries(name)}" for name in ("long", "short")]
    options = ["--data", competing_run.data, "--generators", ",".join(files), "--retrievers", "bm25"]
    text = STYLE.sub("", on_terminal(90, "run", *options, "--out", tmp_path / "out", "--quiet"))
    assert text.startswith("Retrieval on ")
    assert "With BM25, long finds most." in text
    assert text.splitlines()[-3].startswith("Page         ")


def test_a_comparison_fits_a_narrow_terminal_and_names_what_it_leaves_out(
    competing_run: CompetingRun,
) -> None:
    text = STYLE.sub("", on_terminal(80, "compare", competing_run.out, "--metric", "R@10"))
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"Retriever +Metric +Model +Against +score +difference +p \(Holm\) +group", text)
    assert "Too wide for this terminal: MDE, losses, ties, wins, 95 % low, 95 % high" in text


def test_a_pipe_gets_markdown_with_the_answer_below(competing_run: CompetingRun, cli: Cli) -> None:
    text = cli("table", competing_run.out).out
    assert text.startswith("**Generation on ")
    assert "\n**With BM25, long finds most. R@10: " in text
    assert cli("table", competing_run.out, "--format", "markdown").out == text.partition("**With")[0]


def test_the_summary_alone_is_markdown_for_a_job(competing_run: CompetingRun, cli: Cli) -> None:
    text = cli("table", competing_run.out, "--summary").out
    assert text.startswith("**With BM25, long finds most. R@10: ")
    assert "| Model | BM25 |" in text
    assert "- synthetic" in text or "is synthetic" in text
    assert (
        "leave out --format latex"
        in cli("table", competing_run.out, "--summary", "--format", "latex").error()
    )


def test_a_result_is_short_in_python_and_a_table_in_a_notebook(competing_run: CompetingRun) -> None:
    result = Result.read(competing_run.out)
    assert len(repr(result)) < 400
    assert "long finds most. R@10: " in repr(result)
    assert "<table" in result._repr_html_()


def test_frames_of_a_result_have_no_empty_column_or_system(competing_run: CompetingRun) -> None:
    result = Result.read(competing_run.out)
    assert len(result.retrieval) + len(result.generation) == len(result.headline)
    assert not result.retrieval["retriever"].isna().any()
    assert "retriever" not in result.generation
    assert not result.generation.isna().all().any()


def test_words_of_the_query_are_bold_in_an_explanation(competing_run: CompetingRun) -> None:
    items = RunItems(competing_run.out, Result.read(competing_run.out).manifest)
    query, words = next(iter(items.texts().items()))
    text = on_terminal(80, "explain", competing_run.out, "--query", query)
    word = max(words.split(), key=len)
    assert re.search(rf"(?i)\x1b\[1m{re.escape(word)}\x1b\[0m", text)

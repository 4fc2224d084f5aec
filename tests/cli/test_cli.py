"""What users type: exit statuses, and errors of one paragraph."""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.main import _parsers, build_parser
from tests.conftest import Cli, child_environment
from tests.tiny import Tiny


def bm25(tiny: Tiny, out: Path, *more: object) -> tuple[object, ...]:
    return ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25", "--out", out, *more)


def test_done_is_0_with_tables_on_stdout_and_nothing_else(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(*bm25(tiny, tmp_path / "out"))
    assert outcome.status == 0
    assert outcome.out.startswith("**Generation on tiny")
    *cells, last = outcome.err.splitlines()
    assert last == f"bench: results: {tmp_path / 'out'} (open {tmp_path / 'out' / 'report.html'})"
    assert [re.sub(r" in .*", "", line) for line in cells] == [
        "bench: 1/5 lead summaries: done",
        "bench: 2/5 lead bm25: done",
        "bench: 3/5 tests: done",
        "bench: 4/5 tables: done",
        "bench: 5/5 page: done",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verbose"], "required: VERB"),
        (["rnu"], "Did you mean run?"),
        (["data"], "required: ACTION"),
        (["data", "validat", "x"], "Did you mean validate?"),
        (["run", "--generatros", "lead"], "Did you mean --generators?"),
        (["run", "--no-trian"], "Did you mean --no-train?"),
        (["data", "stats", "--data", "demo"], "--data is an option of 'bench run'"),
        (["data", "stats", "--data", "demo"], "usage: bench data stats [-h]"),
        (["run", "--gen", "lead"], "--gen"),  # no abbreviations: they would change meaning as flags are added
        (["run", "--seed"], "expected one argument"),
        (["run", "--query-seed", "x"], "expected a whole number"),
        (["run", "--query-seed=1.5"], "expected a whole number"),
        (["run", "--generators", "laed"], "Did you mean lead?"),
        (["run", "--generators", "nothing-*"], "nothing-*"),
        (["run", "--retrievers", "bm52"], "Did you mean bm25?"),
        (["run", "--data", "demmo"], "Did you mean demo?"),
        (["run", "--preset", "papre"], "Did you mean paper?"),
        (["run", "--protocol", "all-querys"], "Did you mean all-queries?"),
        (["run", "--split", "tests"], "Did you mean test?"),
        (["run", "--set", "bm25.k"], "key=value"),
        (["run", "--set", "bm25.kk=1"], "Did you mean bm25.k1"),
        (["run", "--set", "bm25.k1=x"], "'x'"),
        (["run", "--config", "none.yaml"], "none.yaml cannot be read: No such file or directory."),
        (["run", "--data", "o\udcff"], "It is not UTF-8; rename a file or folder"),
        (["data", "import", "csv", "--from", "x", "--out", "o\udcff"], "the name is not UTF-8"),
        (["run", "--engine", "spark"], "spark"),
        (["run", "--device", "gpu"], "gpu"),
        (["list", "generator"], "Did you mean generators?"),
        (["table", "x", "--format", "markdwn"], "Did you mean markdown?"),
        (["table", "x", "--format", "pdf"], "'pdf'"),
        (["evaluate", "--run", "x"], "say what the runs are scored on"),
        (["evaluate", "--run", "x", "--data", "demo", "--qrels", "y"], "not on both. Leave one out"),
        (
            ["evaluate", "--run", "x", "--data", "demo", "--protocol", "one-query"],
            "expected one of one-query-per-video, all-queries. Did you mean one-query-per-video?",
        ),
        (["evaluate", "--run", "x", "--data", "demo", "--split", "tset"], "Did you mean test?"),
        (["data", "synth", "--out", "x", "--set", "videosss=1"], "Did you mean videos?"),
        (["data", "synth", "--out", "x", "--videos", "many"], "option videos='many'"),
        (["new", "generator", "mine", "--out="], "--out . is the current folder"),
        (["report", "x", "--to", "a\ud800"], "holds half of a character (number 2)"),
    ],
)
def test_a_usage_error_is_2(
    arguments: list[str], message: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli(*arguments)
    assert outcome.status == 2
    assert message in outcome.error()
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_flag_is_not_suggested_for_a_wrong_value(cli: Cli) -> None:
    assert "Did you mean" not in cli("table", "x", "--format", "pdf").error()


def test_bad_data_is_3(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "run.trec").write_text("q1 Q0 v10 1 0.5\n")
    (tmp_path / "unknown-ids.trec").write_text("q1 Q0 nobody 1 0.5 tag\n")
    (tmp_path / "bytes.tsv").write_bytes(b"\xff\n")
    (tmp_path / "qrels.trec").write_text("q1 0 v10 1\n")
    qrels = ("--qrels", tmp_path / "qrels.trec")
    for arguments, message in (
        (("table", tmp_path), "no manifest.json"),
        (("table", tmp_path / "none"), "there is no such folder"),
        (("evaluate", "--run", tmp_path / "run.trec", *qrels), "run.trec:1"),
        (("evaluate", "--run", tmp_path / "unknown-ids.trec", "--data", tiny.folder), "'nobody'"),
        (
            ("evaluate", "--run", tmp_path / "unknown-ids.trec", *qrels, "--queries", tmp_path / "bytes.tsv"),
            "UTF-8",
        ),
    ):
        outcome = cli(*arguments)
        assert outcome.status == 3, arguments
        assert message in outcome.error()


def test_something_missing_is_4(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (empty := tmp_path / "empty.trec").write_text("")
    for arguments in (
        ("evaluate", "--run", tmp_path / "none.trec", "--data", tiny.folder),
        ("evaluate", "--run", empty, "--qrels", tmp_path / "none"),
        (
            "run",
            "--data",
            tiny.folder,
            "--generators",
            "file:none.jsonl",
            "--retrievers",
            "bm25",
            "--out",
            tmp_path / "o",
        ),
    ):
        outcome = cli(*arguments)
        assert outcome.status == 4, arguments
        assert "no such file" in outcome.error()


def test_a_failed_gate_is_5(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("data", "validate", tiny.folder, "--strict")
    assert outcome.status == 5
    outcome.error()


WAITING = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell start with it ignored
import bench.harness.experiment
def execute(config):
    try:
        print("waiting", flush=True)
        time.sleep(60)
    finally:
        print("cleaned up", flush=True)
bench.harness.experiment.execute = execute
from bench.cli.main import main
sys.exit(main(["run", "--generators", "lead"]))
"""


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_a_run_with_its_status_after_cleaning_up(
    number: signal.Signals, status: int, message: str, tmp_path: Path
) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", WAITING], env=child_environment(), cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "waiting\n"
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert running.returncode == status
    assert out == "cleaned up\n"
    assert err == f"bench: {message}. Run the same command to resume.\n"
    assert list(tmp_path.iterdir()) == []


def test_verbose_shows_where_and_keeps_the_status(tmp_path: Path, cli: Cli) -> None:
    outcome = cli("run", "--data", tmp_path / "none", "--verbose")
    assert outcome.status == 2
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith(f"bench: error: {tmp_path / 'none'}: neither a registered")


@pytest.mark.parametrize(
    "verb", [one for one in _parsers(build_parser()) if one.get_default("run")], ids=lambda verb: verb.prog
)
def test_every_verb_has_the_option_that_errors_advise(verb: argparse.ArgumentParser) -> None:
    assert "--verbose" in verb.format_help()


def test_any_verb_shows_the_traceback_of_a_defect(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("bench.systems.doctor.run_checks", fail)
    assert "Re-run with --verbose for the traceback." in cli("doctor").error()
    outcome = cli("doctor", "--verbose")
    assert outcome.status == 1
    assert "Traceback" in outcome.err


def test_a_full_disk_is_4_in_one_paragraph(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.output.folder.write_text", full)
    outcome = cli(*bm25(tiny, tmp_path / "out"))
    assert outcome.status == 4
    assert "No space left on device. Free some space" in outcome.error()
    assert "Traceback" in cli(*bm25(tiny, tmp_path / "out", "--verbose")).err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "bench", "list"],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stdout.readline()
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == b""
    assert running.wait(30) == 0
    running.stderr.close()

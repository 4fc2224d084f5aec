"""A gate on another run: what fails it, what it could have seen, and the forms in which it is printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import bench
from bench.choices import Ties
from bench.comparison.gate import GateRow, Rule, changed_settings, gate_on_table, to_junit, to_markdown
from bench.comparison.regression import Baseline
from tests.conftest import ROOT, Cli, Outcome, child_environment

TOPICS = 60


def write_run(path: Path, hits: int) -> Path:
    """Write a run that puts the relevant document first for some topics, and second for the others."""
    lines = []
    for number in range(TOPICS):
        first, second = ("good", "bad") if number < hits else ("bad", "good")
        lines += [f"q{number} Q0 {first} 1 2 x", f"q{number} Q0 {second} 2 1 x"]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    """Make runs of 30, 32 and 50 first ranks of 60, and their judgements."""
    (tmp_path / "qrels").write_text("".join(f"q{n} 0 good 1\n" for n in range(TOPICS)))
    runs = {str(hits): write_run(tmp_path / f"{hits}.trec", hits) for hits in (30, 32, 50)}
    return {"qrels": tmp_path / "qrels", **runs}


def check(cli: Cli, files: Mapping[str, Path], new: str, old: str, *more: object) -> Outcome:
    return cli(
        "check", files[new], "--against", files[old], "--qrels", files["qrels"], "--metrics", "P@1", *more
    )


@pytest.mark.parametrize(
    ("new", "old", "options", "status"),
    [
        ("30", "30", [], 0),
        ("32", "30", [], 5),  # two-sided unless said otherwise
        ("32", "30", ["--fail-on", "drop"], 0),
        ("30", "32", ["--fail-on", "drop"], 5),
        ("30", "32", ["--fail-on", "drop", "--significant"], 0),  # two of 60 topics are no evidence
        ("30", "50", ["--fail-on", "drop", "--significant"], 5),
        ("50", "30", ["--significant"], 5),
        ("30", "32", ["--tolerance", "run.run=0.05"], 0),
    ],
)
def test_a_gate_fails_on_what_it_is_told_to(
    new: str, old: str, options: list[str], status: int, files: Mapping[str, Path], cli: Cli
) -> None:
    assert check(cli, files, new, old, *options).status == status


def test_a_green_gate_says_what_it_could_have_seen(files: Mapping[str, Path], cli: Cli) -> None:
    done = check(cli, files, "30", "32", "--significant")
    assert done.status == 0
    assert "With 80 % power the tests detect differences of 0.0" in done.out


def test_the_forms_say_the_same(files: Mapping[str, Path], cli: Cli) -> None:
    as_json = json.loads(check(cli, files, "30", "50", "--format", "json").out)
    assert as_json["failed"] == 1
    assert as_json["rows"][0]["difference"] == pytest.approx(-1 / 3)
    suite = ElementTree.fromstring(check(cli, files, "30", "50", "--format", "junit").out)
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "run.run P@1: 0.8333 -> 0.5000 (-0.3333)"
    assert (
        "| ❌ | run.run P@1 | 0.8333 | 0.5000 | -0.3333 | – |"
        in check(cli, files, "30", "50", "--format", "markdown").out
    )


def test_a_cell_that_one_side_lacks_fails_unless_only_common_ones_count(
    files: Mapping[str, Path], tmp_path: Path, cli: Cli
) -> None:
    for name, runs in (("one", ["30"]), ("two", ["30", "32"])):
        given = [word for run in runs for word in ("--run", files[run])]
        cli("evaluate", "--qrels", files["qrels"], *given, "--metrics", "P@1", "--out", tmp_path / name)
    words = ["check", tmp_path / "two", "--against", tmp_path / "one"]
    done = cli(*words)
    assert done.status == 5
    assert "32.run P@1: new" in done.out
    done = cli(*words, "--only-common")
    assert done.status == 0
    assert "32.run P@1: new" in done.out


def test_run_files_have_no_settings_that_differ(files: Mapping[str, Path], cli: Cli) -> None:
    done = check(cli, files, "30", "50", "--same-settings", "--tolerance", "*=1")
    assert done.status == 0
    assert "setting changed" not in done.err
    assert "1 score compared, 0 failed." in done.out


def test_evaluated_folders_have_no_settings_that_differ(
    files: Mapping[str, Path], tmp_path: Path, cli: Cli
) -> None:
    for run in ("30", "50"):
        given = ["--run", f"run={files[run]}", "--metrics", "P@1", "--out", tmp_path / run]
        cli("evaluate", "--qrels", files["qrels"], *given)
    done = cli(
        "check", tmp_path / "30", "--against", tmp_path / "50", "--same-settings", "--tolerance", "*=1"
    )
    assert (done.status, done.err) == (0, "")


def test_an_option_that_one_side_alone_changed_is_a_changed_setting() -> None:
    one, other = (
        {"preset": "quick", "version": "1"},
        {"preset": "quick", "set": "train.epochs=9", "version": "2"},
    )
    assert changed_settings(one, other) == ["set: the preset's options -> train.epochs=9"]
    assert changed_settings(other, other) == changed_settings(one, one) == []


def test_a_gate_without_a_common_cell_is_an_error(
    files: Mapping[str, Path], tmp_path: Path, cli: Cli
) -> None:
    for run in ("30", "50"):
        given = ["--run", files[run], "--metrics", "P@1", "--out", tmp_path / run]
        cli("evaluate", "--qrels", files["qrels"], *given)
    done = cli("check", tmp_path / "50", "--against", tmp_path / "30", "--only-common")
    assert done.status == 3
    assert "no score in common" in done.error()


def test_runs_on_other_judgements_are_refused(files: Mapping[str, Path], tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "fewer").write_text("q1 0 good 1\nq2 0 good 1\n")
    for name in ("qrels", "fewer"):
        cli("evaluate", "--qrels", tmp_path / name, "--run", files["30"], "--out", tmp_path / f"out-{name}")
    done = cli("check", tmp_path / "out-fewer", "--against", tmp_path / "out-qrels")
    assert done.status == 3
    assert "different queries or judgements" in done.error()


def test_two_runs_are_compared_in_one_command(files: Mapping[str, Path], cli: Cli) -> None:
    words = ["--qrels", files["qrels"], "--metrics", "P@1", "--format", "csv"]
    done = cli("compare", files["50"], files["30"], *words)
    assert done.status == 0, done.err
    assert [line.split(",")[2:6] for line in done.out.splitlines()[1:3]] == [
        ["50", "", "83.33", ""], ["30", "50", "50.00", "-33.33"],
    ]  # fmt: skip


@pytest.mark.parametrize(("new", "status"), [("30", 5), ("50", 0)])
def test_the_example_for_a_ci_server_runs_as_it_is(
    new: str, status: int, files: Mapping[str, Path], tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    program = shutil.which("bench", path=str(Path(sys.executable).parent))
    assert program
    path = os.pathsep.join([str(Path(program).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", ROOT / "examples/ci/gate.sh", files[new], files["50"], files["qrels"]],
        env=child_environment(PATH=path, GITHUB_STEP_SUMMARY=str(summary)),
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert ElementTree.parse(tmp_path / "gate.xml").getroot().get("tests") == "3"
    assert "scores compared" in summary.read_text()


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_the_workflows_call_the_script_that_is_tested(name: str) -> None:
    text = (ROOT / "examples" / "ci" / name).read_text()
    assert yaml.safe_load(text)
    assert "bash qms-bench/examples/ci/gate.sh new.trec judgements/main.trec judgements/qrels.tsv" in text


def test_runs_that_were_measured_differently_are_not_compared(tmp_path: Path, cli: Cli) -> None:
    """The worse run would pass: its relevant document is first only by the other rule for ties."""
    run, grades = {"run": {"q": {"a": 1.0, "b": 1.0}}}, {"q": {"a": 1, "b": 0}}
    rules: tuple[Ties, Ties] = ("trec_eval", "ours")
    for ties in rules:
        bench.evaluate(run, grades, ties=ties, metrics=["P@1"], out=tmp_path / ties)
    done = cli("check", tmp_path / "ours", "--against", tmp_path / "trec_eval", "--fail-on", "drop")
    assert done.status == 3
    assert "were measured differently (ties: score desc, document id desc (as trec_eval) -> " in done.error()
    done = cli("compare", tmp_path / "trec_eval", tmp_path / "ours")
    assert done.status == 2
    assert "they differ in the order of equal scores" in done.error()


def test_names_from_outside_break_neither_xml_nor_markdown() -> None:
    row = GateRow(("a", "b", "P@1"), 0.0, 1.0, failed=True, part="topic: x\a<i>&|\uffff\ny")
    suite = ElementTree.fromstring(to_junit([row], "new\a"))
    assert suite[0].attrib["name"] == "P@1 [topic: x\ufffd<i>&|\ufffd y]"
    (line,) = [line for line in to_markdown([row], "t").splitlines() if "topic" in line]
    assert "x\ufffd&lt;i>&amp;\\|\ufffd y" in line


def test_a_gate_that_compares_nothing_does_not_pass() -> None:
    nothing = Baseline({}, "0", {})
    with pytest.raises(bench.DataError, match="nothing to compare"):
        gate_on_table(nothing, nothing, Rule())

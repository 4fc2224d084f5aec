"""Malformed options, files of options, arguments and baselines: an exit status that says what, never 1.

Each case runs the command line in this process. What is malformed is drawn from fixed seeds.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.systems.registry import option_sections
from tests.conftest import Cli
from tests.fuzz.cases import COUNT, ENGINE, VALUES, Finished, check, damage_text, mutate

OPTIONS = sorted(
    f"{name}.{field}"
    for name, kind in option_sections().items()
    for field in kind.__annotations__
    if field != "section"
)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_malformed_option_is_a_usage_error(option: str, finished: Finished, cli: Cli) -> None:
    data = finished[0].folder
    for value in VALUES:
        outcome = cli("run", "--data", data, *ENGINE, "--dry-run", "--set", f"{option}={value}")
        check(outcome, ok=True)
        assert outcome.status in (0, 2, 3, 4)


FLAGS = (
    "--data", "--generators", "--retrievers", "--preset", "--protocol", "--query-seed", "--split", "--seed",
    "--features", "--device", "--config",
)  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_a_malformed_flag_is_refused(flag: str, finished: Finished, cli: Cli) -> None:
    for value in VALUES:
        check(cli("run", "--data", finished[0].folder, *ENGINE, "--dry-run", f"{flag}={value}"), ok=True)


YAML = """data: demo
generators: [lead, transcript]
retrievers: bm25
seed: 0
bm25: {k1: 1.2, b: 0.75}
train.epochs: 3
lead:
  units: 8
"""


@pytest.mark.parametrize("seed", range(COUNT // 2))
def test_a_damaged_file_of_options_is_refused_or_read(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    text = mutate(YAML, random.Random(f"yaml {seed}"))
    path = tmp_path / "options.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check(cli("run", "--config", path, "--data", finished[0].folder, "--dry-run", "--quiet"), ok=True)


ARGUMENTS: Mapping[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "run": (
        ("run", "--data", "{data}", *ENGINE),
        ("--out", "--store", "--metrics", "--fresh", "--threads", "--engine", "--format"),
    ),
    "summarize": (
        ("summarize", "lead", "--data", "{data}", "--videos", "{data}", "--out=s.jsonl"),
        ("--data", "--videos", "--out", "--seed", "--features", "--set", "--store", "--fresh"),
    ),
    "table": (("table", "{out}"), ("--by", "--metric", "--table", "--metrics", "--format")),
    "report": (("report", "{out}"), ("--to", "--figures", "--store")),
    "explain": (("explain", "{out}"), ("--query", "--video", "--store")),
    "export": (("export", "{out}", "--format=trec", "--to=exported"), ("--format", "--to")),
    "compare": (
        ("compare", "{out}", "{out}"),
        ("--baseline", "--metric", "--by", "--qrels", "--attributes", "--ties", "--split", "--format"),
    ),
    "check": (
        ("check", "{out}", "--against", "{base}"),
        ("--against", "--tolerance", "--fail-on", "--cost", "--by", "--attributes", "--format"),
    ),
    "evaluate": (
        ("evaluate", "--qrels", "{out}/qrels.trec", "--run", "{out}/runs/lead.bm25.trec"),
        ("--run", "--qrels", "--queries", "--metrics", "--fuse", "--attributes", "--by", "--out", "--ties"),
    ),
    "evaluate --data": (
        ("evaluate", "--data", "{data}", "--run", "{out}/runs/lead.bm25.trec"),
        ("--data", "--protocol", "--query-seed", "--split", "--store"),
    ),
    "data synth": (
        ("data", "synth", "--videos=20", "--out=made"),
        ("--videos", "--seed", "--lang", "--like", "--set", "--out"),
    ),
    "data stats": (("data", "stats", "{data}"), ("--features", "--store", "--format")),
    "data import": (
        ("data", "import", "csv", "--from", "{out}/scores.csv", "--out=imported"),
        ("--from", "--recipe", "--features", "--transcripts", "--val", "--language", "--out"),
    ),
    "data prepare": (
        ("data", "prepare", "--videos", "{out}", "--queries", "{out}/queries.tsv", "--out=prepared"),
        (
            "--videos",
            "--queries",
            "--log",
            "--encoder",
            "--jobs",
            "--keep-frames",
            "--max-frames",
            "--speech",
        ),
    ),
    "store prune": (("store", "prune", "--dry-run"), ("--older-than", "--store")),
    "store verify": (("store", "verify"), ("--store",)),
    "new": (("new", "generator", "mine"), ("--out",)),
    "lint-table": (("lint-table", "{base}"), ("--n",)),
    "reproduce": (("reproduce", "table5"), ("--from", "--set", "--threads")),
}
"""Commands that are right, and flags of each whose values are malformed in turn."""


@pytest.mark.parametrize("verb", ARGUMENTS)
def test_a_malformed_argument_of_a_verb_is_refused_or_read(
    verb: str, finished: Finished, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, flags = ARGUMENTS[verb]
    shutil.copytree(finished[1], tmp_path / "copy")
    places = {"data": finished[0].folder, "out": tmp_path / "copy/out", "base": tmp_path / "copy/base.csv"}
    words = [str(word).format(**places) for word in command]
    values = random.Random(verb).sample(VALUES, min(COUNT // 30, len(VALUES)))
    for number, (flag, value) in enumerate((flag, value) for flag in flags for value in values):
        folder = tmp_path / f"{number}" / "here"  # where "../x" is nobody else's
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        check(cli(*words, f"{flag}={value}"), ok=True)


POSITIONS = (
    ("table", "?"), ("report", "?"), ("explain", "?", "--video", "v10"), ("compare", "?"),
    ("compare", "?", "?"), ("check", "?", "--against", "?"),
    ("export", "?", "--format", "beir", "--to", "exported"),
    ("summarize", "?", "--videos", ".", "--out", "s"), ("lint-table", "?"),
    ("data", "validate", "?"), ("data", "stats", "?"),
    ("data", "import", "?", "--from", ".", "--out", "imported"), ("new", "generator", "?"), ("list", "?"),
    ("reproduce", "?"), ("?",),
)  # fmt: skip


@pytest.mark.parametrize("words", POSITIONS, ids=" ".join)
def test_a_malformed_word_of_a_verb_is_refused(
    words: tuple[str, ...], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in VALUES:
        check(cli(*(value if word == "?" else word for word in words)), ok=True)


@pytest.mark.parametrize("seed", range(COUNT // 2))
def test_a_damaged_baseline_is_refused_or_read(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"baseline {seed}")
    name = rng.choice(("base.csv", "base.hits.csv"))
    for path in finished[1].glob("base*.csv"):
        shutil.copy(path, tmp_path)
    damage_text(tmp_path / name, rng)
    check(cli("check", finished[1] / "out", "--against", tmp_path / "base.csv"), ok=True)

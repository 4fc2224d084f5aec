"""Malformed options, files of options, run folders and baselines: an exit status that says what, never 1.

Each case runs the command line in this process. What is malformed is drawn from fixed seeds.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.output.manifest import write_document
from bench.store.digests import file_digest
from bench.systems.registry import option_sections
from tests.conftest import Cli, Outcome
from tests.tiny import Tiny, write_tiny

COUNT = int(os.environ.get("BENCH_FUZZ", "40"))
"""Cases of a kind; `tox -e chaos` asks for more."""
Finished = tuple[Tiny, Path]
ENGINE = ("--generators", "lead", "--retrievers", "bm25", "--set", "bm25.engine=bm25s", "--quiet")
VALUES = (
    "", " ", "nan", "-inf", "1e999", "-1", "0", "1.5", "9" * 5000, "true", "null", "[1, 2]", "\u0661\u0662",
    "\x1b[31mred", "../x", "a\nb", "\ud800", "=", "0x10", "1e400", "-0.0", "{}",
)  # fmt: skip
OPTIONS = sorted(
    f"{name}.{field}"
    for name, kind in option_sections().items()
    for field in kind.__annotations__
    if field != "section"
)


@pytest.fixture(autouse=True)
def _hang() -> Iterator[None]:
    """Fail a case that hangs; no case here needs a second."""

    def fail(*_: object) -> None:
        raise AssertionError("the command hangs")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a dataset, and a folder with a finished run and its regression table; nobody may change them."""
    folder = tmp_path_factory.mktemp("finished")
    tiny = write_tiny(folder / "data")
    assert main(["run", "--data", str(tiny.folder), *ENGINE, "--out", str(folder / "out")]) == 0
    assert main(["check", str(folder / "out"), "--against", str(folder / "base.csv"), "--update"]) == 0
    return tiny, folder


def check(outcome: Outcome, *, ok: bool = False) -> None:
    """Check that a command ended as documented: no defect, one readable paragraph, no escape sequence."""
    assert outcome.status in ((0, 2, 3, 4, 5) if ok else (2, 3, 4, 5)), outcome.err[-2000:]
    assert "Traceback" not in outcome.err
    assert "Unexpected error" not in outcome.err
    assert "\x1b" not in outcome.out + outcome.err
    if outcome.status:
        assert len(outcome.error()) < 5000


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
        if "\0" in value:
            continue
        check(cli("run", "--data", finished[0].folder, *ENGINE, "--dry-run", f"{flag}={value}"), ok=True)


JUNK = (
    "", "\0", "\x1b[2J", "{" * 200, '"', "\n", "- ", "&a [*a, *a]", "!!python/name:os.system", "9" * 5000,
    "\ud83d", "\u202e", ": ",
)  # fmt: skip


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
    seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    text = mutate(YAML, random.Random(f"yaml {seed}"))
    path = tmp_path / "options.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check(cli("run", "--config", path, "--data", finished[0].folder, "--dry-run", "--quiet"), ok=True)


READERS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "table": lambda out: ("table", out, "--intervals"),
    "report": lambda out: ("report", out),
    "explain": lambda out: ("explain", out, "--video", "v10"),
    "compare": lambda out: ("compare", out, "--metric", "*"),
    "check": lambda out: ("check", out, "--against", out.parent / "base.csv"),
}
WRONG: tuple[Any, ...] = (
    None,
    0,
    -1,
    1e308,
    "",
    "x",
    "\x1b[31m",
    [],
    [[]],
    {},
    {"a": {"b": []}},
    True,
    "../x",
    "9" * 5000,
)


def places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key of nested objects."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_manifest_of_other_types_is_refused_or_read(
    seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"manifest {seed}")
    shutil.copytree(finished[1], tmp_path / "copy")
    out = tmp_path / "copy" / "out"
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    *path, last = rng.choice(sorted(places(document)))
    holder = document
    for key in path:
        holder = holder[key]
    if rng.random() < 0.3:
        del holder[last]
    else:
        holder[last] = rng.choice(WRONG)
    write_document(out, document)  # with a valid digest, as an attacker would
    for command in READERS.values():
        check(cli(*command(out)), ok=True)


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_damaged_file_of_a_run_is_refused_or_read(
    seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"file {seed}")
    shutil.copytree(finished[1], tmp_path / "copy")
    out = tmp_path / "copy" / "out"
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    name = rng.choice(sorted(document["files"]))
    text = (out / name).read_text(encoding="utf-8") or "\n"
    (out / name).write_bytes(mutate(text, rng).encode("utf-8", "surrogatepass"))
    document["files"][name] = file_digest(out / name)
    write_document(out, document)
    for command in READERS.values():
        check(cli(*command(out)), ok=True)


@pytest.mark.parametrize("seed", range(COUNT // 2))
def test_a_damaged_baseline_is_refused_or_read(
    seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"baseline {seed}")
    name = rng.choice(("base.csv", "base.hits.csv"))
    for path in finished[1].glob("base*.csv"):
        shutil.copy(path, tmp_path)
    text = mutate((tmp_path / name).read_text(encoding="utf-8"), rng)
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    check(cli("check", finished[1] / "out", "--against", tmp_path / "base.csv"), ok=True)


@pytest.mark.parametrize("kind", ["--run", "--qrels", "--queries"])
@pytest.mark.parametrize("seed", range(COUNT // 4))
def test_a_damaged_run_or_qrels_is_refused_or_read(
    kind: str, seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    out = finished[1] / "out"
    files = {
        "--run": out / "runs" / "lead.bm25.trec",
        "--qrels": out / "qrels.trec",
        "--queries": out / "queries.tsv",
    }
    text = mutate(files[kind].read_text(encoding="utf-8"), random.Random(f"{kind} {seed}"))
    files[kind] = tmp_path / "damaged"
    files[kind].write_bytes(text.encode("utf-8", "surrogatepass"))
    check(cli("evaluate", *(word for pair in files.items() for word in pair)), ok=True)


@pytest.mark.parametrize("seed", range(COUNT // 3))
def test_damaged_summaries_are_refused_or_read(
    seed: int, finished: tuple[Tiny, Path], tmp_path: Path, cli: Cli
) -> None:
    text = (finished[1] / "out" / "summaries" / "lead.jsonl").read_text(encoding="utf-8")
    path = tmp_path / "theirs.jsonl"
    path.write_bytes(mutate(text, random.Random(f"summaries {seed}")).encode("utf-8", "surrogatepass"))
    check(
        cli(
            "run",
            "--data",
            finished[0].folder,
            "--generators",
            f"file:{path}",
            *ENGINE[2:],
            "--out",
            tmp_path / "out",
        ),
        ok=True,
    )

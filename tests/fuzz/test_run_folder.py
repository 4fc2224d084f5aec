"""Output folders that were damaged, or tampered with under valid digests: every verb that reads one."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.output.manifest import write_document
from bench.store.digests import file_digest
from tests.conftest import Cli
from tests.fuzz.cases import COUNT, FEW, Finished, check, damage_bytes, damage_text


def export(out: Path, form: str) -> tuple[object, ...]:
    """Return the words that export a run beside it."""
    return "export", out, "--format", form, "--to", out.parent / form


READERS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "table": lambda out: ("table", out, "--intervals"),
    "report": lambda out: ("report", out),
    "explain": lambda out: ("explain", out, "--video", "v10"),
    "compare": lambda out: ("compare", out, "--metric", "*"),
    "check": lambda out: ("check", out, "--against", out.parent / "base.csv"),
    "compare two": lambda out: ("compare", out, out),
    "trec": lambda out: export(out, "trec"),
    "beir": lambda out: export(out, "beir"),
    "mteb": lambda out: export(out, "mteb"),
    "every_eval_ever": lambda out: export(out, "every_eval_ever"),
}


def drawn(rng: random.Random) -> list[Callable[[Path], tuple[object, ...]]]:
    """Draw four of the readers; `tox -e chaos` takes all of them."""
    return rng.sample(list(READERS.values()), min(COUNT // 10, len(READERS)))


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


def copied(finished: Finished, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Copy a finished run, and return the copy's folder and what its manifest says."""
    shutil.copytree(finished[1], tmp_path / "copy")
    out = tmp_path / "copy" / "out"
    return out, json.loads((out / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_manifest_of_other_types_is_refused_or_read(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"manifest {seed}")
    out, document = copied(finished, tmp_path)
    *path, last = rng.choice(sorted(places(document)))
    holder = document
    for key in path:
        holder = holder[key]
    if rng.random() < 0.3:
        del holder[last]
    else:
        holder[last] = rng.choice(WRONG)
    write_document(out, document)  # with a valid digest, as an attacker would
    for command in drawn(rng):
        check(cli(*command(out)), ok=True)


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_damaged_file_of_a_run_is_refused_or_read(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"file {seed}")
    out, document = copied(finished, tmp_path)
    name = rng.choice(sorted(document["files"]))
    damage_text(out / name, rng)
    document["files"][name] = file_digest(out / name)
    write_document(out, document)
    for command in drawn(rng):
        check(cli(*command(out)), ok=True)


def put_wrong_value(path: Path, rng: random.Random) -> None:
    """Put a value of another type into a file of JSON or CSV."""
    if path.suffix == ".csv":
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = str(rng.choice(WRONG))
        text = "\n".join(map(",".join, rows)) + "\n"
    else:
        lines = path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else []
        documents = [json.loads(line) for line in lines or [path.read_text(encoding="utf-8")]]
        document = rng.choice(documents)
        *way, last = rng.choice(sorted(places(document)))
        holder = document
        for key in way:
            holder = holder[key]
        holder[last] = rng.choice(WRONG)
        text = "\n".join(map(json.dumps, documents)) + "\n"
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("seed", range(COUNT // 5))
def test_a_value_of_another_type_in_a_file_of_a_run_is_refused_or_read(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    rng = random.Random(f"value {seed}")
    out, document = copied(finished, tmp_path)
    name = rng.choice(
        [name for name in sorted(document["files"]) if name.endswith((".json", ".jsonl", ".csv"))]
    )
    put_wrong_value(out / name, rng)
    document["files"][name] = file_digest(out / name)
    write_document(out, document)
    for command in drawn(rng):
        check(cli(*command(out)), ok=True)


@pytest.mark.parametrize("seed", range(FEW))
def test_a_changed_file_of_a_run_is_named(seed: int, finished: Finished, tmp_path: Path, cli: Cli) -> None:
    rng = random.Random(f"changed {seed}")
    shutil.copytree(finished[1], tmp_path / "copy")
    out = tmp_path / "copy" / "out"
    names = sorted(json.loads((out / "manifest.json").read_text(encoding="utf-8"))["files"])
    name = rng.choice(names)
    before = (out / name).read_bytes()
    damage_bytes(out / name, rng)
    if (out / name).read_bytes() == before:
        return
    statuses = set()
    for command in drawn(rng):
        outcome = cli(*command(out))
        statuses.add(outcome.status)
        check(outcome, ok=True, names=name)
    assert statuses <= {0, 3}


@pytest.mark.parametrize("seed", range(FEW))
def test_a_manifest_of_other_bytes_is_named(seed: int, finished: Finished, tmp_path: Path, cli: Cli) -> None:
    rng = random.Random(f"manifest bytes {seed}")
    shutil.copytree(finished[1], tmp_path / "copy")
    out = tmp_path / "copy" / "out"
    before = (out / "manifest.json").read_text(encoding="utf-8").split()
    (damage_bytes if rng.random() < 0.5 else damage_text)(out / "manifest.json", rng)
    after = (out / "manifest.json").read_bytes().decode("utf-8", "replace").split()
    if "".join(after) == "".join(before):
        return  # blanks between the words of JSON say nothing
    for command in drawn(rng):
        outcome = cli(*command(out))
        check(outcome, names=str(out))
        assert outcome.status == 3

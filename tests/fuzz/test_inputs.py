"""Malformed inputs of runs: datasets, features, summaries, runs of others, owners' files, the store."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Cli
from tests.fuzz.cases import COUNT, ENGINE, FEW, Finished, check, damage_bytes, damage_text, mutate
from tests.importers.owners import FORMATS, write
from tests.tiny import FEATURES, Tiny, write_transcript_vectors


@pytest.mark.parametrize("kind", ["--run", "--qrels", "--queries"])
@pytest.mark.parametrize("seed", range(COUNT // 4))
def test_a_damaged_run_or_qrels_is_refused_or_read(
    kind: str, seed: int, finished: Finished, tmp_path: Path, cli: Cli
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
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
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


FILES = ("dataset.json", "videos.jsonl", "queries.jsonl", "qrels.tsv")
ARRAYS = tuple(f"features/{FEATURES}/{name}" for name in ("frames.npy", "offsets.npy", "transcripts.npy"))


@pytest.mark.parametrize("name", [*FILES, *ARRAYS, f"features/{FEATURES}/ids.txt"])
@pytest.mark.parametrize("seed", range(FEW))
def test_a_damaged_file_of_a_dataset_is_refused_or_read(name: str, seed: int, tiny: Tiny, cli: Cli) -> None:
    write_transcript_vectors(tiny.folder / "features" / FEATURES, {"v1": [1, 0, 0, 0]})
    rng = random.Random(f"{name} {seed}")
    path = tiny.path(name)
    if name in ARRAYS or rng.random() < 0.3:
        damage_bytes(path, rng)
    else:
        damage_text(path, rng)
    split = rng.choice((("--split", "val", "--protocol", "all-queries"), ("--split", "test")))
    read_everywhere(tiny, cli, *split, "--out", tiny.folder.parent / "out")


def read_everywhere(tiny: Tiny, cli: Cli, *options: object) -> None:
    """Check how the commands that read a dataset end."""
    for command in (
        ("data", "validate", tiny.folder),
        ("data", "stats", tiny.folder),
        ("run", "--data", tiny.folder, *ENGINE, *options),
    ):
        check(cli(*command), ok=True, names=tiny.folder.name)


def put_folder(path: Path) -> None:
    path.mkdir()


def put_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def put_nothing(path: Path) -> None:
    path.touch()


def put_zeros(path: Path) -> None:
    path.write_bytes(bytes(1000))


def put_objects(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.array([{}, None], dtype=object), allow_pickle=True)


ODD: tuple[Callable[[Path], None], ...] = (
    put_folder, os.mkfifo, put_link_to_itself, put_nothing, put_zeros, put_objects,
)  # fmt: skip


@pytest.mark.parametrize("name", [*FILES, *ARRAYS, f"features/{FEATURES}/ids.txt", "features"])
def test_an_odd_thing_in_place_of_a_file_of_a_dataset_is_refused(name: str, tiny: Tiny, cli: Cli) -> None:
    write_transcript_vectors(tiny.folder / "features" / FEATURES, {"v1": [1, 0, 0, 0]})
    whole = shutil.copytree(tiny.folder, tiny.folder.parent / "whole")
    for put in ODD:
        shutil.rmtree(tiny.folder)
        shutil.copytree(whole, tiny.folder)
        path = tiny.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        put(path)
        read_everywhere(tiny, cli, "--dry-run")


@pytest.mark.parametrize("form", ["run.json", "run.tsv", "qrels.json", "qrels.tsv", "attributes.csv"])
@pytest.mark.parametrize("seed", range(FEW))
def test_a_damaged_file_for_evaluate_of_another_form_is_refused_or_read(
    form: str, seed: int, tmp_path: Path, cli: Cli
) -> None:
    run = {f"q{i}": {f"d{j}": 9 - j + 0.5 for j in range(4)} for i in range(3)}
    qrels = {f"q{i}": {"d0": 1, f"d{i}": 2} for i in range(3)}
    texts = {
        "run.json": json.dumps(run),
        "run.tsv": "".join(f"{q}\t{d}\t{s}\n" for q, docs in run.items() for d, s in docs.items()),
        "qrels.json": json.dumps(qrels),
        "qrels.tsv": "query-id\tcorpus-id\tscore\n"
        + "".join(f"{q}\t{d}\t{s}\n" for q, docs in qrels.items() for d, s in docs.items()),
        "attributes.csv": "query_id,kind\nq0,a\nq1,b\nq2,a\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    rng = random.Random(f"{form} {seed}")
    (damage_text if rng.random() < 0.7 else damage_bytes)(tmp_path / form, rng)
    own = {"run": "run.tsv", "qrels": "qrels.tsv", form.partition(".")[0]: form}
    words = [word for flag, name in own.items() for word in (f"--{flag}", tmp_path / name)]
    by = ("--by", "kind") if form == "attributes.csv" else ()
    check(cli("evaluate", *words, *by), ok=True)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("seed", range(FEW))
def test_a_damaged_file_of_an_owner_is_refused_or_read(
    name: str, seed: int, tmp_path: Path, cli: Cli
) -> None:
    source = write(tmp_path / "owner", FORMATS[name])
    rng = random.Random(f"{name} {seed}")
    path = rng.choice(sorted(path for path in source.rglob("*") if path.is_file()))
    (damage_text if rng.random() < 0.7 else damage_bytes)(path, rng)
    outcome = cli("data", "import", name, "--from", source, "--out", tmp_path / "out")
    check(outcome, ok=True, names=str(source))
    if outcome.status:
        assert not (tmp_path / "out").exists()
    else:
        assert cli("data", "validate", tmp_path / "out").status in (0, 3)


@pytest.mark.parametrize("seed", range(FEW))
def test_a_damaged_store_is_made_whole_by_the_run(
    seed: int, finished: Finished, tmp_path: Path, cli: Cli
) -> None:
    run = ("run", "--data", finished[0].folder, *ENGINE, "--store", tmp_path / "store")
    assert cli(*run, "--out", tmp_path / "whole").status == 0
    rng = random.Random(f"store {seed}")
    for path in sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file()):
        if rng.random() < 0.3 and path.stat().st_size:
            damage_bytes(path, rng)
    for words in (("list",), ("verify",), ("prune", "--dry-run")):
        check(cli("store", *words, "--store", tmp_path / "store"), ok=True)
    outcome = cli(*run, "--out", tmp_path / "again")
    assert outcome.status == 0, outcome.err
    scores = [(tmp_path / name / "scores.csv").read_bytes() for name in ("whole", "again")]
    assert scores[0] == scores[1]
    damaged = cli("store", "verify", "--store", tmp_path / "store").out.splitlines()
    assert [line for line in damaged if ": " in line and not line.startswith("results/")] == []

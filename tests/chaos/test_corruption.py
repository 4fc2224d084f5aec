"""Damaged files of every kind are found, named, and made again.

Every kind of artefact that a run makes, and every file of its output folder, gets every damage of
`tests.chaos.damages`. ``tox -e chaos`` also repeats the run after each; the ordinary suite after one.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.output.checked import checked
from bench.output.manifest import read_file_list
from bench.output.schema import MANIFEST
from bench.store.artefacts import Store, find_damage
from bench.store.maintenance import Entry, entries
from tests.chaos.damages import DAMAGES, restore
from tests.chaos.inputs import write_data, write_encoder
from tests.chaos.killed_command import contents
from tests.conftest import Cli
from tests.harness.engines.commands import SMALL
from tests.tiny import Tiny

THOROUGH = "BENCH_KILLS" in os.environ
REPEATED = list(DAMAGES) if THOROUGH else ["truncate"]
NOT_OURS = ("put_folder", "put_pipe", "put_broken_link")
"""Damages of a manifest that a run does not repair: what is there is not what a run wrote."""
FLIPS = ("flip_first", "flip_middle", "flip_last")
EMBEDDINGS = "embeddings"
WORDS = ("--generators", "lead", "--retrievers", "bm25,dpr-pt")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset, an empty ``store`` and ``out`` for a run."""
    folder = tmp_path_factory.mktemp("whole")
    write_data(folder / "tiny")
    if THOROUGH:
        write_encoder(folder / "encoder")
    return folder


@pytest.fixture
def run(whole: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run once per module, and return a folder with its store and output, whole again for each test."""
    monkeypatch.setenv("BENCH_STORE", str(whole / "store"))
    copy = whole / "copy"
    if not copy.is_dir():
        assert repeat(whole, cli) == ""
        for name in ("store", "out"):
            shutil.copytree(whole / name, copy / name)
    yield whole
    for name in ("store", "out"):
        restore(whole / name, copy / name)


def repeat(folder: Path, cli: Cli) -> str:
    """Run the command again; return what it printed to stderr of damage."""
    done = cli(
        "run", "--data", Tiny(folder / "tiny").folder, "--out", folder / "out", "--device", "cpu", "--quiet",
        "--set", "bm25.engine=bm25s", *(words_of_all_kinds(folder) if THOROUGH else WORDS),
    )  # fmt: skip
    assert done.status == 0, done.err
    return "".join(line for line in done.err.splitlines() if "damaged" in line or "readable" in line)


def words_of_all_kinds(folder: Path) -> list[str]:
    """Return options of a run that makes models of every kind, what they begin with, and similarities."""
    options = (*SMALL, f"dpr.weights={folder / 'encoder'}", "seq2seq.width=16")
    settings = [word for option in options for word in ("--set", option)]
    return ["--generators", "lead,seq2seq,bart-text,qms", "--retrievers", "bm25,dpr-pt,dpr-ft", *settings]


def artefacts(store: Store) -> list[Entry]:
    return [entry for entry in entries(store) if entry.is_artefact]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_damage_of_every_artefact_is_found(run: Path, tmp_path: Path) -> None:
    tried, missed = 0, []
    all_of_them = artefacts(Store(run / "store"))
    one_of_each = {entry.kind: entry for entry in all_of_them}.values()
    for entry in all_of_them if THOROUGH else one_of_each:
        copy = shutil.copytree(entry.path, tmp_path / entry.path.name)
        for file in files(entry.path):
            for name, damage in DAMAGES.items():
                if file.stat().st_size == 0 and name in ("truncate", "empty", *FLIPS):
                    continue
                damage(file)
                tried += 1
                if find_damage(entry.path) is None:
                    missed.append(f"{entry.kind}/{file.name}: {name}")
                restore(entry.path, copy)
    assert missed == []
    assert tried > 100
    print(f"{tried} damages of artefacts of {len(one_of_each)} kinds, 0 not found")


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in (*FLIPS, "add_file", "remove")])
def test_a_damaged_file_of_embeddings_is_found(run: Path, cli: Cli, damage: str) -> None:
    path = next((run / "store" / EMBEDDINGS).glob("*.sqlite"))
    DAMAGES[damage](path)
    outcome = cli("store", "verify")
    assert outcome.status == 5
    assert f"{EMBEDDINGS}/{path.name}: " in outcome.out


def test_a_changed_vector_is_found(run: Path, cli: Cli) -> None:
    path = next((run / "store" / EMBEDDINGS).glob("*.sqlite"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE vectors SET vector = zeroblob(4) WHERE rowid = 1")
    assert f"{EMBEDDINGS}/{path.name}: 1 of its vectors have changed" in cli("store", "verify").out


@pytest.mark.parametrize("damage", REPEATED)
@pytest.mark.parametrize("results", [True, False], ids=["what follows from a run", "what a run is made of"])
def test_what_is_damaged_is_named_and_made_again(
    run: Path, cli: Cli, damage: str, results: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    store, expected = Store(run / "store"), contents(run / "out")
    # results are looked up by times, too, so that a run that made something anew does not read them
    damaged = [entry for entry in artefacts(store) if (entry.kind == "results") is results]
    for entry in damaged:
        DAMAGES[damage](files(entry.path)[0])
    verified = cli("store", "verify")
    assert (verified.status, len(verified.out.splitlines())) == (5, len(damaged))
    warnings = repeat(run, cli) + capfd.readouterr().err  # that of processes that work ahead
    assert [entry.kind for entry in damaged if str(entry.path) not in warnings] == []
    assert contents(run / "out") == expected
    assert damaged
    assert cli("store", "verify").status == 0


def test_every_damage_of_every_output_file_is_found_when_it_is_read(run: Path) -> None:
    out, tried = run / "out", 0
    listed = read_file_list(out)
    for name in listed.files:
        data = (out / name).read_bytes()
        for damage in set(DAMAGES) - {"add_file"}:
            if not data and damage in ("truncate", "empty", *FLIPS):
                continue
            DAMAGES[damage](out / name)
            tried += 1
            with pytest.raises(DataError, match=re.escape(name)):
                checked(out, listed, name)
            put_back(out / name, data)
    assert tried > 200
    print(f"{tried} damages of output files, 0 not found")


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"add_file"}))
def test_a_damaged_manifest_is_named_and_made_again(run: Path, cli: Cli, damage: str) -> None:
    expected = contents(run / "out")
    DAMAGES[damage](run / "out" / MANIFEST)
    outcome = cli("table", run / "out")
    assert outcome.status == 3
    assert str(run / "out") in outcome.error()
    if damage not in REPEATED or damage in NOT_OURS:
        return
    repeat(run, cli)
    assert contents(run / "out") == expected


def test_a_file_that_a_run_did_not_write_stays(run: Path, cli: Cli) -> None:
    (run / "out" / "figures").mkdir(exist_ok=True)
    added = run / "out" / "figures" / "mine.svg"
    added.write_text("x")
    repeat(run, cli)
    assert added.read_text() == "x"


def put_back(path: Path, data: bytes) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(data)

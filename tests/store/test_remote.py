"""A remote store: what one machine made is fetched by another, checked, and never needed to go on."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec import AbstractFileSystem

import bench
from bench.errors import MissingError, UsageError
from bench.store.artefacts import Artefact, Store
from bench.store.remote import RemoteStore
from bench.types import Json
from tests.conftest import Cli
from tests.harness.commands import RETRIEVER, tree
from tests.tiny import Tiny

KEY: Mapping[str, Json] = {"of": "this test"}


def fetch(store: Store, text: str = "made") -> Artefact:
    """Fetch an artefact with a file in a folder, made of ``text`` where the store has none."""

    def build(folder: Path) -> Mapping[str, Json]:
        (folder / "below").mkdir()
        (folder / "below" / "text.txt").write_text(text, encoding="utf-8")
        return {"text": text}

    return store.fetch("tests", KEY, build)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


def machine(tmp_path: Path, name: str, place: Path) -> Store:
    """Return the store of a machine with a remote store at a place."""
    return Store(tmp_path / name, RemoteStore(place.as_uri()))


def test_what_one_machine_made_another_fetches(tmp_path: Path, place: Path) -> None:
    made = fetch(machine(tmp_path, "one", place))
    other = machine(tmp_path, "other", place)
    assert other.find("tests", KEY) is not None, "stages ask before they compute"
    fetched = fetch(other, "made again")
    assert (fetched.reused, fetched.digest, fetched.meta["text"]) == (True, made.digest, "made")
    assert (fetched.path / "below" / "text.txt").read_text(encoding="utf-8") == "made"
    assert [path.name for path in place.rglob("*") if path.is_file()] == [f"{made.path.name}.tar"]


def test_what_is_fetched_needs_no_folder_that_was_there(tmp_path: Path, place: Path) -> None:
    fetch(machine(tmp_path, "one", place))
    other = machine(tmp_path, "other", place)
    shutil.rmtree(other.root)
    assert other.find("tests", KEY) is not None


def test_an_artefact_that_another_process_fetched_meanwhile_is_taken(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fetch(machine(tmp_path, "one", place))
    remote = RemoteStore(place.as_uri())
    load = remote.load

    def load_late(name: str, folder: Path) -> bool:
        shutil.copytree(made.path, tmp_path / "other" / name)
        return load(name, folder)

    monkeypatch.setattr(remote, "load", load_late)
    found = Store(tmp_path / "other", remote).find("tests", KEY)
    assert found is not None
    assert found.digest == made.digest


def test_a_download_is_no_leftover_to_another_process(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(machine(tmp_path, "one", place))
    remote = RemoteStore(place.as_uri())
    load = remote.load

    def load_beside_a_sweep(name: str, folder: Path) -> bool:
        loaded = load(name, folder)
        assert Store(tmp_path / "other").sweep("tests") == []
        return loaded

    monkeypatch.setattr(remote, "load", load_beside_a_sweep)
    assert Store(tmp_path / "other", remote).find("tests", KEY) is not None
    assert capsys.readouterr().err == ""


def test_what_is_made_afresh_replaces_the_remote_copy(tmp_path: Path, place: Path) -> None:
    made = fetch(machine(tmp_path, "one", place))
    other = machine(tmp_path, "other", place)
    again = other.fetch("tests", KEY, lambda folder: {"text": "again"}, newer_than=made.made_at + 10**6)
    assert (again.reused, again.meta["text"]) == (False, "again")
    third = machine(tmp_path, "third", place).find("tests", KEY)
    assert third is not None
    assert third.meta["text"] == "again"


def test_storage_that_is_no_file_system_will_do(tmp_path: Path) -> None:
    address = f"memory://{tmp_path.name}/store"
    made = fetch(Store(tmp_path / "one", RemoteStore(address)))
    fetched = fetch(Store(tmp_path / "other", RemoteStore(address)), "made again")
    assert (fetched.reused, fetched.digest) == (True, made.digest)


def _archive(name: str, text: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar file", _archive("../../outside.txt", b"x"), _archive("artefact.json", b"{}")],
    ids=["empty", "other", "leaves the folder", "no record"],
)
def test_a_damaged_copy_is_named_and_made_again(
    content: bytes, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = fetch(machine(tmp_path, "one", place))
    copy = next(path for path in place.rglob("*.tar"))
    copy.write_bytes(content)
    other = machine(tmp_path, "other", place)
    again = fetch(other, "made again")
    assert (again.reused, again.meta["text"]) == (False, "made again")
    assert capsys.readouterr().err.count(f"{made.path.name} is damaged in {place.as_uri()}") == 1
    assert not (tmp_path / "outside.txt").exists()
    assert not list(other.root.rglob("outside.txt"))
    assert fetch(machine(tmp_path, "third", place)).meta["text"] == "made again", "the copy is replaced"


def test_a_place_that_is_lost_during_a_run_is_reported_once(
    tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = RemoteStore(place.as_uri())

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("access denied")

    monkeypatch.setattr(remote, "_put", refuse)
    store = Store(tmp_path / "one", remote)
    assert not fetch(store).reused
    store.fetch("tests", {"of": "another"}, lambda folder: None)
    message = capsys.readouterr().err
    assert message.count("cannot be used ('access denied')") == 1


class Buckets(AbstractFileSystem):  # type: ignore[misc]
    """Object storage with one bucket; others are made as soon as a folder is made in them."""

    protocol = "buckets"
    made: ClassVar[list[str]] = []

    def exists(self, path: str, **_: Any) -> bool:
        return path.split("/")[0] in ("ours", *self.made)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.made.append(path.split("/")[0])


def test_a_misspelt_bucket_is_refused_and_not_made() -> None:
    fsspec.register_implementation("buckets", Buckets, clobber=True)
    RemoteStore("buckets://ours/prefix")
    with pytest.raises(MissingError, match="there is no 'ouers', or this user may not see it"):
        RemoteStore("buckets://ouers/prefix")
    assert "ouers" not in Buckets.made


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("place", UsageError, "name one such as s3://bucket/prefix"),
        ("nothing://x/y", UsageError, "Protocol not known"),
        ("file:///dev/null/x", MissingError, "cannot be reached"),
        ("sftp://host/x", MissingError, "needs another package"),
    ],
)
def test_what_is_no_place_is_refused(address: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RemoteStore(address)


def test_a_run_of_another_machine_is_fetched_whole(tiny: Tiny, tmp_path: Path, place: Path, cli: Cli) -> None:
    options = {
        "data": str(tiny.folder), "generators": "lead,transcript,oracle", "retrievers": RETRIEVER,
        "remote_store": place.as_uri(), "quiet": True,
    }  # fmt: skip
    bench.run(**options, store=tmp_path / "one", out=tmp_path / "first")
    made = {path: path.stat().st_mtime_ns for path in place.rglob("*.tar")}
    bench.run(**options, store=tmp_path / "other", out=tmp_path / "again")
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.tar")} == made, "nothing was made anew"
    assert tree(tmp_path / "again") == tree(tmp_path / "first")
    refused = cli("run", "--data", tiny.folder, "--remote-store", "elsewhere")
    assert refused.status == 2
    assert "--remote-store 'elsewhere' is no address" in refused.err

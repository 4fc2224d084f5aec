"""Artefacts are there whole or not at all, and what is read is what was written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import MissingError, UsageError
from bench.store.artefacts import RECORD, Store, default_root
from bench.store.digests import digest
from tests.conftest import child_environment

KEY: dict[str, Any] = {"system": "s", "seed": 0, "options": {"k1": 0.9}}


def build(folder: Path) -> dict[str, int]:
    (folder / "deep").mkdir()
    (folder / "text").write_text("content")
    (folder / "deep" / "bytes").write_bytes(b"\x00\x01")
    return {"score": 7}


def never(folder: Path) -> None:
    raise AssertionError("it is made already")


def everything_in(root: Path) -> list[Path]:
    """Return all files but locks, which are empty and stay."""
    return [path for path in root.rglob("*") if path.is_file() and path.parent.name != "locks"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_an_artefact_is_made_once_and_read_afterwards(store: Store) -> None:
    assert store.find("kind", KEY) is None
    made = store.fetch("kind", KEY, build)
    again = store.fetch("kind", KEY, never)
    assert (made.reused, again.reused) == (False, True)
    assert made.path == again.path
    assert made.digest == again.digest
    assert again.meta["score"] == 7
    assert again.meta["seconds"] >= 0
    assert (again.path / "text").read_text() == "content"


def test_the_order_of_a_key_decides_nothing_and_its_values_everything(store: Store) -> None:
    store.fetch("kind", KEY, build)
    assert store.find("kind", dict(reversed(KEY.items()))) is not None
    others: list[dict[str, Any]] = [
        {**KEY, "seed": 1},
        {**KEY, "seed": "0"},
        {**KEY, "options": {"k1": 0.91}},
        {**KEY, "role": "query"},
        {"system": "s", "seed": 0},
    ]
    for other in others:
        assert store.find("kind", other) is None
    assert store.find("other kind", KEY) is None


def test_the_digest_is_of_the_content_alone(store: Store) -> None:
    assert store.fetch("kind", KEY, build).digest == store.fetch("kind", {"another": "key"}, build).digest

    def differently(folder: Path) -> None:
        build(folder)
        (folder / "text").write_text("content.")

    assert store.fetch("kind", {"a": 3}, differently).digest != store.fetch("kind", KEY, never).digest


def test_a_build_that_fails_leaves_nothing(store: Store) -> None:
    def fails(folder: Path) -> None:
        build(folder)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        store.fetch("kind", KEY, fails)
    assert everything_in(store.root) == []
    assert store.find("kind", KEY) is None
    assert store.fetch("kind", KEY, build).meta["score"] == 7


def damage_file(folder: Path) -> None:
    (folder / "text").write_text("c0ntent")


def remove_file(folder: Path) -> None:
    (folder / "deep" / "bytes").unlink()


def cut_record(folder: Path) -> None:
    (folder / RECORD).write_bytes((folder / RECORD).read_bytes()[:-20])


def remove_record(folder: Path) -> None:
    (folder / RECORD).unlink()


def empty_list(folder: Path) -> None:
    (folder / RECORD).write_text("[]")


def other_meta(folder: Path) -> None:
    text = (folder / RECORD).read_text()
    assert '"score": 7' in text
    (folder / RECORD).write_text(text.replace('"score": 7', '"score": 8'))


def not_utf8(folder: Path) -> None:
    (folder / RECORD).write_bytes(b"\xff\xfe")


def nested_record(folder: Path) -> None:
    (folder / RECORD).write_text("[" * 100_000)


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def a_broken_link(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def a_link_to_other_things(folder: Path) -> None:
    shutil.rmtree(folder)
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "precious").write_text("")
    folder.symlink_to("elsewhere")


def an_empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


DAMAGES = {
    damage_file: "text has changed", remove_file: "deep/bytes is missing",
    remove_record: f"{RECORD} is missing",
    cut_record: "invalid JSON", empty_list: "TypeError: ",
    other_meta: f"{RECORD} has changed", not_utf8: "It looks like UTF-16: save the file as UTF-8",
    nested_record: "invalid JSON", a_file: f"{RECORD} is missing", a_broken_link: f"{RECORD} is missing",
    a_link_to_other_things: f"{RECORD} is missing", an_empty_folder: f"{RECORD} is missing",
}  # fmt: skip
"""What is done to an artefact, and what is said of it."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artefact_is_said_to_be_and_made_again(
    store: Store, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    made = store.fetch("kind", KEY, build)
    damage(made.path)
    again = store.fetch("kind", KEY, build)
    assert not again.reused
    assert again.meta["score"] == 7
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"bench: kind artefact {made.path} is damaged (")
    assert DAMAGES[damage] in said
    assert ".);" not in said
    assert store.fetch("kind", KEY, never).reused
    assert len(list((store.root / "kind").glob("elsewhere/precious"))) == (damage is a_link_to_other_things)


def test_what_was_recorded_comes_back_as_json_would_have_it(store: Store) -> None:
    meta: dict[str, Any] = {
        "text": "ü\u2028",
        "none": None,
        "list": [1, 0.1, 1e-300],
        "nested": {"b": 1, "a": True},
        "no number": float("inf"),
    }
    store.fetch("kind", KEY, lambda folder: meta)
    artefact = store.fetch("kind", KEY, never)
    assert {name: artefact.meta[name] for name in meta} == meta


CHILD = """
import os, sys, time
from pathlib import Path
from bench.store.artefacts import Store
store = Store(Path({root!r}))
def build(folder):
    (folder / "text").write_text("content")
    {work}
    return {{"by": os.getpid()}}
{before}
artefact = store.fetch("kind", {{"k": 1}}, build)
print(artefact.meta["by"], artefact.reused)
"""


def child(root: Path, work: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD).format(root=str(root), work=work, before=before)],
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_process_that_ends_in_the_middle_leaves_no_artefact(store: Store) -> None:
    ended = child(store.root, "os._exit(9)")
    ended.communicate(timeout=60)
    assert ended.returncode == 9
    assert store.find("kind", {"k": 1}) is None
    assert store.fetch("kind", {"k": 1}, build).path.is_dir()


def test_what_a_killed_process_left_is_swept_by_the_next_one(store: Store) -> None:
    child(store.root, "os._exit(9)").communicate(timeout=60)
    assert len(list((store.root / "kind").glob(".*"))) == 1
    leftovers = list((store.root / "kind").glob(".*"))
    assert Store(store.root).sweep("another kind") == []
    assert Store(store.root).sweep("kind") == leftovers
    child(store.root, "os._exit(9)").communicate(timeout=60)
    Store(store.root).fetch("kind", {"another": "key"}, build)
    assert list((store.root / "kind").glob(".*")) == []


def test_what_a_living_process_is_making_is_left_alone(store: Store) -> None:
    def making(folder: Path) -> None:
        assert Store(store.root).sweep("kind") == []
        build(folder)

    assert store.fetch("kind", KEY, making).meta["seconds"] >= 0


def test_two_processes_that_race_agree(store: Store, tmp_path: Path) -> None:
    start = (
        f"ready = Path({str(tmp_path)!r}); (ready / f'ready-{{os.getpid()}}').touch()\n"
        "while len(list(ready.glob('ready-*'))) < 2: time.sleep(0.001)"
    )
    racing = [child(store.root, "time.sleep(0.2)", start) for _ in range(2)]
    printed = [process.communicate(timeout=60)[0].split() for process in racing]
    assert [process.returncode for process in racing] == [0, 0]
    assert len({by for by, _ in printed}) == 1  # both use what one of them made
    assert sorted(reused for _, reused in printed) == ["False", "True"]
    assert not list((store.root / "kind").glob(".*"))


def test_scratch_that_a_kill_left_beside_a_finished_artefact_goes(store: Store) -> None:
    store.fetch("kind", KEY, lambda folder: None)
    scratch = store.scratch("kind", KEY)
    (scratch / "checkpoint").write_text("whole")
    assert store.fetch("kind", KEY, lambda folder: None).reused
    assert not scratch.exists()


def test_scratch_that_another_process_works_in_stays(store: Store) -> None:
    made = store.fetch("kind", KEY, build)
    scratch = store.scratch("kind", KEY)
    with Store(store.root).lock("kind", made.path.name):
        assert store.fetch("kind", KEY, never).reused
        assert scratch.is_dir()


def test_a_lock_is_waited_for_unless_it_is_said_not_to_be(store: Store) -> None:
    with store.lock("kind", "name") as waiting, store.lock("kind", "other", wait=False) as impatient:
        assert (waiting.timeout, impatient.timeout) == (-1, 0)


def test_a_store_that_was_deleted_meanwhile_is_made_again(store: Store) -> None:
    shutil.rmtree(store.root)
    assert store.find("kind", KEY) is None
    assert not store.fetch("kind", KEY, build).reused


def test_a_store_that_cannot_be_written_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(path)

    store.fetch("kind", KEY, build)
    monkeypatch.setattr(os, "utime", refuse)
    assert store.find("kind", KEY) is not None


def test_a_full_disk_whose_path_nobody_says_is_that_of_the_store(store: Store) -> None:
    def fails(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        store.fetch("kind", KEY, fails)
    assert caught.value.filename == str(store.root)


def test_what_another_process_made_before_the_lock_was_free_is_not_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Store.lock

    def waited_for(self: Store, kind: str, name: str, *, wait: bool = True) -> Any:
        monkeypatch.undo()
        Store(self.root).fetch(kind, KEY, build)
        return lock(self, kind, name, wait=wait)

    monkeypatch.setattr(Store, "lock", waited_for)
    assert store.fetch("kind", KEY, never).reused


def test_scratch_outlives_a_failure_and_goes_when_the_work_is_done(store: Store) -> None:
    def fails(folder: Path) -> None:
        (store.scratch("kind", KEY) / "checkpoint").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.fetch("kind", KEY, fails)
    assert (store.scratch("kind", KEY) / "checkpoint").read_text() == "half"
    assert not (store.scratch("kind", {"other": 1}) / "checkpoint").exists()
    store.fetch("kind", KEY, build)
    assert list(store.scratch("kind", KEY).iterdir()) == []


def test_a_shared_store_is_readable_as_the_umask_says(store: Store) -> None:
    before = os.umask(0o022)
    try:
        made = store.fetch("kind", KEY, build)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o755
    assert stat.S_IMODE((made.path / RECORD).stat().st_mode) == 0o644


def test_the_record_names_key_and_files(store: Store) -> None:
    record = json.loads((store.fetch("kind", KEY, build).path / RECORD).read_text())
    assert (record["kind"], record["key"]) == ("kind", KEY)
    assert set(record["files"]) == {"text", "deep/bytes"}
    assert store.fetch("kind", KEY, never).path.name == digest(record["key"])[:32]


def test_a_store_that_cannot_be_made_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--store or BENCH_STORE"):
        Store(tmp_path / "file" / "store")


def test_the_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_STORE", str(tmp_path / "named"))
    assert default_root() == tmp_path / "named"
    monkeypatch.delenv("BENCH_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "qms-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".cache" / "qms-bench"


def test_without_a_home_the_remedy_is_a_named_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("BENCH_STORE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(MissingError, match=r"^no place for the store: .* with --store or BENCH_STORE\.$"):
        default_root()


def test_an_artefact_that_is_too_old_is_made_again_without_a_word(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    now = store.fetch("kind", KEY, build).made_at + 1
    assert store.find("kind", KEY) is not None
    assert store.find("kind", KEY, newer_than=now) is None
    made = store.fetch("kind", KEY, build, newer_than=now)
    assert not made.reused
    assert made.made_at >= now
    assert store.fetch("kind", KEY, never, newer_than=now).reused
    assert capsys.readouterr().err == ""


def test_an_artefact_that_cannot_be_removed_is_named_by_its_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    made = store.fetch("kind", KEY, build)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(OSError, match="Input/output error") as caught:
        store.fetch("kind", KEY, never, newer_than=made.made_at + 1)
    assert caught.value.filename == str(store.root)


def test_leftovers_that_cannot_be_removed_stop_no_run(store: Store) -> None:
    store.fetch("kind", KEY, build)
    scratch = store.scratch("kind", KEY)
    scratch.rmdir()
    leftover = store.root / "kind" / f".{'0' * 32}.abc"
    for path in (scratch, leftover):
        path.write_text("a file, which no run leaves")
    assert store.fetch("kind", KEY, never).reused
    assert not Store(store.root).fetch("kind", {"another": "key"}, build).reused


def test_the_time_that_a_build_took_is_in_milliseconds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.5, 101.73456])
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    monkeypatch.setattr("bench.store.artefacts.time", clock)
    assert store.fetch("kind", KEY, build).meta["seconds"] == 1.235


def test_all_of_an_artefact_is_on_the_disk_before_it_has_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("bench.store.artefacts.sync", synced.append)
    made = store.fetch("kind", KEY, build)
    unfinished = next(path.parent for path in synced if path.name == "text")
    names = {str(path.relative_to(unfinished)) for path in synced[:-1]}
    assert names == {"text", "deep/bytes", "deep", "."}
    assert synced[-1] == made.path.parent, "its name, too"


def test_the_order_of_a_record_decides_nothing(store: Store) -> None:
    made = store.fetch("kind", KEY, build)
    record = json.loads((made.path / RECORD).read_text())
    (made.path / RECORD).write_text(json.dumps(dict(reversed(record.items()))))
    found = store.find("kind", KEY)
    assert found is not None
    assert found.made_at == (made.path / RECORD).stat().st_mtime_ns


def test_a_store_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    assert Store(tmp_path / "a" / "b" / "store").root.is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"\(Not a directory\)\. Name another folder with --store or BENCH_"):
        Store(tmp_path / "file" / "store")

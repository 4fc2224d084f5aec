"""A full disk: it is named with a remedy, nothing is half written, and a repeat succeeds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.chaos.full_disk import Disk, small_disk
from tests.chaos.killed_command import contents
from tests.conftest import Cli
from tests.tiny import write_tiny

FREE = (0, 4096, 16384, 65536, 131072, 262144) if "BENCH_KILLS" in os.environ else (0, 65536)
"""Bytes that are left; a run needs some 300,000 in all."""
ENGINE = ("--generators", "lead", "--retrievers", "bm25", "--set", "bm25.engine=bm25s", "--quiet")
RUN = ("run", "--data", "{there}/data", *ENGINE)
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "run --out": (*RUN, "--out", "{disk}/made", "--store", "{there}/store"),
    "run --store": (*RUN, "--out", "{there}/out", "--store", "{disk}/made"),
    "data synth": ("data", "synth", "--videos", "60", "--out", "{disk}/made"),
    "export": ("export", "{there}/whole", "--format", "beir", "--to", "{disk}/made"),
    "report": ("report", "{there}/whole", "--to", "{disk}/made/page.html", "--figures", "svg"),
    "evaluate": ("evaluate", "--qrels", "{there}/whole/qrels.trec",
                 "--run", "{there}/whole/runs/lead.bm25.trec", "--out", "{disk}/made"),
    "summarize": ("summarize", "lead", "--data", "{there}/data", "--store", "{there}/store",
                  "--videos", "{there}/data", "--out", "{disk}/made/s.jsonl"),
    "check": ("check", "{there}/whole", "--against", "{disk}/made/base.csv", "--update"),
}  # fmt: skip
ALL_OR_NOTHING = ("data synth", "export")
"""Commands that write a new folder; the others write one file or artefact after another."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with small_disk(tmp_path_factory.mktemp("full") / "disk") as disk:
        yield disk


@pytest.fixture(autouse=True)
def _empty(disk: Disk) -> Iterator[None]:
    yield
    for path in disk.folder.iterdir():
        shutil.rmtree(path)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder on another disk with a dataset."""
    folder = tmp_path_factory.mktemp("there")
    write_tiny(folder / "data")
    return folder


@pytest.mark.parametrize("free", FREE)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_named_and_the_repeat_is_whole(
    name: str, free: int, disk: Disk, there: Path, cli: Cli
) -> None:
    words = [word.format(disk=disk.folder, there=there) for word in COMMANDS[name]]
    if not (there / "whole").is_dir():
        assert cli(*RUN[:2], there / "data", *ENGINE, "--out", there / "whole").status == 0
    with disk.full(free):
        done = cli(*words)
    assert done.status in (0, 4) or name == "data synth", done.err
    if done.status:
        assert str(disk.folder) in done.error()
        assert "Free some space" in done.error() or "are free. Ask for fewer videos" in done.error()
    # an unfinished file of summaries is continued, under another name
    left = {path: data for path, data in contents(disk.folder).items() if ".part" not in path}
    assert [path for path in left if Path(path).name.startswith(".") or ".tmp" in path] == []
    assert not left or done.status == 0 or name not in ALL_OR_NOTHING
    if done.status:
        again = cli(*words)
        assert again.status == 0, again.err
    whole = contents(disk.folder)
    assert {path: whole[path] for path in left} == left, "what was written was whole"

"""The demo datasets: made once, whole or absent, made again when they changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.data.synthetic import writer
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.writer import demo, demo_zh
from tests.data.synthetic.made import Made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the demo small: these tests are about the cache, not the size."""
    options = SynthOptions
    monkeypatch.setattr(writer, "SynthOptions", lambda **knobs: options(videos=12, **knobs))


def test_the_demo_is_made_once_and_found_again(tmp_path: Path, small: None) -> None:
    folder = demo(tmp_path / "cache")
    before = (folder / "videos.jsonl").stat().st_mtime_ns
    assert demo(tmp_path / "cache") == folder
    assert (folder / "videos.jsonl").stat().st_mtime_ns == before
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_the_demos_bear_their_names(tmp_path: Path, small: None) -> None:
    english, chinese = Made(demo(tmp_path)), Made(demo_zh(tmp_path))
    assert (english.about["name"], english.about["language"]) == ("demo", "en")
    assert (chinese.about["name"], chinese.about["language"]) == ("demo-zh", "zh")


def test_the_demo_has_1200_videos_by_default() -> None:
    assert SynthOptions().splits() == {"train": 800, "val": 100, "test": 300}


def test_a_demo_killed_half_way_is_not_used(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*anything: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_write_metadata", killed)
        with pytest.raises(KeyboardInterrupt):
            demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(Made(demo(tmp_path)).videos) == 12


def test_what_a_hard_kill_leaves_behind_is_not_used(tmp_path: Path, small: None) -> None:
    left = tmp_path / ".demo-abc" / "made"
    left.mkdir(parents=True)
    (left / "videos.jsonl").write_text("")
    assert len(Made(demo(tmp_path)).videos) == 12


def test_a_demo_of_other_code_is_not_used(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = demo(tmp_path)
    monkeypatch.setattr(writer, "code_digest", lambda module: "older")
    assert demo(tmp_path) != first


@pytest.mark.parametrize("name", ["videos.jsonl", "features/synthetic-64/frames.npy"])
def test_a_demo_that_was_changed_is_reported_and_made_again(
    tmp_path: Path, small: None, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = demo(tmp_path) / name
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert demo(tmp_path) / name == path
    assert path.read_bytes() == before
    assert f"({name} has changed)" in capsys.readouterr().err


LIMITED = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # as a full disk: a write fails in the middle
from bench.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_fills_up_is_an_error_that_names_the_place_and_leaves_nothing(
    tmp_path: Path, process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    environment = {"BENCH_STORE": str(tmp_path / "store")}
    for words in (["stats", "demo"], ["synth", "--out", tmp_path / "folder", "--videos", "300"]):
        done = process("-c", LIMITED, "data", *words, env=environment)
        assert done.returncode not in (0, 1, 135, -7), done.stderr
        assert "bench: error: " in done.stderr
        assert f"{tmp_path}/" in done.stderr
    assert not (tmp_path / "folder").exists()
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.name != "locks"] == []

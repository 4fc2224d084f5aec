"""The row vlm: pictures go with the transcript, and decide under which key an answer is kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.data.reader import read_dataset
from bench.errors import GateError, MissingError
from bench.types import Video
from generators.zero_shot.llm import LLM
from generators.zero_shot.pictures import spread
from generators.zero_shot.row import EndpointRow
from generators.zero_shot.vlm import VLM
from tests.chat_server import ChatServer, answer, question
from tests.conftest import ROOT, Cli
from tests.generators.zero_shot.conftest import MakeVLM, videos
from tests.tiny import Tiny, write_pictures


def pool(tiny: Tiny, counts: Mapping[str, int]) -> list[Video]:
    """Return the test videos of the dataset, so many of which have pictures."""
    write_pictures(tiny.folder, counts)
    return read_dataset(tiny.folder).videos("test", references=False)


def sent_pictures(body: Mapping[str, Any]) -> list[bytes]:
    """Decode the pictures of a request."""
    content = body["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    assert all(url.startswith("data:image/jpeg;base64,") for url in urls)
    return [base64.b64decode(url.partition(",")[2], validate=True) for url in urls]


@pytest.mark.parametrize(
    ("count", "wanted", "taken"),
    [(9, 1, [4]), (9, 3, [1, 4, 7]), (2, 4, [0, 1]), (4, 4, [0, 1, 2, 3]), (1, 1, [0]), (0, 2, [])],
)
def test_pictures_are_spread_evenly(count: int, wanted: int, taken: Sequence[int], tiny: Tiny) -> None:
    found = {video.video_id: video.pictures for video in pool(tiny, {"v2": count})}["v2"]
    assert list(spread(found, wanted)) == [found[i] for i in taken]


def test_pictures_go_with_the_transcript(make_vlm: MakeVLM, server: ChatServer, tiny: Tiny) -> None:
    texts = {video.video_id: video.transcript.strip() for video in pool(tiny, {"v2": 9, "v100": 1})}
    row = make_vlm(frames=3)
    seen = read_dataset(tiny.folder).videos("test", references=False)
    summaries = row.summarize(seen)
    sent = {question(body): body for body in server.bodies}
    folder = tiny.folder / "frames"
    assert sent_pictures(sent[texts["v2"]]) == [(folder / "v2" / f"{i}.jpg").read_bytes() for i in (1, 4, 7)]
    assert sent_pictures(sent[texts["v100"] or "(no speech)"]) == [(folder / "v100" / "0.jpg").read_bytes()]
    assert sum(isinstance(body["messages"][-1]["content"], str) for body in server.bodies) == len(sent) - 2
    assert summaries["v2"] == f"about {texts['v2'][:20].strip()}"
    assert row.coverage()["videos without pictures"] == len(seen) - 2
    assert row.signature()["frames"] == "3"


def test_other_pictures_are_another_request(make_vlm: MakeVLM, server: ChatServer, tiny: Tiny) -> None:
    seen = [video for video in pool(tiny, {"v2": 2}) if video.video_id == "v2"]
    make_vlm().summarize(seen)
    make_vlm(allowed=False).summarize(seen)
    assert len(server.bodies) == 1, "the same pictures are asked about once"
    picture = tiny.folder / "frames" / "v2" / "1.jpg"
    picture.write_bytes(picture.read_bytes() + b" ")
    changed = [v for v in read_dataset(tiny.folder).videos("test", references=False) if v.video_id == "v2"]
    make_vlm().summarize(changed)
    make_vlm(frames=1).summarize(changed)
    assert len(server.bodies) == 3


def test_pictures_are_reserved_in_the_budget(make_vlm: MakeVLM, server: ChatServer, tiny: Tiny) -> None:
    seen = [video for video in pool(tiny, {"v2": 2}) if video.pictures]
    with pytest.raises(GateError, match=r"vlm\.budget_tokens=6000 might be exceeded"):
        make_vlm(budget_tokens=6000).summarize(seen)
    assert not server.bodies
    server.reply = lambda body: answer("bread", read=100, written=5)
    assert make_vlm(budget_tokens=8000).summarize(seen) == {"v2": "bread"}


def test_a_dataset_without_pictures_is_missing_something(make_vlm: MakeVLM, server: ChatServer) -> None:
    with pytest.raises(MissingError, match=r"none of 2 videos has one.*--keep-frames 4.*frames/ID/0\.jpg"):
        make_vlm().summarize(videos("bread", "cake"))
    assert not server.bodies


def test_a_run_with_pictures(cli: Cli, tiny: Tiny, server: ChatServer, tmp_path: Path) -> None:
    command = [
        "run", "--data", tiny.folder, "--generators", "lead,vlm", "--retrievers", "bm25", "--allow-network",
        "--set", f"vlm.url={server.url}", "--set", "vlm.model=small",
    ]  # fmt: skip
    blind = cli(*command, "--out", tmp_path / "blind")
    assert blind.status == 4
    assert "vlm looks at pictures" in blind.error()
    write_pictures(tiny.folder, {"v2": 5, "v9": 5})
    done = cli(*command, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert "vlm: model=small,prompt=" in done.out
    assert "frames=4" in done.out
    assert "4 videos without pictures" in done.out
    again = cli(*command[:-5], *command[-4:], "--out", tmp_path / "again")
    assert again.status == 0, "what is in the store needs no permission"


@pytest.mark.parametrize("row", [LLM, VLM])
def test_the_documentation_shows_the_prompt(row: type[EndpointRow]) -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8").replace("\n> ", " ")
    assert row.prompt in page

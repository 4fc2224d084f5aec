"""Random damage to a dataset folder (seeded): refused with exit 3, or read as a strict reader reads it."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.data.reader import read_dataset
from bench.errors import DataError
from bench.text import normalise
from tests.conftest import Cli
from tests.fuzz.cases import COUNT
from tests.tiny import Tiny

TEXTS = ("dataset.json", "videos.jsonl", "queries.jsonl", "qrels.tsv")
FEATURES = ("frames.npy", "offsets.npy", "ids.txt")
SEEDS_PER_FILE = COUNT
ODD_IDS = (
    "-q1",
    "--help",
    "007",
    "1e5",
    "nan",
    "None",
    "=1+1",
    "q1 ",
    "",
    "v\u202e1",
    "𝒗1",
    "../v",
    "a" * 5000,
)
HEADERS = (b"(True, 4)", b"(-1, 4)", b"(9**9, 4)", b"'<f8'", b"'|O'", b"'---1'", b"()", b"(((((", b"1e999")


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_out(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randint(1, 80) :]


def repeat_a_part(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start : start + rng.randint(1, 80)] + data[start:]


def insert_bytes(data: bytes, rng: random.Random) -> bytes:
    odd = rng.choice(
        (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b"\xe2\x80\xa8", b"\xed\xa0\x80")
    )
    start = rng.randrange(len(data) + 1)
    return data[:start] + odd + data[start:]


def repeat_a_key(data: bytes, rng: random.Random) -> bytes:
    places = [i for i in range(len(data)) if data[i : i + 1] == b"{"] or [0]
    start = rng.choice(places) + 1
    key = rng.choice((b'"id": "x", ', b'"text": "", ', b'"name": "y", ', b'"split": "test", '))
    return data[:start] + key + data[start:]


def replace_an_id(data: bytes, rng: random.Random) -> bytes:
    words = [b"q1", b"q10", b"q2", b"v1", b"v10", b"v100", b"v3", b"test", b"1"]
    return data.replace(rng.choice(words), rng.choice(ODD_IDS).encode(), rng.choice((1, -1)))


def change_a_header(data: bytes, rng: random.Random) -> bytes:
    fields = (b"(61, 4)", b"(60, 4)", b"(12,)", b"'<f2'", b"'<i8'", b"False", b"descr", b"NUMPY")
    return data.replace(rng.choice(fields), rng.choice(HEADERS), 1)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip_bits, cut_out, repeat_a_part, insert_bytes, repeat_a_key, replace_an_id, change_a_header,
)  # fmt: skip


def refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def read_strictly(folder: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str], dict[str, set[str]]]:
    """Read videos, queries and relevance with nothing but json; queries of one text are united."""

    def lines(name: str) -> list[str]:
        text = (folder / name).read_bytes().decode("utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")

    def objects(name: str) -> list[dict[str, Any]]:
        return [json.loads(line, object_pairs_hook=refuse_repeated_keys) for line in lines(name)]

    videos = {item["id"]: (item["transcript"], item["split"]) for item in objects("videos.jsonl")}
    texts = {item["id"]: item["text"] for item in objects("queries.jsonl")}
    same: dict[str, list[str]] = {}
    for query, text in texts.items():
        same.setdefault(normalise(text), []).append(query)
    united = {query: min(group) for group in same.values() for query in group}
    relevant: dict[str, set[str]] = {query: set() for query in united.values()}
    for line in lines("qrels.tsv"):
        query, video, grade = line.split("\t")
        assert video in videos
        if int(grade) > 0:
            relevant[united[query]].add(video)
    return videos, {query: texts[query] for query in relevant}, relevant


@contextmanager
def no_hang(seconds: int) -> Iterator[None]:
    """Fail instead of waiting for ever, for a pipe or for work without bounds."""

    def stop(*_: object) -> None:
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def damage(tiny: Tiny, name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    path = tiny.feature(name) if name in FEATURES else tiny.path(name)
    data = path.read_bytes()
    for _ in range(rng.randint(1, 2)):
        data = rng.choice(MUTATIONS)(data, rng) or b"?"
    path.write_bytes(data)


@pytest.mark.parametrize("name", TEXTS + FEATURES)
def test_a_damaged_file_is_refused_or_read_as_it_is_written(name: str, tiny: Tiny) -> None:
    untouched = tiny.folder.parent / "untouched"
    tiny.folder.rename(untouched)
    outcomes = set()
    for seed in range(SEEDS_PER_FILE):
        shutil.copytree(untouched, tiny.folder)
        damage(tiny, name, seed)
        with no_hang(60):
            outcomes.add(refused_or_agreeing(tiny.folder))
        shutil.rmtree(tiny.folder)
    assert outcomes == {"refused", "read"}  # the damage is neither always fatal nor always harmless


def is_short_and_names(folder: Path, message: str) -> bool:
    return str(folder) in message and len(message) < 1000 + len(str(folder))


def refused_or_agreeing(folder: Path) -> str:
    try:
        dataset = read_dataset(folder)
    except DataError as error:
        return "refused" if is_short_and_names(folder, str(error)) else f"refused badly: {error}"
    videos, queries, relevant = read_strictly(folder)
    assert {r.video_id: (r.transcript, r.split) for r in dataset.records} == videos
    assert dict(dataset.queries) == queries
    assert {query: set(ids) for query, ids in dataset.relevant.items()} == relevant
    for video in dataset.videos("test", references=True):
        assert video.frames.ndim == 2
    return "read"


@pytest.mark.parametrize("name", TEXTS + FEATURES)
def test_the_command_line_ends_with_0_or_3(name: str, tiny: Tiny, cli: Cli) -> None:
    untouched = tiny.folder.parent / "untouched"
    tiny.folder.rename(untouched)
    for seed in range(SEEDS_PER_FILE, SEEDS_PER_FILE + 8):
        shutil.copytree(untouched, tiny.folder)
        damage(tiny, name, seed)
        with no_hang(60):
            outcome = cli("data", "validate", tiny.folder)
        assert outcome.status in {0, 3}, (seed, outcome.out)
        shutil.rmtree(tiny.folder)

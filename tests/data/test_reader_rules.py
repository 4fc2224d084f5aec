"""Every rule of contract section 2: what is refused, and where the message says so."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.data.reader import read_dataset
from bench.errors import DataError
from tests.conftest import Cli
from tests.tiny import DIM, LENGTHS, VIDEOS, Tiny

Damage = Callable[[Tiny], None]


def line(name: str, number: int, text: str | bytes) -> Damage:
    return lambda tiny: tiny.line(name, number, text)


def edit(name: str, number: int, /, **fields: object) -> Damage:
    return lambda tiny: tiny.edit(name, number, **fields)


def write(name: str, content: str | bytes) -> Damage:
    data = content.encode() if isinstance(content, str) else content
    return lambda tiny: (tiny.path(name).write_bytes(data), None)[1]


def remove(name: str) -> Damage:
    return lambda tiny: tiny.path(name).unlink()


def feature(name: str, array: Any) -> Damage:
    return lambda tiny: np.save(tiny.feature(name), array, allow_pickle=True)


def offsets(change: Callable[[Any], Any]) -> Damage:
    def damage(tiny: Tiny) -> None:
        np.save(tiny.feature("offsets.npy"), change(np.load(tiny.feature("offsets.npy"))))

    return damage


def frames(change: Callable[[Any], Any]) -> Damage:
    def damage(tiny: Tiny) -> None:
        np.save(tiny.feature("frames.npy"), change(np.load(tiny.feature("frames.npy"))))

    return damage


def texts(change: Callable[[Any], Any]) -> Damage:
    def damage(tiny: Tiny) -> None:
        vectors = change(np.ones((len(LENGTHS), DIM), np.float16))
        np.save(tiny.feature("transcripts.npy"), vectors, allow_pickle=True)

    return damage


def feature_bytes(name: str, content: bytes) -> Damage:
    return lambda tiny: (tiny.feature(name).write_bytes(content), None)[1]


def pipe(name: str) -> Damage:
    def damage(tiny: Tiny) -> None:
        tiny.path(name).unlink()
        os.mkfifo(tiny.path(name))

    return damage


def header(kind: str, shape: str) -> Damage:
    """Write frames whose header has these literals for the type and the shape."""

    def damage(tiny: Tiny) -> None:
        text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"
        text += " " * (-(len(text) + 11) % 64) + "\n"
        head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
        tiny.feature("frames.npy").write_bytes(head + bytes(64))

    return damage


def archive(tiny: Tiny) -> None:
    with tiny.feature("frames.npy").open("wb") as stream:
        np.savez(stream, frames=np.zeros((2, 2)))


def cut_short(tiny: Tiny) -> None:
    path = tiny.feature("frames.npy")
    path.write_bytes(path.read_bytes()[:-3])


def no_test_split(tiny: Tiny) -> None:
    for number, (_, _, split) in enumerate(VIDEOS, start=1):
        if split == "test":
            tiny.edit("videos.jsonl", number, split="train")


def with_nan(array: Any) -> Any:
    array[7, 1] = np.nan
    return array


VIDEO, QUERY, META = "videos.jsonl", "queries.jsonl", "dataset.json"


DEEP, NINES = "[" * 100_000, "9" * 5000


RULES: dict[str, tuple[Damage, str, str]] = {  # name: (damage, place in the message, words in it)
    # dataset.json
    "metadata missing": (remove(META), "dataset.json: ", "missing"),
    "metadata not JSON": (write(META, '{"name": "x",\n "language": }'), "dataset.json:2: ", "invalid JSON"),
    "metadata not UTF-8": (write(META, b'{"name": "\xff"}'), "dataset.json:1: ", "not UTF-8"),
    "metadata in UTF-16": (write(META, '{"name": "x"}'.encode("utf-16")), "dataset.json:1: ", "not UTF-8"),
    "metadata a pipe": (pipe(META), "dataset.json: ", "not a regular file"),
    "metadata with a key twice": (write(META, '{"name": "x", "name": "y"}'), "dataset.json:1: ", "twice"),
    "metadata a list": (write(META, "[]"), "dataset.json:1: ", "object"),
    "metadata without a name": (edit(META, 1, name=...), "dataset.json:1: ", "'name' is missing"),
    "metadata with a number for a version": (edit(META, 1, version=1), "dataset.json:1: ", "a number"),
    "metadata of an unknown language": (edit(META, 1, language="french"), "dataset.json:1: ", "ISO 639"),
    "metadata of a long code": (edit(META, 1, language="eng"), "dataset.json:1: ", "two letters"),
    "metadata without a language": (edit(META, 1, language=...), "dataset.json:1: ", "'language'"),
    # videos.jsonl
    "videos missing": (remove(VIDEO), "videos.jsonl: ", "missing"),
    "video not JSON": (line(VIDEO, 3, '{"id": "v12",'), "videos.jsonl:3: ", "invalid JSON"),
    "video in quotes only": (line(VIDEO, 3, '"v12"'), "videos.jsonl:3: ", "object"),
    "video line empty": (line(VIDEO, 3, ""), "videos.jsonl:3: ", "invalid JSON"),
    "video NaN": (line(VIDEO, 3, '{"id": "v12", "transcript": NaN}'), "videos.jsonl:3: ", "NaN"),
    "video Infinity": (line(VIDEO, 3, '{"id": "v12", "x": -Infinity}'), "videos.jsonl:3: ", "Infinity"),
    "video with a key twice": (line(VIDEO, 3, '{"id": "a", "id": "b"}'), "videos.jsonl:3: ", "appears twice"),
    "video nested too deeply": (line(VIDEO, 3, f'{{"id": {DEEP}'), "videos.jsonl:3: ", "invalid JSON"),
    "video with an endless number": (line(VIDEO, 3, f'{{"id": {NINES}}}'), "videos.jsonl:3: ", ""),
    "video not UTF-8": (line(VIDEO, 3, b'{"id": "v\xe9"}'), "videos.jsonl:3: ", "not UTF-8"),
    "video without id": (edit(VIDEO, 4, id=...), "videos.jsonl:4: ", "'id' is missing"),
    "video with a number for an id": (edit(VIDEO, 4, id=4), "videos.jsonl:4: ", "a number"),
    "video with an empty id": (edit(VIDEO, 4, id=""), "videos.jsonl:4: ", "empty"),
    "video id with a blank": (edit(VIDEO, 4, id="v 4"), "videos.jsonl:4: ", "white space"),
    "video id with a tab": (edit(VIDEO, 4, id="v\t4"), "videos.jsonl:4: ", "white space"),
    "video id with a no-break space": (edit(VIDEO, 4, id="v\u00a04"), "videos.jsonl:4: ", "white space"),
    "video id with a line separator": (edit(VIDEO, 4, id="v\u20284"), "videos.jsonl:4: ", "white space"),
    "video id with a control": (edit(VIDEO, 4, id="v\x004"), "videos.jsonl:4: ", "control"),
    "video id with a lone surrogate": (edit(VIDEO, 4, id="v\ud800"), "videos.jsonl:4: ", "surrogate"),
    "video twice": (edit(VIDEO, 4, id="v1"), "videos.jsonl:4: ", "already on line 1"),
    "video without a transcript": (edit(VIDEO, 4, transcript=...), "videos.jsonl:4: ", "'transcript'"),
    "video with null for a transcript": (edit(VIDEO, 4, transcript=None), "videos.jsonl:4: ", "null"),
    "video with a list for a transcript": (edit(VIDEO, 4, transcript=[]), "videos.jsonl:4: ", "a list"),
    "transcript with a lone surrogate": (edit(VIDEO, 4, transcript="\udc00"), "jsonl:4: ", "surrogate"),
    "video without a split": (edit(VIDEO, 4, split=...), "videos.jsonl:4: ", "'split'"),
    "video of an unknown split": (edit(VIDEO, 4, split="tests"), "videos.jsonl:4: ", "Did you mean test?"),
    "video of a split in capitals": (edit(VIDEO, 4, split="TRAIN"), "videos.jsonl:4: ", "TRAIN"),
    "no test split": (no_test_split, "videos.jsonl: ", "test split is empty"),
    "videos a pipe": (pipe("videos.jsonl"), "videos.jsonl: ", "not a regular file"),
    # queries.jsonl
    "queries missing": (remove(QUERY), "queries.jsonl: ", "missing"),
    "query not JSON": (line(QUERY, 2, "{'id': 'q1'}"), "queries.jsonl:2: ", "invalid JSON"),
    "query not UTF-8": (line(QUERY, 2, b'{"id": "\xff"}'), "queries.jsonl:2: ", "not UTF-8"),
    "query without text": (edit(QUERY, 2, text=...), "queries.jsonl:2: ", "'text' is missing"),
    "query with true for a text": (edit(QUERY, 2, text=True), "queries.jsonl:2: ", "true or false"),
    "query id with a blank": (edit(QUERY, 2, id=" q1"), "queries.jsonl:2: ", "white space"),
    "query twice": (edit(QUERY, 2, id="q10"), "queries.jsonl:2: ", "already on line 1"),
    # qrels.tsv
    "qrels a pipe": (pipe("qrels.tsv"), "qrels.tsv: ", "not a regular file"),
    "qrels a folder": (lambda t: (remove("qrels.tsv")(t), t.path("qrels.tsv").mkdir())[1], "v: ", "a folder"),
    "qrels missing": (remove("qrels.tsv"), "qrels.tsv: ", "missing"),
    "qrels with blanks for tabs": (line("qrels.tsv", 3, "q1 v10 1"), "qrels.tsv:3: ", "columns"),
    "qrels with four columns": (line("qrels.tsv", 3, "q1\tv10\t1\t"), "qrels.tsv:3: ", "4 tab-separated"),
    "qrels line empty": (line("qrels.tsv", 3, ""), "qrels.tsv:3: ", "columns"),
    "qrels of an unknown query": (line("qrels.tsv", 3, "q99\tv1\t1"), "qrels.tsv:3: ", "'q99'"),
    "qrels of an unknown video": (line("qrels.tsv", 3, "q1\tv99\t1"), "qrels.tsv:3: ", "'v99'"),
    "qrels with a fraction": (line("qrels.tsv", 3, "q1\tv1\t1.0"), "qrels.tsv:3: ", "'1.0'"),
    "qrels with a word": (line("qrels.tsv", 3, "q1\tv1\tyes"), "qrels.tsv:3: ", "'yes'"),
    "qrels with nothing": (line("qrels.tsv", 3, "q1\tv1\t"), "qrels.tsv:3: ", "not an integer"),
    "qrels with other digits": (line("qrels.tsv", 3, "q1\tv1\t１"), "qrels.tsv:3: ", "not an integer"),
    "qrels with an endless number": (line("qrels.tsv", 3, "q1\tv1\t" + NINES), "qrels.tsv:3: ", "integer"),
    "qrels that contradict themselves": (line("qrels.tsv", 3, "q1\tv10\t0"), "qrels.tsv:3: ", "further up"),
    "qrels not UTF-8": (line("qrels.tsv", 3, b"q1\tv\xff\t1"), "qrels.tsv:3: ", "not UTF-8"),
    # features
    "frames missing": (lambda t: t.feature("frames.npy").unlink(), "frames.npy: ", "missing"),
    "frames a pipe": (pipe("features/tiny-4/frames.npy"), "frames.npy: ", "not a regular file"),
    "ids a pipe": (pipe("features/tiny-4/ids.txt"), "ids.txt: ", "not a regular file"),
    "frames of a kind () ": (header("()", "(4, 4)"), "frames.npy: ", "plain NumPy array"),
    "frames of a kind of dashes": (header("'-----1'", "(4, 4)"), "frames.npy: ", "plain NumPy array"),
    "frames with True for a length": (header("'<f2'", "(True, 4)"), "frames.npy: ", ""),
    "frames with a shape of letters": (header("'<f2'", "'ab'"), "frames.npy: ", "plain NumPy array"),
    "frames with a header that nests": (header("(" * 500 + ")" * 500, "(4, 4)"), "frames.npy: ", "NumPy"),
    "frames of a negative shape": (header("'<f2'", "(-4, 4)"), "frames.npy: ", ""),
    "frames pickled": (feature("frames.npy", np.array([{}], object)), "frames.npy: ", "plain NumPy array"),
    "frames a bare pickle": (feature_bytes("frames.npy", b"\x80\x04N."), "frames.npy: ", "holds objects)."),
    "frames an archive": (archive, "frames.npy: ", "archive"),
    "frames cut short": (cut_short, "frames.npy: ", "plain NumPy array"),
    "frames an empty file": (feature_bytes("frames.npy", b""), "frames.npy: ", "plain NumPy array"),
    "frames of doubles": (frames(lambda a: a.astype(np.float64)), "frames.npy: ", "float64"),
    "frames of integers": (frames(lambda a: a.astype(np.int64)), "frames.npy: ", "int64"),
    "frames big-endian": (frames(lambda a: a.astype(">f4")), "frames.npy: ", ">f4"),
    "frames with one axis": (frames(lambda a: a.ravel()), "frames.npy: ", "shape"),
    "frames of no width": (frames(lambda a: a[:, :0]), "frames.npy: ", "shape"),
    "frames a single number": (frames(lambda a: np.float32(1)), "frames.npy: ", "shape"),
    "frames not finite": (frames(with_nan), "frames.npy: ", "row 7 holds a value that is not finite"),
    "offsets missing": (lambda t: t.feature("offsets.npy").unlink(), "offsets.npy: ", "missing"),
    "offsets of 32 bits": (offsets(lambda a: a.astype(np.int32)), "offsets.npy: ", "int32"),
    "offsets too few": (offsets(lambda a: a[:-1]), "offsets.npy: ", "shape"),
    "offsets not from 0": (offsets(lambda a: np.maximum(a, 1)), "offsets.npy: ", "do not fit"),
    "offsets not to the end": (offsets(lambda a: np.minimum(a, a[-1] - 1)), "offsets.npy: ", "do not fit"),
    "offsets falling": (offsets(lambda a: a[[0, 2, 1, *range(3, len(a))]]), "offsets.npy: ", "do not fit"),
    "offsets a single number": (offsets(lambda a: np.int64(3)), "offsets.npy: ", "shape"),
    "texts pickled": (texts(lambda a: a.astype(object)), "transcripts.npy: ", "plain NumPy array"),
    "texts an empty file": (feature_bytes("transcripts.npy", b""), "transcripts.npy: ", "plain NumPy array"),
    "texts a folder": (lambda t: t.feature("transcripts.npy").mkdir(), "transcripts.npy: ", "a folder"),
    "texts a dead link": (lambda t: t.feature("transcripts.npy").symlink_to("no"), "pts.npy: ", "missing"),
    "texts of doubles": (texts(lambda a: a.astype(np.float64)), "transcripts.npy: ", "float64"),
    "texts too few": (texts(lambda a: a[1:]), "transcripts.npy: ", "(11, 4) is expected"),
    "texts too narrow": (texts(lambda a: a[:, 1:]), "transcripts.npy: ", "(11, 4) is expected"),
    "texts with one axis": (texts(lambda a: a.ravel()), "transcripts.npy: ", "(11, 4) is expected"),
    "texts not finite": (texts(with_nan), "transcripts.npy: ", "row 7 holds a value that is not finite"),
    "ids missing": (lambda t: t.feature("ids.txt").unlink(), "ids.txt: ", "missing"),
    "ids twice": (feature_bytes("ids.txt", b"v1\nv1\n"), "ids.txt:2: ", "already on line 1"),
    "ids not UTF-8": (feature_bytes("ids.txt", b"v1\n\xff\n"), "ids.txt", "not UTF-8"),
    "ids with an empty line": (feature_bytes("ids.txt", b"v1\n\nv2\n"), "ids.txt:2: ", "empty line"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_refused_with_its_place(rule: str, tiny: Tiny, cli: Cli) -> None:
    damage, place, word = RULES[rule]
    damage(tiny)
    with pytest.raises(DataError) as refused:
        read_dataset(tiny.folder)
    assert str(refused.value).startswith(str(tiny.folder))
    assert place in str(refused.value)
    assert word in str(refused.value)
    validated = cli("data", "validate", tiny.folder)
    assert validated.status == 3
    assert validated.error().startswith(str(tiny.folder))
    ran = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    assert ran.status == 3
    assert place in ran.error()


def test_an_untouched_folder_breaks_no_rule(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    assert [record.video_id for record in dataset.records] == [video for video, _, _ in VIDEOS]
    assert (dataset.name, dataset.language, dataset.synthetic) == ("tiny", "en", False)


def test_a_header_damaged_anywhere_never_ends_in_a_traceback(tiny: Tiny) -> None:
    path = tiny.feature("frames.npy")
    whole = path.read_bytes()
    for place in range(128):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        with contextlib.suppress(DataError):  # some bytes of a header do no harm
            read_dataset(tiny.folder)


@pytest.mark.parametrize("name", ["videos.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_long_value_is_cut_in_the_message(tiny: Tiny, name: str) -> None:
    long = "x" * 100_000
    tiny.line(name, 2, f"{long}\tv1\t1" if name == "qrels.tsv" else f'{{"id": "a {long}", "transcript": ""}}')
    with pytest.raises(DataError) as refused:
        read_dataset(tiny.folder)
    assert len(str(refused.value)) < len(str(tiny.folder)) + 300

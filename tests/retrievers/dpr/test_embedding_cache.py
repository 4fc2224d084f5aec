"""The embedding cache: no two encoders or roles share an entry; damage is found and mended."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sentence_transformers import SentenceTransformer

from bench.context import Context
from bench.errors import DataError
from retrievers.dpr import retriever as dpr
from retrievers.dpr.embedding_cache import EmbeddingCache, embed
from retrievers.dpr.encoding import encoders as encoders_module

Vectors = npt.NDArray[np.float32]


class Dummy:
    """Gives each text its length plus a constant."""

    limit = 100

    def __init__(self, constant: float) -> None:
        self.constant = constant
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(text) + self.constant, 1.0] for text in texts], dtype=np.float32)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return [False] * len(texts)

    def parameters(self) -> int:
        return 0


def test_what_was_computed_is_read(tmp_path: Path) -> None:
    encoder, cache = Dummy(0), EmbeddingCache(tmp_path, {"weights": "w"})
    first = embed(["aa", "b"], encoder.encode, cache, audit=False)
    again = embed(["b", "aa", "ccc"], encoder.encode, cache, audit=False)
    assert encoder.asked == ["aa", "b", "ccc"]
    assert np.array_equal(again[:2], first[::-1])


def test_two_encoders_and_two_roles_never_share_an_entry(tmp_path: Path) -> None:
    scopes = [
        {"weights": weights, "code": code, "role": role, "prefix": prefix, "max_tokens": tokens}
        for weights, code, role, prefix, tokens in itertools.product(
            "AB", "CD", ("query", "document"), ("", "p"), (None, 8)
        )
    ]
    for number, scope in enumerate(scopes):
        encoder = Dummy(number)
        vectors = embed(["text"], encoder.encode, EmbeddingCache(tmp_path, scope), audit=False)
        assert encoder.asked == ["text"]
        assert vectors[0, 0] == 4 + number
    assert len(list(tmp_path.glob("*.sqlite"))) == len(scopes)


def test_towers_and_roles_of_the_retriever_never_share_an_entry(
    tmp_path: Path, bert_folder: Callable[..., Path], context: Callable[..., Context]
) -> None:
    one, two = (str(bert_folder(name, seed)) for seed, name in enumerate(("one", "two")))
    texts = ["red fox", "blue whale"]
    vectors = {weights: encode(weights, texts) for weights in (one, two)}  # each [2, d]
    for weights, query_weights in ((one, two), (two, one), (one, one)):
        retriever = dpr.PretrainedDPR(context(weights=weights, query_weights=query_weights))
        retriever.index({"v": texts[0]})
        scores = retriever.search(dict(enumerate(texts)), 1).scores[:, 0]
        assert scores == pytest.approx(vectors[query_weights] @ vectors[weights][0], abs=1e-5)
    kept = [rows(path) for path in (tmp_path / "store" / "embeddings").glob("*.sqlite")]
    assert sorted(kept) == [1, 1, 2, 2], "a file for each role of each model, with the texts it encoded"


def encode(folder: str, texts: Sequence[str]) -> Vectors:
    """Encode texts without the retriever, as sentence-transformers does."""
    model = SentenceTransformer(folder, device="cpu")
    return np.asarray(model.encode(texts, normalize_embeddings=True))


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])


@pytest.mark.parametrize(
    ("changed", "vector"),
    [
        ({}, 4),
        ({"document_prefix": "p: "}, 7),
        ({"max_tokens": 3}, 3),
        ({"document_prefix": "p: ", "max_tokens": 3}, 3),
    ],
)
def test_a_prefix_and_a_limit_are_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], vector: int
) -> None:
    monkeypatch.setattr(
        dpr, "locate", lambda name, *_, **__: SimpleNamespace(digest=name, is_native_dpr=False)
    )

    def load(_: Any, *, max_tokens: int | None, **__: Any) -> Dummy:
        encoder = Dummy(0)
        whole = encoder.encode
        encoder.encode = lambda texts: whole([text[:max_tokens] for text in texts])  # type: ignore[method-assign]
        return encoder

    monkeypatch.setattr(encoders_module, "load_encoder", load)
    store: Any = SimpleNamespace(root=tmp_path)
    for options in ({}, changed, {}, changed):  # each finds what the other left
        asked = dpr.DPROptions(weights="one", **options)
        retriever = dpr.PretrainedDPR(Context(sections={"dpr": asked}, store=store))
        retriever.index({"v": "text"})
        query = min(4, asked.max_tokens or 4)
        expected = (vector if options else 4) * query + 1
        assert retriever.search({"q": "text"}, 1).scores[0, 0] == expected


def test_an_audit_fails_loudly_when_the_encoder_gives_other_vectors(tmp_path: Path) -> None:
    scope = {"weights": "w"}
    embed(["aa", "b"], Dummy(0).encode, EmbeddingCache(tmp_path, scope), audit=True)
    with pytest.raises(DataError, match=r"\.sqlite.*not what the encoder gives"):
        embed(["aa", "b"], Dummy(0.1).encode, EmbeddingCache(tmp_path, scope), audit=True)
    embed(["aa", "b"], Dummy(1e-6).encode, EmbeddingCache(tmp_path, scope), audit=True)


@pytest.mark.parametrize(
    "damage", ["UPDATE vectors SET vector = zeroblob(8)", "UPDATE vectors SET vector = x''"]
)
def test_a_poisoned_vector_is_named_and_computed_again(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = EmbeddingCache(tmp_path, {})
    before = embed(["aa"], Dummy(0).encode, cache, audit=False)
    connection = sqlite3.connect(cache.path)
    with connection:
        connection.execute(damage)
    connection.close()
    assert np.array_equal(embed(["aa"], Dummy(0).encode, cache, audit=False), before)
    assert cache.path.name in caplog.text


def test_a_vector_under_another_texts_key_is_not_taken(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, {})
    embed(["aa", "bbb"], Dummy(0).encode, cache, audit=False)
    connection = sqlite3.connect(cache.path)
    with connection:
        rows = connection.execute("SELECT key, digest, vector FROM vectors").fetchall()
        connection.execute(
            "UPDATE vectors SET digest = ?, vector = ? WHERE key = ?", (*rows[0][1:], rows[1][0])
        )
    connection.close()
    encoder = Dummy(0)
    assert embed(["aa", "bbb"], encoder.encode, cache, audit=False)[:, 0].tolist() == [2, 3]
    assert len(encoder.asked) == 1


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 20, b"half"])
def test_a_file_that_is_no_cache_is_named_and_made_again(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cache = EmbeddingCache(tmp_path, {})
    cache.path.write_bytes(content)
    assert embed(["aa"], Dummy(0).encode, cache, audit=False)[0, 0] == 2
    assert cache.path.name in caplog.text
    assert list(cache.read(["aa"])) == ["aa"]


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, numpy as np\nfrom retrievers.dpr.embedding_cache import EmbeddingCache\n"
        "cache = EmbeddingCache(pathlib.Path(sys.argv[1]), {})\n"
        "for i in range(50): cache.write({f'{sys.argv[2]} {i}': np.ones(4, dtype=np.float32)})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    texts = [f"{name} {i}" for name in "ab" for i in range(50)]
    assert len(EmbeddingCache(tmp_path, {}).read(texts)) == 100


@pytest.mark.parametrize("damage", ["text", "odd", "size", "folder", "columns", "pages"])
def test_any_damage_is_dropped_and_the_vectors_made_again(tmp_path: Path, damage: str) -> None:
    cache = EmbeddingCache(tmp_path, {"weights": "w"})
    encode = lambda texts: np.ones((len(texts), 4), dtype=np.float32)  # noqa: E731
    embed(["a", "b"], encode, cache, audit=False)
    if damage == "folder":
        cache.path.unlink()
        cache.path.mkdir()
    elif damage == "pages":
        cache.path.write_bytes(cache.path.read_bytes()[:4096] + b"\xff" * 8192)
    else:
        statement = {
            "text": "UPDATE vectors SET vector = 'words'",
            "odd": "UPDATE vectors SET vector = x'00'",
            "columns": "ALTER TABLE vectors ADD COLUMN more",
            "size": "",
        }[damage]
        with sqlite3.connect(cache.path) as connection:
            connection.execute(statement)
        connection.close()
    if damage == "size":
        cache.write({"a": np.ones(3, dtype=np.float32)})
    for _ in range(2):
        assert embed(["a", "b", "c"], encode, cache, audit=False).tolist() == [[1.0] * 4] * 3

"""The embedding cache: a vector is computed once for weights, code, role and text."""

from __future__ import annotations

import hashlib
import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, MissingError
from bench.store.digests import canonical, digest, row_digest
from bench.types import Json

Vector = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
CHUNK = 4096
"""Texts encoded before they are written: what a kill can lose."""
NOT_DAMAGE = {"BUSY", "LOCKED", "FULL", "READONLY", "CANTOPEN", "IOERR", "PERM"}
"""What SQLite says where the file is sound: in use, no space, no right to write."""
LOOKUP = 500  # values in one SQL statement; SQLite's limit was once 999
AUDITED = 64
"""Vectors of one read that an audit computes again."""
TOLERANCE = 1e-4
"""Largest difference of a component, relative to the vector's length; padding alone gives some 1e-7."""

log = logging.getLogger(__name__)


class EmbeddingCache:
    """Keep vectors in a SQLite file of their own for each scope: weights, code, role and settings.

    A key is the digest of scope and text, and each row carries a digest of key and vector: a row that
    was changed, or a vector under another's key, counts as absent and is computed again. Several
    processes may read and write at once.
    """

    def __init__(self, folder: Path, scope: Mapping[str, Json]) -> None:
        self._scope = canonical(scope)
        self.path = folder / f"{digest(self._scope)}.sqlite"
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Look up the stored vectors of texts, by text."""
        text_of = {self._key(text): text for text in texts}
        vectors: dict[str, Vector] = {}
        try:
            for key, check, data in self._rows(list(text_of)):
                if isinstance(data, bytes) and len(data) % 4 == 0 and check == row_digest(key, data):
                    vectors[text_of[key]] = np.frombuffer(data, dtype="<f4").astype(np.float32)
                else:
                    log.warning("%s: a damaged vector is computed again", self.path)
        except sqlite3.DatabaseError as error:
            self._start_again(error)
            return {}
        return vectors

    def write(self, vectors: Mapping[str, Vector]) -> None:
        """Add the vectors of texts that were just encoded, for later uses."""
        rows = []
        for text, vector in vectors.items():
            key, data = self._key(text), vector.astype("<f4").tobytes()
            rows.append((key, row_digest(key, data), data))
        try:
            self._insert(rows)
        except sqlite3.DatabaseError as error:
            self._start_again(error)
            self._insert(rows)

    def discard(self, reason: str) -> None:
        """Remove the file, and say why."""
        log.warning("%s is no readable cache (%s): it is made again", self.path, reason)
        for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _insert(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        with closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _rows(self, keys: list[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
        with closing(self._connect()) as connection:
            for start in range(0, len(keys), LOOKUP):
                part = keys[start : start + LOOKUP]
                marks = ",".join("?" * len(part))
                yield from connection.execute(
                    f"SELECT key, digest, vector FROM vectors WHERE key IN ({marks})", part
                )

    def _connect(self) -> sqlite3.Connection:
        # another process may be writing: wait a minute rather than fail
        connection = sqlite3.connect(self.path, timeout=60)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, digest BLOB, vector BLOB)"
        )
        return connection

    def _start_again(self, error: sqlite3.DatabaseError) -> None:
        code = error.sqlite_errorname.split("_")[1]  # SQLITE_IOERR_READ is an IOERR
        if code in NOT_DAMAGE and not self.path.is_dir():
            raise MissingError(
                f"{self.path} cannot be used: {error}. Free it, or name a store with --store."
            ) from error
        self.discard(str(error))

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._scope}\n{text}".encode("utf-8", "surrogatepass")).digest()


def embed(texts: Sequence[str], encode: Encode, cache: EmbeddingCache, *, audit: bool) -> Vector:
    """Encode different texts ``[n, d]``, each once: those that are stored come from the cache.

    With ``audit`` a seeded sample of what was read is computed again; raises DataError when a vector
    differs by more than rounding.
    """
    vectors = cache.read(texts)
    if audit:
        _audit(vectors, encode, cache.path)
    missing = [text for text in texts if text not in vectors]
    for start in range(0, len(missing), CHUNK):
        part = missing[start : start + CHUNK]
        fresh = dict(zip(part, encode(part), strict=True))
        cache.write(fresh)
        vectors.update(fresh)
    if len({vector.shape for vector in vectors.values()}) > 1:
        cache.discard("vectors of several sizes")
        vectors = dict(zip(texts, encode(texts), strict=True))
        cache.write(vectors)
    return np.stack([vectors[text] for text in texts])  # [n, d]


def _audit(vectors: Mapping[str, Vector], encode: Encode, path: Path) -> None:
    sample = random.Random(0).sample(sorted(vectors), min(AUDITED, len(vectors)))
    if not sample:
        return
    for text, fresh in zip(sample, encode(sample), strict=True):
        stored = vectors[text]
        if stored.shape != fresh.shape or not np.allclose(
            stored, fresh, rtol=0, atol=TOLERANCE * max(1.0, float(np.linalg.norm(fresh)))
        ):
            raise DataError(
                f"{path}: the cached vector of {text[:60]!r} is not what the encoder gives now. "
                "Something that decides the vectors changed without its key. Delete the file and report it."
            )

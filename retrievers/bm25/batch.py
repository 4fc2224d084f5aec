"""Many searches of Lucene in one call from Python: a loop that Java puts together of its own methods.

A call into Java costs as much as a short search, and an object for each hit costs more. Method handles
(java.lang.invoke) are methods as values: joined to one that maps a text to its hits as text, and to a loop
over a list, they search thousands of texts without a class of ours in Java.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.types import NO_HIT
from retrievers.ranking import PaddedHits

CHUNK = 2000
"""Texts searched in one call; bounds the text of their hits."""
_LUCENE = "org/apache/lucene/"
_TO_SPACES = str.maketrans(dict.fromkeys("[],=docsreshardIndex", " "))
"""Leaves the numbers of ``[doc=3 score=1.5 shardIndex=-1, ...]``; a power of ten is a capital E."""


class BatchSearch:
    """Searches texts for their best hits, as `IndexSearcher.search` does for the query built of each."""

    def __init__(
        self, java: Callable[[str], Any], field: str, *, generator: Any, analyzer: Any, searcher: Any
    ) -> None:
        self._java, self._searcher = java, searcher
        handles = java("java.lang.invoke.MethodHandles")
        self._handles, self._lookup = handles, handles.publicLookup()
        string = f"Ljava/lang/String;L{_LUCENE}analysis/Analyzer;Ljava/lang/String;"
        build = self._method("io/anserini/search/query/BagOfWordsQueryGenerator", "buildQuery")
        build = build(f"({string})L{_LUCENE}search/Query;").bindTo(generator)
        self._build = build.bindTo(java("java.lang.String")(field)).bindTo(analyzer)
        self._loops: dict[int, Any] = {}

    def search(self, texts: Sequence[str], k: int) -> PaddedHits:
        """Search each text's best ``k`` hits, best first: numbers and scores ``[q, k]``."""
        if k not in self._loops:
            self._loops[k] = self._loop(k)
        numbers = np.full((len(texts), k), NO_HIT, dtype=np.int32)
        scores = np.full((len(texts), k), -np.inf, dtype=np.float32)
        for start in range(0, len(texts), CHUNK):
            part = slice(start, start + CHUNK)
            _read_into(numbers[part], scores[part], self._call(self._loops[k], texts[part]))
        return numbers, scores

    def _call(self, loop: Any, texts: Sequence[str]) -> str:
        from jnius import cast

        queries, arguments = (self._java("java.util.ArrayList")() for _ in range(2))
        for text in texts:
            queries.add(text)
        arguments.add(queries)
        return str(loop.invokeWithArguments(cast("java.util.List", arguments)).toString())

    def _loop(self, k: int) -> Any:
        """Make the loop over texts, ``(Iterable) -> StringBuilder``, that appends the hits of each."""
        top_docs, score_docs = f"{_LUCENE}search/TopDocs", f"[L{_LUCENE}search/ScoreDoc;"
        find = self._method(f"{_LUCENE}search/IndexSearcher", "search")
        find = find(f"(L{_LUCENE}search/Query;I)L{top_docs};").bindTo(self._searcher)
        find = self._handles.insertArguments(find, 1, self._java("java.lang.Integer")(k))
        hits = self._lookup.findGetter(self._type(top_docs), "scoreDocs", self._type(score_docs))
        write = self._lookup.findStatic(
            self._type("java/util/Arrays"),
            "toString",
            self._signature("([Ljava/lang/Object;)Ljava/lang/String;"),
        )
        write = write.asType(self._signature(f"({score_docs})Ljava/lang/String;"))
        one = self._build
        for following in (find, hits, write):
            one = self._handles.filterReturnValue(one, following)
        one = one.asType(self._signature("(Ljava/lang/Object;)Ljava/lang/String;"))
        builder = "java/lang/StringBuilder"
        append = self._method(builder, "append")(f"(Ljava/lang/String;)L{builder};")
        empty = self._lookup.findConstructor(self._type(builder), self._signature("()V"))
        return self._handles.iteratedLoop(None, empty, self._handles.filterArguments(append, 1, one))

    def _method(self, owner: str, name: str) -> Callable[[str], Any]:
        return lambda signature: self._lookup.findVirtual(self._type(owner), name, self._signature(signature))

    def _type(self, name: str) -> Any:
        return self._java("java.lang.Class").forName(name.replace("/", "."))

    def _signature(self, text: str) -> Any:
        loader = self._java("java.lang.ClassLoader").getSystemClassLoader()
        return self._java("java.lang.invoke.MethodType").fromMethodDescriptorString(text, loader)


def _read_into(numbers: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], written: str) -> None:
    """Read the hits of each text, ``[q, k]``, from what Java wrote: a list in brackets for each."""
    sizes = np.array([hits.count("=") // 3 for hits in written.split("]")[:-1]])
    if not sizes.any():  # of blanks, NumPy reads -1
        return
    # a score is written with the digits that distinguish it from the next float32
    flat = np.fromstring(written.translate(_TO_SPACES), dtype=np.float64, sep=" ")
    table = flat.reshape(-1, 3)  # number, score, shard
    used = np.arange(numbers.shape[1]) < sizes[:, None]  # [q, k], row by row as Java writes
    numbers[used], scores[used] = table[:, 0], table[:, 1]

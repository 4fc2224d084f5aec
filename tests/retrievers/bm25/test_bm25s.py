"""BM25 without Java: the same terms, lengths, scores and ranking as Lucene."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.context import Context
from bench.errors import MissingError
from bench.options import build_sections
from retrievers.bm25 import java_machine, lucene
from retrievers.bm25.analyzers import CJK_STOP_WORDS, ENGLISH_STOP_WORDS, analyze
from retrievers.bm25.bm25s import quantise_length
from retrievers.bm25.retriever import BM25
from retrievers.options import BM25Options
from tests.conftest import Cli

STEMS = [
    "cook",
    "noodl",
    "garlic",
    "possib",
    "psycholog",
    "hop",
    "gener",
    "relat",
    "tri",
    "oscill",
    "sky",
    "vary",
]
ENDINGS = [
    "",
    "s",
    "es",
    "ies",
    "ed",
    "ing",
    "ly",
    "y",
    "e",
    "ation",
    "ational",
    "ness",
    "fulness",
    "ble",
    "bly",
]
ENDINGS += ["logi", "logy", "izer", "ement", "ion", "ll", "eed", "'s", "ousli", "ator", "ical", "able", "ss"]


def java_terms(text: str, language: str) -> list[str]:
    java = java_machine.java()
    made = {
        "en": lambda: java("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance(),
        "zh": lambda: java("org.apache.lucene.analysis.cjk.CJKAnalyzer")(),
        "standard": lambda: java("org.apache.lucene.analysis.standard.StandardAnalyzer")(),
    }[language]()
    return [str(term) for term in java("io.anserini.analysis.AnalyzerUtils").analyze(made, text).toArray()]


def engine(name: str, language: str = "en", **options: object) -> BM25:
    values = {"bm25.engine": name, **{f"bm25.{key}": value for key, value in options.items()}}
    return BM25(Context(language=language, sections=build_sections({"bm25": BM25Options}, values)))


def test_every_stem_is_lucenes() -> None:
    words = [stem + one + two for stem in STEMS for one in ENDINGS for two in ENDINGS]
    assert analyze(" ".join(words), "en") == java_terms(" ".join(words), "en")


@pytest.mark.parametrize("language", ["en", "zh", "standard"])
@pytest.mark.parametrize(
    "letters",
    [
        "aeioxyz ABC '\u2019.,-_:;!?0123456789s \t\n",
        "红烧肉的做法很好吃 一二三々〆〇ABCabc123，。！？ァアカー＃Ａｂ１한국어ひらがな",
        "éüñßİΣσςﬁøÅ 'aeiou",
    ],
)
def test_every_term_is_lucenes(language: str, letters: str) -> None:
    chance = random.Random(0)
    for _ in range(300):
        text = "".join(chance.choices(letters, k=chance.randint(1, 20)))
        assert analyze(text, language) == java_terms(text, language), text


def test_stop_words_are_lucenes() -> None:
    java = java_machine.java()
    english = java("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance().getStopwordSet()
    chinese = java("org.apache.lucene.analysis.cjk.CJKAnalyzer").getDefaultStopSet()
    for ours, theirs in ((ENGLISH_STOP_WORDS, english), (CJK_STOP_WORDS, chinese)):
        assert ours == set(theirs.toString().strip("[]").split(", "))


def test_lengths_are_quantised_as_lucene_does() -> None:
    theirs = java_machine.java()("org.apache.lucene.util.SmallFloat")
    lengths = [*range(2000), 12_345, 1_000_000]
    assert [quantise_length(n) for n in lengths] == [theirs.byte4ToInt(theirs.intToByte4(n)) for n in lengths]


@pytest.mark.parametrize(("language", "longest"), [("en", 8), ("en", 400), ("zh", 20), ("zh", 300)])
@pytest.mark.parametrize(("k1", "analyzer"), [(0.0, "auto"), (0.9, "auto"), (1.5, "auto"), (0.9, "standard")])
def test_the_ranking_is_lucenes(language: str, longest: int, k1: float, analyzer: str) -> None:
    chance = random.Random(longest)
    words = [chr(0x4E00 + i) for i in range(60)] if language == "zh" else [f"word{i}" for i in range(120)]
    glue = "" if language == "zh" else " "
    weights = [1 / (i + 1) for i in range(len(words))]
    summaries = {
        f"v{i:03d}": glue.join(chance.choices(words, weights, k=chance.randint(0, longest)))
        for i in range(300)
    }
    queries = {f"q{i}": glue.join(chance.choices(words, weights, k=chance.randint(1, 6))) for i in range(100)}
    runs = []
    for name in ("lucene", "bm25s"):
        retriever = engine(name, language, k1=k1, analyzer=analyzer)
        retriever.index(summaries)
        runs.append(retriever.search(queries, 30))
    assert np.array_equal(runs[0].hits, runs[1].hits)
    assert np.array_equal(runs[0].scores, runs[1].scores)


@pytest.mark.parametrize("k1", [0.0, 0.9])
@pytest.mark.parametrize("vocabulary", [5, 90, 3000])  # with rare words, long lists are not read
def test_compiled_code_ranks_as_the_rest_does(
    k1: float, vocabulary: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba", reason="numba, which compiles, is optional")
    chance = random.Random(3)
    words, weights = [f"word{i}" for i in range(vocabulary)], [1 / (i + 1) for i in range(vocabulary)]
    texts = [" ".join(chance.choices(words, weights, k=chance.randint(0, 9))) for _ in range(5000)]
    queries = {f"q{i}": " ".join(chance.choices(words, weights, k=chance.randint(0, 5))) for i in range(200)}
    runs = []
    for threshold in (0, 10**12):
        monkeypatch.setattr("retrievers.bm25.bm25s.WORTH_COMPILING", threshold)
        retriever = engine("bm25s", k1=k1)
        retriever.index({f"v{i:04d}": text for i, text in enumerate(texts)})
        runs.append(retriever.search(queries, 30))
    assert np.array_equal(runs[0].hits, runs[1].hits)
    assert np.array_equal(runs[0].scores, runs[1].scores)


def test_nothing_is_found_where_nothing_is_asked_or_indexed() -> None:
    retriever = engine("bm25s")
    retriever.index({"a": "", "b": "red fox"})
    assert (retriever.search({"q": "", "p": "the of", "r": "zebra"}, 3).hits == -1).all()
    retriever.index({"a": ""})
    assert (retriever.search({"q": "red"}, 3).hits == -1).all()
    retriever.index({})
    assert (retriever.search({"q": "red"}, 3).hits == -1).all()


def test_it_needs_no_java_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lucene, "java", None)
    monkeypatch.setattr(java_machine, "anserini_jar", None)  # calling either would fail
    retriever = engine("bm25s")
    retriever.index({"a": "red fox"})
    assert retriever.search({"q": "fox"}, 1).hits[0, 0] == 0
    assert retriever.signature()["engine"].startswith("bm25s ")
    assert set(retriever.identity()) == {"engine", "lunr", "word_break"}
    assert retriever.index_bytes() > 0


def test_a_missing_package_is_named_with_the_command_that_fixes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingError, match=r"pip install .*bm25s"):
        engine("bm25s").identity()


@pytest.mark.parametrize("name", ["lucene", "bm25s"])
def test_signs_of_numbers_are_searched_alike_by_both_engines(name: str) -> None:
    retriever = engine(name)
    retriever.index(
        {
            "v0": "stir a teaspoon of salt into the warm soup before serving it at the table tonight",
            "v1": "½ ½ bowl, ² layers",
            "v2": "① wash ② cut ③ boil the carrots",
            "v3": "wash the car and cut the grass",
        }
    )
    run = retriever.search({"q0": "½ teaspoon salt", "q1": "② cut", "q2": "x² teaspoon"}, 3)
    found = [[run.video_ids[hit] for hit in hits if hit >= 0] for hits in run.hits]
    assert found == [["v0"], ["v2", "v3"], ["v0"]]


def test_both_engines_write_the_same_run_file_on_the_demo(tmp_path: Path, cli: Cli) -> None:
    for name in ("lucene", "bm25s"):
        options = ("--set", f"bm25.engine={name}", "--out", tmp_path / name, "--quiet")
        done = cli(
            "run", "--data", "demo", "--generators", "lead,transcript", "--retrievers", "bm25", *options
        )
        assert done.status == 0, done.err
    for run in ("lead.bm25.trec", "transcript.bm25.trec"):
        first, second = ((tmp_path / name / "runs" / run).read_bytes() for name in ("lucene", "bm25s"))
        assert first == second
        assert first.count(b"\n") > 1000


def test_auto_is_lucene_where_it_is_installed_and_bm25s_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine("auto").signature() == engine("lucene").signature()
    monkeypatch.setattr(java_machine, "is_installed", lambda: False)
    assert engine("auto").signature() == engine("bm25s").signature()
    assert engine("auto").identity() == engine("bm25s").identity()


def test_jax_is_not_started(tmp_path: Path) -> None:
    """bm25s asks JAX for a selection when it is imported, by which JAX takes most of a GPU's memory."""
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "jax" / "lax.py").write_text("raise SystemExit('JAX was started')", encoding="utf-8")
    code = "import retrievers.bm25.bm25s as m; print(m.bm25s_version()); import jax; print(jax.__file__)"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, jax = done.stdout.splitlines()
    assert name.startswith("bm25s ")
    assert jax.startswith(str(tmp_path))

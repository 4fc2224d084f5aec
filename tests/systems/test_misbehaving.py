"""Systems of others that end the process or return something else are named; the others are scored."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.store.json_files import read_json_lines
from tests.conftest import Cli
from tests.fuzz.cases import ENGINE
from tests.tiny import Tiny

SYSTEMS = """
import math, sys
import numpy as np
import bench

class Good:
    label = "Good"
    def identity(self): return {}
    def summarize(self, videos): return {video.video_id: "apple pie" for video in videos}

class Exits(Good):
    def summarize(self, videos): sys.exit(0)

class ExitsAtOnce(Good):
    def __init__(self): sys.exit(0)

class ExitsInTraining(Good):
    def fit(self, train, val): raise SystemExit(0)
    def save(self, folder): pass
    def load(self, folder): pass

class Odd(Good):
    class Panic(BaseException): pass
    def summarize(self, videos): raise self.Panic("odd")

class Nothing(Good):
    def summarize(self, videos): return None

class Closes(Good):
    def summarize(self, videos):
        sys.stdout.close()
        np.seterr(all="raise")
        return super().summarize(videos)

class NoText(Good):
    label = None

class HalfOfACharacter(Good):
    label = "\\ud800"

class TwoLines(Good):
    label = "two\\nlines"

class Counts(Good):
    def parameters(self): return np.int64(12)
    def coverage(self): return {"empty": np.int64(3)}
    def identity(self): return {"version": np.int64(3)}

class TextCoverage(Good):
    def coverage(self): return {"empty": "three"}

class TextParameters(Good):
    def parameters(self): return "7B"

class ManyParameters(Good):
    def parameters(self): return 10**30

class OneRemark(Good):
    def remarks(self): return "one string"

class NumberSignature(Good):
    def signature(self): return {"beam": 5}

class ObjectIdentity(Good):
    def identity(self): return {"model": object}

class FailingCoverage(Good):
    def coverage(self): raise ValueError("none yet")

class Found:
    label = "Found"
    def identity(self): return {}
    def index(self, summaries): self.videos = tuple(summaries)
    def found(self): return [(video, 1.0) for video in self.videos]
    def search(self, queries, k):
        return bench.Run.from_hits({query: self.found() for query in queries}, self.videos, k)

class NotANumber(Found):
    def found(self): return [(self.videos[0], math.nan)]

class Infinite(Found):
    def found(self): return [(self.videos[0], math.inf)]

class Twice(Found):
    def found(self): return [(self.videos[0], 2.0), (self.videos[0], 1.0)]

class Lists(Found):
    def search(self, queries, k): return {query: self.found() for query in queries}

class Outside(Found):
    def search(self, queries, k):
        run = super().search(queries, k)
        return bench.Run(run.query_ids, run.video_ids, np.full_like(run.hits, -2), run.scores)

class Emptying(Found):
    def index(self, summaries):
        super().index(summaries)
        summaries.clear()
    def search(self, queries, k):
        run = super().search(queries, k)
        queries.clear()
        return run

class Sorting(Good):
    def summarize(self, videos):
        videos.sort(key=lambda video: video.transcript)
        written = super().summarize(videos)
        videos.clear()
        return written

class TextIndex(Found):
    def index_bytes(self): return "big"

class Leaves(Found):
    def search(self, queries, k): sys.exit(0)
"""
GENERATORS = {
    "Exits": "it tried to end the process (SystemExit: 0)",
    "ExitsAtOnce": "it tried to end the process (SystemExit: 0)",
    "ExitsInTraining": "it tried to end the process (SystemExit: 0)",
    "Odd": "it tried to end the process (Panic: odd)",
    "Nothing": "'Nothing' returned NoneType; summarize() must return",
    "NoText": "its label is None; a name for the tables is needed",
    "HalfOfACharacter": "a name for the tables is needed",
    "TwoLines": "its label is 'two\\nlines'; a name for the tables is needed, in one line",
    "TextCoverage": "'TextCoverage': coverage() returned {'empty': 'three'}; it must return whole numbers",
    "TextParameters": "'TextParameters': parameters() returned '7B'; it must return a whole number",
    "ManyParameters": "'ManyParameters': parameters() returned 1000",
    "OneRemark": "'OneRemark': remarks() returned 'one string'; it must return a list of texts",
    "NumberSignature": "'NumberSignature': signature() returned {'beam': 5}; it must return texts by name",
    "ObjectIdentity": "'ObjectIdentity': identity() returned {'model': <class 'object'>}; it must return",
    "FailingCoverage": "'FailingCoverage': coverage() failed: ValueError: none yet",
}
RETRIEVERS = {
    "NotANumber": "'NotANumber' returned a score that is no finite number",
    "Infinite": "'Infinite' returned a score that is no finite number",
    "Twice": "'Twice' returned a video twice for one query",
    "Outside": "'Outside' returned hits outside its video_ids",
    "Lists": "'Lists' returned dict; search() must return a bench.Run",
    "TextIndex": "'TextIndex': index_bytes() returned 'big'; it must return a whole number",
    "Leaves": "it tried to end the process (SystemExit: 0)",
}


@pytest.fixture(autouse=True)
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go where the systems are; what they leave behind is in folders of this test."""
    monkeypatch.syspath_prepend(str(tmp_path))  # a folder of systems is added to the path
    monkeypatch.chdir(tmp_path)
    Path("systems_of_others.py").write_text(SYSTEMS)


def words(names: Iterable[str]) -> str:
    return ",".join(f"systems_of_others.py:{name}" for name in names)


def test_a_generator_that_misbehaves_is_named_and_the_others_are_scored(tiny: Tiny, cli: Cli) -> None:
    generators = f"{words(['Closes', 'Counts', *GENERATORS])},lead"
    done = cli("run", "--data", tiny.folder, "--generators", generators, *ENGINE[2:], "--out", "out")
    assert done.status
    for name, message in GENERATORS.items():
        (line,) = {line for line in done.err.splitlines() if line.startswith(f"bench: {name}: ")}
        assert message in line
    scored = {line.split(",")[0] for line in Path("out/scores.csv").read_text().splitlines()[1:]}
    assert scored == {"Closes", "Counts", "lead"}


def test_what_a_system_does_to_its_input_changes_nothing_for_others(tiny: Tiny, cli: Cli) -> None:
    alone = ["run", "--data", tiny.folder, *ENGINE[4:]]
    done = cli(*alone, "--generators", "lead", "--retrievers", "bm25", "--out", "alone")
    assert done.status == 0, done.err
    systems = ["--generators", f"{words(['Sorting'])},lead", "--retrievers", f"{words(['Emptying'])},bm25"]
    done = cli(*alone, *systems, "--store", "store", "--out", "out")
    assert done.status == 0, done.err
    name = "per_query/lead.bm25.csv"
    assert (Path("out") / name).read_bytes() == (Path("alone") / name).read_bytes()
    ours, theirs = (
        [line["video_id"] for line in read_json_lines(Path(f"out/summaries/{name}.jsonl"))]
        for name in ("Sorting", "lead")
    )
    assert ours == theirs


def test_a_retriever_that_misbehaves_is_named_and_the_others_are_scored(tiny: Tiny, cli: Cli) -> None:
    retrievers = f"{words(RETRIEVERS)},bm25"
    done = cli(
        "run", "--data", tiny.folder, "--generators", "lead", "--retrievers", retrievers, *ENGINE[4:],
        "--out", "out",
    )  # fmt: skip
    assert done.status
    for name, message in RETRIEVERS.items():
        (line,) = {line for line in done.err.splitlines() if line.startswith(f"bench: lead.{name}: ")}
        assert message in line
    scored = {line.split(",")[1] for line in Path("out/scores.csv").read_text().splitlines()[1:]}
    assert scored == {"", "bm25"}

"""Foreign runs from the command line: several rows, a folder like that of a run, formats said and refused."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from bench.result import Result
from tests.conftest import Cli
from tests.tiny import Tiny

QRELS = "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t1\nq2\tc\t1\n"
RUNS = {
    "old.trec": "q1 Q0 c 1 3 x\nq1 Q0 a 2 2 x\nq2 Q0 a 1 5 x\n",
    "new.json": json.dumps({"q1": {"a": 9.5, "c": 1}, "q2": {"c": 2.0}}),
}


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Make a BEIR folder with two runs beside it."""
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "qrels" / "test.tsv").write_text(QRELS)
    documents = [{"_id": d, "title": f"Title {d}", "text": f"text of {d}"} for d in "abc"]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    queries = [
        {"_id": "q1", "text": "first query"},
        {"_id": "q2", "text": "second"},
        {"_id": "q3", "text": "x"},
    ]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    for name, text in RUNS.items():
        (tmp_path / name).write_text(text)
    return folder


def test_several_runs_on_a_beir_folder_are_rows_of_one_table(beir: Path, tmp_path: Path, cli: Cli) -> None:
    runs = ["--run", tmp_path / "old.trec", "--run", f"ours={tmp_path / 'new.json'}"]
    done = cli("evaluate", "--qrels", beir, *runs, "--metrics", "nDCG@10,R@5", "--format", "csv")
    assert done.status == 0, done.err
    lines = [line.split(",") for line in done.out.splitlines() if line and not line.startswith("#")]
    assert lines[0] == ["Retriever", "Model", "R@5", "nDCG@10"]
    assert [line[1] for line in lines[1:] if line[1] != "Improvement %"] == ["old", "ours"]
    assert "old.trec: TREC run, 2 topics" in done.err
    assert "new.json: JSON, 2 topics" in done.err
    assert "1 topic of the queries not judged and left out" in done.out


def test_the_page_takes_the_store_that_is_named(beir: Path, tmp_path: Path, cli: Cli) -> None:
    words = ["--run", tmp_path / "old.trec", "--out", tmp_path / "out", "--store", tmp_path / "store"]
    assert cli("evaluate", "--qrels", beir, *words).status == 0
    assert any((tmp_path / "store").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--qrels", "{beir}", "--protocol", "all-queries"), "--protocol selects queries of a dataset"),
        (("--qrels", "{beir}", "--query-seed", "1"), "--query-seed selects queries of a dataset"),
        (("--data", "demo", "--queries", "{beir}/queries.jsonl"), "--queries belongs to --qrels"),
        (("--data", "demo", "--attributes", "{beir}/a.csv"), "--attributes belongs to --qrels"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(
    words: tuple[str, ...], message: str, beir: Path, tmp_path: Path, cli: Cli
) -> None:
    given = [word.format(beir=beir) for word in words]
    refused = cli("evaluate", *given, "--run", tmp_path / "old.trec")
    assert (refused.status, message in refused.error()) == (2, True)


@pytest.mark.parametrize("verb", [("compare", "OUT"), ("check", "OUT", "--against", "table.csv")])
@pytest.mark.parametrize(
    "option",
    [("--metrics", "R@5"), ("--queries", "x"), ("--attributes", "x"), ("--ties", "ours"), ("--split", "val")],
)
def test_options_of_run_files_are_refused_where_a_folder_is_read(
    verb: tuple[str, ...], option: tuple[str, str], cli: Cli
) -> None:
    refused = cli(*verb, *option)
    assert (refused.status, f"{option[0]} belongs to --qrels" in refused.error()) == (2, True)


@pytest.mark.parametrize(
    "verb", [("compare", "old.trec", "new.json"), ("check", "old.trec", "--against", "x")]
)
def test_a_run_file_without_qrels_is_answered_with_the_option(
    verb: tuple[str, ...], beir: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = cli(*verb)
    assert (refused.status, "old.trec is a file" in refused.error()) == (2, True)
    assert "--qrels" in refused.error()


def test_no_temporary_folder_is_named(beir: Path, tmp_path: Path, cli: Cli) -> None:
    old, new = tmp_path / "old.trec", tmp_path / "new.json"
    compared = cli("compare", old, new, "--qrels", beir)
    assert compared.status == 0
    assert "Signature of" not in compared.out
    refused = cli("check", new, "--against", old, "--qrels", beir, "--cost", "search_p50_ms=2")
    assert (refused.status, "run files have no costs" in refused.error()) == (2, True)


def test_the_least_p_is_the_same_in_the_table_and_below_it(tmp_path: Path, cli: Cli) -> None:
    for name, video in (("qrels", None), ("old", "b"), ("new", "a")):
        line = "q{} Q0 " + f"{video} 1 1 x\n" if video else "q{} 0 a 1\n"
        (tmp_path / name).write_text("".join(line.format(number) for number in range(20)))
    words = ["--qrels", tmp_path / "qrels", "--metric", "R@1", "--format", "csv"]
    printed = cli("compare", tmp_path / "old", tmp_path / "new", *words).out
    assert ",0.0001," in printed
    assert "over 1 comparison." in printed
    assert "p = 0.0001 is the least" in printed
    alone = cli("compare", tmp_path / "old", *words)
    assert (alone.status, "There is nothing to compare" in alone.out) == (0, True)


def test_the_folder_is_read_by_every_other_verb(beir: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    runs = ["--run", tmp_path / "old.trec", "--run", tmp_path / "new.json"]
    assert cli("evaluate", "--qrels", beir, *runs, "--out", out).status == 0
    assert (out / "report.html").is_file()
    assert Result.read(out).table("retrieval").index.tolist() == [("Run", "old"), ("Run", "new")]
    explained = cli("explain", out, "--query", "q1")
    assert "first query" in explained.out
    assert explained.out.count("\n  document: Title a text of a\n") == 1
    assert "wrote:" not in explained.out
    for verb in (["table", out], ["compare", out], ["report", out]):
        assert cli(*verb).status == 0
    baseline = tmp_path / "baseline.csv"
    assert cli("check", out, "--against", baseline, "--update").status == 0
    assert cli("check", out, "--against", baseline).status == 0


def test_a_topic_alone_is_not_topics(tmp_path: Path, cli: Cli) -> None:
    for name, text in (("run", "q1 Q0 a 1 1 x\n"), ("qrels", "q1 0 a 1\n")):
        (tmp_path / name).write_text(text)
    done = cli("evaluate", "--qrels", tmp_path / "qrels", "--run", tmp_path / "run")
    assert "qrels: TREC qrels, 1 topic\n" in done.err
    assert "run: TREC run, 1 topic\n" in done.err


def test_a_run_has_the_order_that_is_asked_for(beir: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "tied.trec").write_text("q1 Q0 a 1 1 x\nq1 Q0 c 2 1 x\n")
    words = [
        "evaluate",
        "--qrels",
        beir,
        "--run",
        tmp_path / "tied.trec",
        "--metrics",
        "P@1",
        "--format",
        "csv",
    ]
    found = {
        ties: cli(*words, "--ties", ties).out.splitlines()[1].rsplit(",", 1)[1]
        for ties in ("trec_eval", "ours", "rank")
    }
    assert found == {"trec_eval": "0.00", "ours": "50.00", "rank": "50.00"}


def test_files_that_begin_with_a_comment_are_recognised(beir: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "run").write_text("# BM25, k1 0.9, of today\nq1 Q0 a 1 1 x\n")
    done = cli("evaluate", "--qrels", beir, "--run", tmp_path / "run")
    assert done.status == 0
    assert "run: TREC run, 1 topic" in done.err


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ("q1 0 a 1\n", "these are TREC qrels (4 columns)"),
        ("q1 a\n", "not a format that is known"),
        ('{"q1": [1]}', "query 'q1': an object {document: number} is expected"),
        ('{"q1": {"a": "x"}}', "document 'a': 'x' is not a number"),
        ('{"q1": {"a": 1, "a": 2}}', "twice"),
        ('{"q1": {"a b": 1}}', "the id 'a b' is empty, has white space"),
        ('{"": {"a": 1}}', "the id '' is empty, has white space"),
        ('{"q1": {"\\ud800": 1}}', "is not valid Unicode"),
        ("[]", "not a format that is known"),
        ("q1\ta\t1\nq1\ta\t2\n", "run:2: document 'a' appears twice for query 'q1'"),
        ("q9 Q0 a 1 1 x\n", "none of its topics is judged"),
    ],
)
def test_what_is_no_run_is_refused_with_its_place(
    run: str, problem: str, beir: Path, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "run").write_text(run)
    done = cli("evaluate", "--qrels", beir, "--run", tmp_path / "run")
    assert done.status == 3
    assert problem in done.error()


NOTHING = """
import bench

class Nothing:
    label = "Nothing"

    def index(self, summaries):
        self.videos = tuple(summaries)

    def search(self, queries, k):
        return bench.Run.from_hits({query: [] for query in queries}, self.videos, k)

    def identity(self):
        return {}
"""


@pytest.mark.parametrize("run", ["", "# nothing\n", '{"q1": {}}'])
def test_a_run_that_found_nothing_scores_0(run: str, beir: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "none").write_text(run)
    words = ("evaluate", "--qrels", beir, "--run", tmp_path / "none", "--metrics", "R@10,nDCG@10,AP,Bpref")
    done = cli(*words, "--run", tmp_path / "old.trec", "--format", "csv")
    assert done.status == 0, done.err
    assert "topics; it found nothing, so that every score of it is 0" in done.err
    none = next(line for line in done.out.splitlines() if line.startswith("Run,none,"))
    assert none == "Run,none,0.00,0.00,0.00,0.00"


def test_the_run_of_a_retriever_that_finds_nothing_has_the_scores_of_the_table(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "system.py").write_text(NOTHING)
    out = tmp_path / "out"
    ran = cli("run", "--data", tiny.folder, "--generators", "lead", "--out", out, "--retrievers",
              f"{tmp_path / 'system.py'}:Nothing")  # fmt: skip
    assert ran.status == 0, ran.err
    (run,) = (out / "runs").glob("*.trec")
    assert run.read_bytes() == b""
    done = cli("evaluate", "--data", tiny.folder, "--run", run, "--format", "csv")
    assert done.status == 0, done.err
    printed = next(line for line in done.out.splitlines() if line.startswith(f"Run,{run.stem},"))
    assert set(printed.split(",")[2:]) == {"0.00"}


@pytest.mark.parametrize("qrels", ["", "{}", '{"q1": {}}'])
def test_judgements_of_nothing_are_refused(qrels: str, tmp_path: Path, cli: Cli) -> None:
    for name, text in (("run", "q1 Q0 a 1 1 x\n"), ("qrels", qrels)):
        (tmp_path / name).write_text(text)
    assert cli("evaluate", "--qrels", tmp_path / "qrels", "--run", tmp_path / "run").status == 3


def test_two_runs_of_one_name_are_refused(beir: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "old.trec"
    done = cli("evaluate", "--qrels", beir, "--run", run, "--run", run)
    assert done.status == 2
    assert "two runs are called 'old'" in done.error()


def test_a_split_that_a_beir_folder_lacks_is_named(beir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("evaluate", "--qrels", beir, "--split", "val", "--run", tmp_path / "old.trec")
    assert done.status == 4
    assert "its splits are test" in done.error()


def test_a_folder_is_no_run(beir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("evaluate", "--qrels", beir, "--run", tmp_path)
    assert done.status == 3
    assert "Is a directory" in done.error()


@pytest.mark.parametrize("name", ["", "a/b", "a\tb", "\x1b[31m"])
def test_a_name_that_no_file_can_have_is_refused(name: str, beir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("evaluate", "--qrels", beir, "--run", f"{name}={tmp_path / 'old.trec'}")
    assert done.status == 2
    assert "cannot be the name of a run" in done.error()


def test_judgements_are_named_by_their_folder_from_inside_it(
    beir: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(beir)
    done = cli("evaluate", "--qrels", ".", "--run", tmp_path / "old.trec")
    assert "Signature: data: beir:" in done.out


def test_judgements_and_queries_may_be_pipes(beir: Path, tmp_path: Path, cli: Cli) -> None:
    files = {"--qrels": beir / "qrels" / "test.tsv", "--queries": beir / "queries.jsonl"}
    pipes = {option: tmp_path / option for option in files}
    threads = []
    for option, pipe in pipes.items():
        os.mkfifo(pipe)
        threads.append(threading.Thread(target=pipe.write_bytes, args=(files[option].read_bytes(),)))
        threads[-1].start()
    words = ["check", tmp_path / "new.json", "--against", tmp_path / "old.trec", "--metrics", "R@5"]
    done = cli(*words, *(word for pair in pipes.items() for word in pair))
    for thread in threads:
        thread.join()
    assert done.status == 5
    assert "run.run R@5: 0.2500 -> 0.7500" in done.out


def test_a_run_whose_name_has_blanks_is_kept_as_any_other(beir: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "old.trec").rename(tmp_path / "my old run.trec")
    out = tmp_path / "kept"
    assert cli("evaluate", "--qrels", beir, "--run", tmp_path / "my old run.trec", "--out", out).status == 0
    assert cli("table", out).status == 0
    assert cli("explain", out, "--query", "q1").status == 0


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="only POSIX has /dev/zero")
@pytest.mark.parametrize("option", ["--run", "--qrels", "--queries", "--attributes"])
def test_a_device_that_never_ends_is_refused(option: str, beir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("evaluate", "--qrels", beir, "--run", tmp_path / "old.trec", option, "/dev/zero")
    assert done.status in (2, 3)
    assert "/dev/zero" in done.error()


def test_a_line_of_queries_with_another_text_is_refused(beir: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "topics.tsv").write_text("q1\tred car\nq1\tred car\nq1\tanother\n")
    words = ("evaluate", "--qrels", beir, "--run", tmp_path / "old.trec", "--queries")
    done = cli(*words, tmp_path / "topics.tsv")
    assert done.status == 3
    assert "topics.tsv:3: query 'q1' appears twice, with another text" in done.error()


def test_a_query_that_appears_twice_is_refused(beir: Path, tmp_path: Path, cli: Cli) -> None:
    with (beir / "queries.jsonl").open("a") as stream:
        stream.write('\n{"_id": "q1", "text": "another"}\n')
    done = cli("evaluate", "--qrels", beir, "--run", tmp_path / "old.trec")
    assert done.status == 3
    assert "queries.jsonl:4: query 'q1' appears twice" in done.error()

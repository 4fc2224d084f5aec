"""The main path on a small dataset: what it leaves behind, again, after a kill, and for others."""

from __future__ import annotations

import csv
import io
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

import bench
from bench.errors import UsageError
from bench.output.manifest import read_manifest
from bench.output.schema import COST_COLUMNS, GENERATION, RETRIEVAL, SCORE_COLUMNS
from bench.store.digests import file_digest
from tests.conftest import Cli, child_environment
from tests.tiny import TEST_POOL, Tiny, lines, write_tiny

RANKING = [f"{kind}@{k}" for kind in ("R", "P", "Acc") for k in (1, 5, 10, 30)]
TEXT = list(GENERATION.values())
GENERATORS = ("lead", "transcript", "oracle", "theirs")
RETRIEVER = "bm25"


def command(tiny: Tiny, out: Path, generators: str = "lead,transcript,oracle", *more: object) -> list[str]:
    return [
        "run", "--data", str(tiny.folder), "--generators", generators, "--retrievers", RETRIEVER,
        "--out", str(out), *map(str, more),
    ]  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data and the outputs of one run that nobody may change."""
    folder = tmp_path_factory.mktemp("world")
    data = write_tiny(folder / "tiny")
    lines(
        folder / "theirs.jsonl",
        [{"video_id": v, "summary": f"{v} apple pie | <b>"} for v in TEST_POOL if v not in ("v9", "v3")],
    )
    bench.run(
        data=data.folder, generators=["lead", "transcript", "oracle", f"file:{folder / 'theirs.jsonl'}"],
        retrievers=[RETRIEVER], out=folder / "out", store=folder / "store",
    )  # fmt: skip
    return folder


# What a run leaves behind (contract section 4)


def test_the_folder_is_complete(world: Path) -> None:
    expected = {
        "manifest.json",
        "qrels.trec",
        "queries.tsv",
        "references.jsonl",
        "scores.csv",
        "costs.csv",
        "significance.csv",
        "report.html",
    }
    expected |= {f"summaries/{g}.jsonl" for g in GENERATORS} | {f"runs/{g}.bm25.trec" for g in GENERATORS}
    expected |= {f"per_query/{g}.bm25.csv" for g in GENERATORS} | {f"per_video/{g}.csv" for g in GENERATORS}
    expected |= {
        f"tables/{t}.{x}" for t in ("generation", "retrieval", "ties", "cost") for x in ("md", "csv", "tex")
    }
    assert set(tree(world / "out")) == expected


def test_the_manifest_has_the_digest_of_every_other_file(world: Path) -> None:
    manifest = json.loads((world / "out" / "manifest.json").read_text())
    files = {
        name: file_digest(world / "out" / name) for name in tree(world / "out") if name != "manifest.json"
    }
    assert manifest["files"] == files
    assert manifest["finished"] is True


def test_the_manifest_tells_every_option_and_what_it_ran_on(world: Path) -> None:
    manifest = json.loads((world / "out" / "manifest.json").read_text())
    settings = manifest["settings"]
    assert settings["options"]["bm25.k1"] == 0.9
    assert settings["options"]["data.unite_queries"] is True
    assert (settings["protocol"], settings["seed"], settings["split"]) == ("one-query-per-video", [0], "test")
    assert manifest["dataset"]["digest"]
    assert manifest["packages"]["numpy"] == np.__version__
    assert set(manifest["code"]) == {"commit", "dirty"}
    assert manifest["machine"]["cores"] >= 1
    for cell in (*GENERATORS, *(f"{g}.bm25" for g in GENERATORS)):
        assert set(manifest["cells"][cell]) == {"seconds", "peak_mb", "fit_s"}


def test_summaries_are_those_of_the_pool_in_dataset_order(world: Path) -> None:
    for generator in GENERATORS:
        text = (world / "out" / "summaries" / f"{generator}.jsonl").read_text()
        assert [json.loads(line)["video_id"] for line in text.splitlines()] == TEST_POOL
    assert json.loads((world / "out/summaries/lead.jsonl").read_text().split("\n")[0]) == {
        "video_id": "v10",
        "summary": "apple pie from scratch: flour, butter, apples and",
    }


def test_scores_have_every_metric_of_every_cell(world: Path) -> None:
    rows = read_csv(world / "out" / "scores.csv")
    assert tuple(rows[0]) == SCORE_COLUMNS
    assert [(row["generator"], row["retriever"], row["metric"]) for row in rows] == [
        (g, r, m) for g in GENERATORS for r, metrics in (("", TEXT), ("bm25", RANKING)) for m in metrics
    ]
    assert {row["n"] for row in rows} == {"5"}
    assert {row["seed"] for row in rows} == {"0"}
    for row in rows:
        value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))
        assert low <= high
        if row["retriever"]:
            assert 0 <= value <= 1
            assert float(row["tie_worst"]) <= float(row["tie_expected"]) <= float(row["tie_best"])


def test_scores_are_the_means_of_what_each_query_got(world: Path) -> None:
    rows = read_csv(world / "out" / "scores.csv")
    for generator in GENERATORS:
        per_query = pd.read_csv(world / "out" / "per_query" / f"{generator}.bm25.csv")
        assert list(per_query.columns) == ["query_id", "n_relevant", *RANKING]
        for row in rows:
            if row["generator"] == generator and row["retriever"]:
                assert float(row["value"]) == pytest.approx(per_query[row["metric"]].mean(), abs=1e-12)


def test_costs_have_every_column(world: Path) -> None:
    rows = read_csv(world / "out" / "costs.csv")
    assert tuple(rows[0]) == COST_COLUMNS
    assert len(rows) == 2 * len(GENERATORS)
    searched = [row for row in rows if row["retriever"]]
    assert all(float(row["index_bytes_per_doc"]) > 0 and float(row["search_p95_ms"]) > 0 for row in searched)


def test_runs_have_ranks_from_1_and_falling_scores(world: Path) -> None:
    for generator in GENERATORS:
        seen: dict[str, list[tuple[int, float]]] = {}
        for line in (world / "out" / "runs" / f"{generator}.bm25.trec").read_text().splitlines():
            query, q0, video, rank, score, tag = line.split()
            assert (q0, tag) == ("Q0", f"{generator}.bm25")
            assert video in TEST_POOL
            seen.setdefault(query, []).append((int(rank), float(score)))
        for found in seen.values():
            assert [rank for rank, _ in found] == list(range(1, len(found) + 1))
            assert all(one > other for (_, one), (_, other) in itertools.pairwise(found))


def test_unmodified_trec_eval_gives_our_scores(world: Path) -> None:
    out = world / "out"
    qrels = pytrec_eval.parse_qrel(io.StringIO((out / "qrels.trec").read_text()))
    scores = {
        (r["generator"], r["retriever"], r["metric"]): float(r["value"]) for r in read_csv(out / "scores.csv")
    }
    names = {"R": "recall", "P": "P", "Acc": "success"}
    for generator in GENERATORS:
        run = pytrec_eval.parse_run(io.StringIO((out / "runs" / f"{generator}.bm25.trec").read_text()))
        wanted = {f"{name}.{k}" for name in names.values() for k in (1, 5, 10, 30)}
        found = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
        for metric in RANKING:
            kind, _, k = metric.partition("@")
            total = sum(values[f"{names[kind]}_{k}"] for values in found.values())
            # as trec_eval -c: a query without results counts 0
            assert total / len(qrels) == pytest.approx(scores[generator, "bm25", metric], abs=1e-6)


def test_queries_are_exactly_those_evaluated(world: Path) -> None:
    queries = [line.split("\t")[0] for line in (world / "out" / "queries.tsv").read_text().splitlines()]
    judged = [line.split()[0] for line in (world / "out" / "qrels.trec").read_text().splitlines()]
    assert queries == list(dict.fromkeys(judged))
    assert len(queries) == 5


def test_bench_evaluate_on_our_own_run_prints_our_row(world: Path, cli: Cli) -> None:
    out = world / "out"
    printed = (out / "tables" / "retrieval.md").read_text().splitlines()
    for generator, label in (("lead", "Lead"), ("oracle", "Oracle")):
        row = next(line for line in printed if line.startswith(f"| BM25 | {label} |"))
        ours = [cell.strip(" *<u>/") for cell in row.split("|")[3:-1]]
        run = out / "runs" / f"{generator}.bm25.trec"
        by_files = cli(
            "evaluate", "--run", run, "--qrels", out / "qrels.trec", "--queries", out / "queries.tsv"
        )
        by_data = cli("evaluate", "--run", run, "--data", world / "tiny")
        for outcome in (by_files, by_data):
            assert outcome.status == 0, outcome.err
            theirs = next(
                line for line in outcome.out.splitlines() if line.startswith(f"| {generator}.bm25 |")
            )
            assert [cell.strip(" *<u>/") for cell in theirs.split("|")[2:-1]] == ours


def test_missing_videos_of_a_file_are_counted(world: Path) -> None:
    manifest = json.loads((world / "out" / "manifest.json").read_text())
    assert manifest["coverage"]["theirs"]["videos without a summary in the file"] == 2
    assert "theirs: 2 without summary" in manifest["coverage_line"]
    assert manifest["coverage"]["dataset"] == {
        "videos": 6, "without transcript": 1, "without features": 2, "without queries": 1,
        "with frames left out": 1,
    }  # fmt: skip


def test_every_table_ends_with_signature_and_coverage(world: Path) -> None:
    for path in (world / "out" / "tables").iterdir():
        text = path.read_text()
        for part in ("Signature", "one-query-per-video", "k1=0.9", "b=0.4", "analyzer=en", "Coverage"):
            assert part in text, (path.name, part)


# From Python


def test_python_has_scores_and_tables(world: Path) -> None:
    result = bench.Result.read(world / "out")
    assert tuple(result.scores.columns) == SCORE_COLUMNS
    table = result.table("retrieval")
    assert list(table.columns) == RETRIEVAL
    assert ("BM25", "Lead") in [
        (labels[0], labels[1]) for labels in table.rename(index={"bm25": "BM25"}).index
    ]
    assert list(result.table("generation").columns) == list(GENERATION)
    assert not result.failed
    with pytest.raises(UsageError, match="Did you mean retrieval"):
        result.table("retreival")


def test_an_unknown_keyword_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="Did you mean generators"):
        bench.run(generator="lead")


# The same command again


def test_the_same_command_twice_gives_the_same_bytes_and_reuses_every_cell(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    once = cli(*command(tiny, tmp_path / "out"))
    before = tree(tmp_path / "out")
    again = cli(*command(tiny, tmp_path / "out"), "--verbose")
    assert (once.status, again.status) == (0, 0)
    assert tree(tmp_path / "out") == before
    assert again.out == once.out
    states = [
        line.rsplit(" ", 1)[1]
        for line in again.err.splitlines()
        if line.startswith("bench: ") and ": everything" not in line
    ]
    assert states[:6] == ["reused"] * 6
    assert "done" not in states


def test_a_plan_says_what_is_reused_and_makes_nothing(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(*command(tiny, tmp_path / "out", "lead,oracle"), "--dry-run")
    assert (outcome.status, outcome.out.count("to be made")) == (0, 4)
    assert not (tmp_path / "out").exists()
    assert cli(*command(tiny, tmp_path / "out", "lead")).status == 0
    outcome = cli(*command(tiny, tmp_path / "out", "lead,oracle"), "--dry-run")
    assert (outcome.out.count("reused"), outcome.out.count("to be made")) == (2, 2)


def test_other_generators_in_the_same_folder_leave_nothing_stale(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    cli(*command(tiny, out, "lead,oracle"))
    cli(*command(tiny, out, "transcript"))
    assert {path.stem for path in (out / "summaries").iterdir()} == {"transcript"}
    assert not [name for name in tree(out) if "lead" in name or "oracle" in name]
    cli(*command(tiny, out, "lead", "--seed", "0,1"))
    assert not (out / "summaries").exists()
    assert {path.name for path in out.glob("seed-*")} == {"seed-0", "seed-1"}
    cli(*command(tiny, out, "lead"))
    assert not list(out.glob("seed-*"))
    assert {path.stem for path in (out / "summaries").iterdir()} == {"lead"}


def test_a_changed_file_is_told_and_restored(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    cli(*command(tiny, out, "lead"))
    whole = (out / "scores.csv").read_text()
    (out / "scores.csv").write_text(whole.replace("lead,bm25,R@1,0.3", "lead,bm25,R@1,0.9"))
    outcome = cli("table", out)
    assert outcome.status == 3
    assert "scores.csv" in outcome.error()
    summary = (out / "summaries" / "lead.jsonl").read_text()
    (out / "summaries" / "lead.jsonl").write_text(summary[: len(summary) // 2])
    again = cli(*command(tiny, out, "lead"))
    assert again.status == 0
    for name in ("scores.csv", "lead.jsonl"):
        assert again.err.count(f"{name} was modified after the run") == 1
    assert again.err.count("was modified") == 2
    assert (out / "scores.csv").read_text() == whole
    assert (out / "summaries" / "lead.jsonl").read_text() == summary
    assert "was modified" not in cli(*command(tiny, out, "lead")).err
    (out / "manifest.json").write_text("{")
    assert cli("table", out).status == 3
    assert cli(*command(tiny, out, "lead")).status == 0
    assert cli("table", out).status == 0


def test_the_default_folder_is_named_by_dataset_and_signature(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = command(tiny, tmp_path, "lead")
    del arguments[arguments.index("--out") : arguments.index("--out") + 2]
    assert cli(*arguments).status == 0
    assert cli(*arguments, "--protocol", "all-queries").status == 0
    names = [path.name for path in (tmp_path / "results" / "runs").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("tiny-") for name in names)


# Folders that are somebody else's


@pytest.mark.parametrize("seeds", ["0", "0,1"])
@pytest.mark.parametrize("name", ["thesis.tex", "manifest.json"])
def test_a_strangers_folder_is_refused_and_left_alone(
    tiny: Tiny, tmp_path: Path, cli: Cli, seeds: str, name: str
) -> None:
    out = tmp_path / "theirs"
    out.mkdir()
    (out / name).write_text('{"files": {"thesis.pdf": ""}}')
    (out / "thesis.pdf").write_text("years of work")
    before = tree(out)
    outcome = cli(*command(tiny, out, "lead", "--seed", seeds))
    assert outcome.status == 2
    assert "name an empty or new folder" in outcome.error()
    assert tree(out) == before


def test_a_file_where_the_folder_should_be_is_wrong_use(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        outcome = cli(*command(tiny, out, "lead"))
        assert outcome.status == 2
        assert "--out" in outcome.error()


# Kills


def kill_when(arguments: list[str], appears: Callable[[], bool], store: Path) -> int:
    """Run a command in a process of its own and kill it as soon as something appears."""
    running = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments], env=child_environment(BENCH_STORE=str(store)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while running.poll() is None and not appears() and time.monotonic() < deadline:
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    return running.wait()


def comparable(out: Path) -> dict[str, bytes]:
    """Return what must not depend on time: everything but costs, their tables and the manifest."""
    kept = (
        "summaries/",
        "runs/",
        "per_",
        "scores.csv",
        "qrels.trec",
        "queries.tsv",
        "tables/generation",
        "tables/retrieval",
    )
    return {name: data for name, data in tree(out).items() if name.startswith(kept)}


def test_killed_in_the_middle_and_repeated_gives_the_same_bytes(
    world: Path, tmp_path: Path, cli: Cli
) -> None:
    tiny, out, store = Tiny(world / "tiny"), tmp_path / "out", tmp_path / "store"
    generators = f"lead,transcript,oracle,file:{world / 'theirs.jsonl'}"
    arguments = command(tiny, out, generators)
    moments = [
        lambda: bool(list(store.glob("retrieval/.*"))),  # in the middle of making a run
        lambda: (out / "runs" / "transcript.bm25.trec").exists(),
    ]
    for moment in moments:
        assert kill_when(arguments, moment, store) == -signal.SIGKILL
    if (out / "manifest.json").exists() and "scores.csv" in tree(out):
        assert cli("table", out).status in (0, 3)  # half-finished, or killed between two files
    assert cli(*arguments, "--store", store).status == 0
    assert comparable(out) == comparable(world / "out")
    assert set(tree(out)) == set(tree(world / "out"))


def test_a_killed_run_is_tidied_up_by_the_next(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    cli(*command(tiny, out, "transcript"), "--store", store)
    finished = (out / "manifest.json").read_bytes()
    changed = lambda: (out / "manifest.json").read_bytes() != finished  # noqa: E731
    assert kill_when(command(tiny, out, "lead,oracle"), changed, store) == -signal.SIGKILL
    assert cli(*command(tiny, out, "lead"), "--store", store).status == 0
    assert not [name for name in tree(out) if "transcript" in name or "oracle" in name]


# Seeds, splits, protocols


def test_several_seeds_have_a_folder_each_and_mean_and_deviation_on_top(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    outcome = cli(*command(tiny, out, "lead,oracle", "--seed", "0,1,2"))
    assert outcome.status == 0, outcome.err
    for seed in (0, 1, 2):
        assert (out / f"seed-{seed}" / "runs" / "oracle.bm25.trec").is_file()
        assert json.loads((out / f"seed-{seed}" / "manifest.json").read_text())["settings"]["seed"] == [seed]
    scores = pd.read_csv(out / "scores.csv", dtype={"seed": str}, keep_default_na=False)
    one = scores[(scores.generator == "oracle") & (scores.retriever == "bm25") & (scores.metric == "R@1")]
    values = dict(zip(one["seed"], one["value"].astype(float), strict=True))
    seeds = [values[str(seed)] for seed in (0, 1, 2)]
    assert len(set(seeds)) > 1
    assert values["mean"] == pytest.approx(np.mean(seeds))
    assert values["sd"] == pytest.approx(np.std(seeds, ddof=1))
    assert f"{values['mean'] * 100:.2f}" in outcome.out
    assert "seeds: 0,1,2" in outcome.out
    top, *below = (read_manifest(folder) for folder in (out, *sorted(out.glob("seed-*"))))
    shares = [manifest.distinct["oracle"] for manifest in below]
    assert top.distinct["oracle"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert top.coverage_line.startswith("of seed 0: dataset: ")


def test_seeds_of_a_killed_run_are_continued(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    arguments = command(tiny, out, "lead", "--seed", "0,1")
    assert kill_when(arguments, lambda: (out / "seed-0" / "report.html").exists(), store) == -signal.SIGKILL
    assert cli(*arguments, "--store", store).status == 0
    assert (out / "scores.csv").is_file()


def test_a_generator_without_chance_is_made_once_for_all_seeds(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead,oracle", "--seed", "0,1", "--store", tmp_path / "store"))
    assert len(list((tmp_path / "store" / "summaries").iterdir())) == 3  # lead once, oracle twice


def test_the_validation_split_is_searched_when_asked(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead", "--split", "val"))
    written = (tmp_path / "out" / "summaries" / "lead.jsonl").read_text().splitlines()
    assert [json.loads(line)["video_id"] for line in written] == ["v5", "v6"]
    assert "split: val" in (tmp_path / "out" / "tables" / "retrieval.md").read_text()


def test_all_queries_are_evaluated_when_asked(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead", "--protocol", "all-queries"))
    queries = (tmp_path / "out" / "queries.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in queries] == ["q1", "q2", "q3", "q4", "q5"]


def test_an_option_changes_the_run_and_not_the_summaries(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    one, other, store = tmp_path / "one", tmp_path / "other", tmp_path / "store"
    cli(*command(tiny, one, "transcript"), "--store", store)
    cli(*command(tiny, other, "transcript", "--set", "bm25.b=1.0"), "--store", store)
    runs = [(out / "runs" / "transcript.bm25.trec").read_bytes() for out in (one, other)]
    assert runs[0] != runs[1]
    assert len(list((store / "summaries").iterdir())) == 1
    assert len(list((store / "retrieval").iterdir())) == 2


# Summaries written elsewhere


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"video_id": "v1", "summary": "x"}', "video 'v1' is not in the pool"),
        ('{"video_id": "v10", "summary": "x"}', "has a summary on an earlier line"),
        ('{"video_id": "v2"}', "'summary' is missing"),
        ('{"video_id": "v2", "summary": null}', "'summary' is missing or not a string"),
        ('{"video_id": "v2", "summary": "\\ud800"}', "surrogate"),
        ("[]", "object"),
        ("{", "invalid JSON"),
        ("[" * 100_000, "invalid JSON"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_bad_data_with_its_place(
    tiny: Tiny, tmp_path: Path, cli: Cli, line: str, told: str
) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text('{"video_id": "v10", "summary": "x"}\n' + line + "\n")
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
    assert outcome.status == 3
    assert f"{path}:2: " in outcome.error()
    assert told in outcome.error()


def test_no_such_file_is_missing(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{tmp_path / 'none.jsonl'}"))
    assert outcome.status == 4


def test_a_changed_file_of_summaries_is_read_again(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "007.jsonl"
    for text in ("apple", "pie"):
        lines(path, [{"video_id": "v10", "summary": text}])
        outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
        assert text in (tmp_path / "out" / "summaries" / "007.jsonl").read_text()
        assert "| BM25 | 007 |" in outcome.out


def test_two_generators_of_one_name_are_wrong_use(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    lines(tmp_path / "lead.jsonl", [])
    outcome = cli(*command(tiny, tmp_path / "out", f"lead,file:{tmp_path / 'lead.jsonl'}"))
    assert outcome.status == 2
    assert "both be called 'lead'" in outcome.error()


def test_hostile_names_are_escaped_on_the_page(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "<script>alert(1)<|script>&.jsonl"
    lines(path, [{"video_id": "v10", "summary": "<img src=x onerror=alert(1)>"}])
    tiny.edit("dataset.json", 1, name="<script>alert(2)</script>")
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
    assert outcome.status == 0, outcome.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "onerror=alert(1)>" not in page


def test_real_speech_and_real_queries_run(real_data: Path, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(
        "run", "--data", real_data / "youcook2-asr", "--generators", "lead", "--retrievers", "bm25",
        "--protocol", "all-queries", "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err

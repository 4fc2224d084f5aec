"""Every number of a run is that of trec_eval, in every format, and lies within its bounds under ties."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.choices import Ties
from bench.errors import MissingError, UsageError
from bench.foreign.judgements import Judgements, read_judgements
from bench.foreign.runs import ForeignRun, read_runs
from bench.foreign.scoring import ordered, score_run
from bench.measures.by_topic import Scored, bounds, compute, parse
from bench.output.trec import TrecRun

DOCUMENTS = [f"d{i:02}" for i in range(40)]
THEIRS = {
    "R@1": "recall_1", "R@5": "recall_5", "R@30": "recall_30", "P@1": "P_1", "P@10": "P_10",
    "Acc@5": "success_5",
    "nDCG": "ndcg", "nDCG@5": "ndcg_cut_5", "nDCG@10": "ndcg_cut_10", "MAP": "map", "MAP@10": "map_cut_10",
    "MRR": "recip_rank",
}  # fmt: skip
RANKED = ("MRR@5", "Judged@10", "P(rel=2)@5", "Bpref", "Success(rel=2)@5")

# some equal in single precision alone, in which trec_eval compares them
scores = st.integers(-3, 3).map(float) | st.sampled_from([1.000000001, 16777216.0, 16777217.0, 1e39, 1e40])
rankings = st.dictionaries(st.sampled_from(DOCUMENTS), scores, min_size=1)
# no grade below 0: trec_eval does not return from ndcg where all grades of a topic are negative
judgements = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1)
topics = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.tuples(rankings, judgements), min_size=1
).filter(lambda topics: any(max(grades.values()) > 0 for _, grades in topics.values()))
Topics = Mapping[str, tuple[dict[str, float], dict[str, int]]]


def of(topics: Topics) -> tuple[ForeignRun, Judgements]:
    run = TrecRun({topic: ranking for topic, (ranking, _) in topics.items()})
    grades = {topic: judged for topic, (_, judged) in topics.items()}
    source = ForeignRun(name="run", file=Path("run"), digest="", form="TREC run", run=run)
    texts = {topic: topic for topic in topics}
    return source, Judgements(name="qrels", digest="", grades=grades, texts=texts, form="TREC qrels")


def values(topics: Topics, names: tuple[str, ...], ties: Ties = "trec_eval") -> dict[str, Any]:
    source, judged = of(topics)
    truth = judged.truth()
    return compute(Scored(ordered(source, truth, ties), truth, judged.grades), names)


@settings(deadline=None, max_examples=40)
@given(topics)
def test_every_number_is_that_of_trec_eval_ties_too(topics: Topics) -> None:
    source, judged = of(topics)
    theirs = pytrec_eval.RelevanceEvaluator(
        {q: dict(grades) for q, grades in judged.grades.items()}, set(THEIRS.values())
    ).evaluate({q: dict(hits) for q, hits in source.run.hits.items()})
    ours = values(topics, tuple(THEIRS))
    for name, other in THEIRS.items():
        assert ours[name] == pytest.approx([theirs[topic][other] for topic in topics], abs=1e-12), name


@settings(deadline=None, max_examples=20)
@given(topics)
def test_other_measures_are_those_of_ir_measures(topics: Topics) -> None:
    source, judged = of(topics)
    ours = values(topics, RANKED)
    # ir_measures breaks ties in its own way: give it the order as scores
    truth = judged.truth()
    run = ordered(source, truth, "trec_eval")
    ranking = {
        topic: {run.video_ids[hit]: -float(place) for place, hit in enumerate(row) if hit >= 0}
        for topic, row in zip(run.query_ids, run.hits.tolist(), strict=True)
    }
    names = {"MRR@5": "RR@5", **{name: name for name in RANKED if name != "MRR@5"}}
    for name, other in names.items():
        measure = ir_measures.parse_measure(other)
        found = {m.query_id: m.value for m in ir_measures.iter_calc([measure], dict(judged.grades), ranking)}
        assert ours[name] == pytest.approx([found.get(t, 0.0) for t in topics], abs=1e-12), name


small = st.dictionaries(st.sampled_from(DOCUMENTS[:4]), st.integers(0, 1).map(float), min_size=1)
few = st.dictionaries(st.sampled_from(DOCUMENTS[:4]), st.integers(0, 2), min_size=1).filter(
    lambda grades: max(grades.values()) > 0
)


@settings(deadline=None, max_examples=25)
@given(small, few)
def test_bounds_are_those_of_every_order_of_the_tied_documents(
    ranking: dict[str, float], grades: dict[str, int]
) -> None:
    names = ("nDCG@3", "nDCG", "MAP", "MAP@2", "MRR", "MRR@2", "R@2", "Acc@1")
    source, judged = of({"q": (ranking, grades)})
    truth = judged.truth()
    limits = bounds(Scored(ordered(source, truth, "ours"), truth, judged.grades), names)
    every: dict[str, list[float]] = {name: [] for name in names}
    groups = [
        sorted(d for d, s in ranking.items() if s == score)
        for score in sorted(set(ranking.values()), reverse=True)
    ]
    for orders in itertools.product(*(itertools.permutations(group) for group in groups)):
        flat = [document for group in orders for document in group]
        untied = {document: float(-place) for place, document in enumerate(flat)}
        for name, value in values({"q": (untied, grades)}, names).items():
            every[name].append(float(value[0]))
    for name, found in every.items():
        sides = (limits[name].worst[0], limits[name].expected[0], limits[name].best[0])
        assert sides == pytest.approx((min(found), float(np.mean(found)), max(found)), abs=1e-12), name


def test_bounds_of_judged_documents_order_unjudged_ones_against_those_judged_not_relevant() -> None:
    source, judged = of({"q": ({"A": 1.0, "C": 1.0}, {"A": 0, "B": 1})})
    truth = judged.truth()
    limits = bounds(Scored(ordered(source, truth, "trec_eval"), truth, judged.grades), ["Judged@1"])
    assert (limits["Judged@1"].worst[0], limits["Judged@1"].best[0]) == (0.0, 1.0)


def as_trec(topics: Topics) -> tuple[str, str]:
    run = [f"{q} Q0 {d} 0 {s!r} x" for q, (ranking, _) in topics.items() for d, s in ranking.items()]
    return "\n".join(run), "\n".join(
        f"{q} 0 {d} {g}" for q, (_, judged) in topics.items() for d, g in judged.items()
    )


def as_json(topics: Topics) -> tuple[str, str]:
    return json.dumps({q: ranking for q, (ranking, _) in topics.items()}), json.dumps(
        {q: judged for q, (_, judged) in topics.items()}
    )


def as_tsv(topics: Topics) -> tuple[str, str]:
    header = "query-id\tcorpus-id\tscore\n"
    run = [f"{q}\t{d}\t{s!r}" for q, (ranking, _) in topics.items() for d, s in ranking.items()]
    judged = [f"{q}\t{d}\t{g}" for q, (_, grades) in topics.items() for d, g in grades.items()]
    return header + "\n".join(run), header + "\n".join(judged)


@pytest.mark.parametrize("write", [as_trec, as_json, as_tsv])
@settings(deadline=None, max_examples=15)
@given(topics=topics)
def test_every_format_gives_the_same_numbers(
    write: Callable[[Topics], tuple[str, str]], tmp_path_factory: pytest.TempPathFactory, topics: Topics
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    run, qrels = write(topics)
    (folder / "run").write_text(run)
    (folder / "qrels").write_text(qrels)
    judged = read_judgements(folder / "qrels", None, "test")
    (source,) = read_runs([str(folder / "run")], judged)
    rows = score_run(source, judged, tuple(THEIRS), "trec_eval").rows
    expected = values(topics, tuple(THEIRS))
    assert {row["metric"]: row["value"] for row in rows} == pytest.approx(
        {name: float(column.mean()) for name, column in expected.items()}, abs=1e-12
    )


def test_an_unknown_measure_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"unknown measure 'nDGC@10'.* Known are R@k"):
        parse(["nDGC@10"])


@pytest.mark.parametrize("name", ["P@0", "P(rel=2)@0", "P@10.5", "nDCG(dcg=1)@5", "Compat(p=2)"])
def test_a_parameter_that_trec_eval_would_end_at_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="unknown measure"):
        parse([name])


ONE_TOPIC: Topics = {"q1": ({"d01": 2.0, "d02": 1.0}, {"d01": 1, "d02": 0})}


def test_two_names_of_one_measure_are_both_computed() -> None:
    computed = values(ONE_TOPIC, ("Bpref", "BPref"))
    assert computed["Bpref"].tolist() == computed["BPref"].tolist() == [1.0]


def test_a_measure_that_fails_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot compute P"):
        values(ONE_TOPIC, ("P(rel=99999999999999999999)@5",))


def test_only_the_measure_that_is_not_supported_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot compute RBP\(p=0\.8\): "):
        values(ONE_TOPIC, ("IPrec@0.1", "RBP(p=0.8)", "Bpref"))


def test_a_topic_without_results_scores_0_and_is_counted() -> None:
    # given to pytrec_eval, it makes IPrec no number, and AP beside Bpref ends the process
    nothing: Topics = {"q2": ({}, {"d01": 2, "d02": 1, "d03": 0})}
    names = ("AP", "IPrec@0.1", "nDCG(judged_only=True)", "NumRet", "NumQ", "NumRel")
    computed = values(ONE_TOPIC | nothing, names)
    found = {name: computed[name].tolist() for name in names}
    assert found == {
        "AP": [1, 0], "IPrec@0.1": [1, 0], "nDCG(judged_only=True)": [1, 0], "NumRet": [2, 0], "NumQ": [1, 1],
        "NumRel": [1, 2],
    }  # fmt: skip
    assert {name: values(nothing, (name,))[name].tolist() for name in names} == {
        name: [found[name][1]] for name in names
    }


@pytest.mark.parametrize("grade", [1001, 2**31 - 1, -(2**31)])
def test_trec_eval_is_given_no_large_grade(grade: int) -> None:
    topics: Topics = {"q1": ({"d01": 2.0}, {"d01": 1, "d02": grade})}
    with pytest.raises(UsageError, match=f"cannot count a relevance of {grade}; it may be up to 1,000"):
        values(topics, ("nDCG(judged_only=True)",))
    assert values(topics, ("MAP@10",))["MAP@10"].tolist() == [0.5 if grade > 0 else 1.0]


def test_trec_eval_is_given_no_topic_of_negative_grades_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def iter_calc(measures: object, judged: object, ranking: object) -> list[Any]:
        given.append(judged)
        return []

    monkeypatch.setattr(ir_measures, "iter_calc", iter_calc)
    values(ONE_TOPIC | {"q2": ({"d01": 1.0}, {"d01": -1, "d02": -2})}, ("nDCG(judged_only=True)",))
    assert given == [{"q1": {"d01": 1, "d02": 0}, "q2": {"d01": 0, "d02": 0}}]


@pytest.mark.parametrize(("name", "meant"), [("ndgc@10", "nDCG@10"), ("r@5", "R@5"), ("mrr", "MRR")])
def test_a_misspelt_measure_is_answered_with_the_one_that_it_resembles(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=f"unknown measure '{name}'. Did you mean {meant}[?]"):
        parse([name])
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(MissingError, match=f"'{name}' is not computed here. Did you mean {meant}[?] .*pip"):
        parse([name])


@pytest.mark.parametrize("name", ["R@0", "R", "nDCG@x", "P@0.5"])
def test_a_cut_off_that_is_no_whole_number_is_named_without_ir_measures(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(UsageError, match=f"'{name}': k in [a-zA-Z]+@k is a whole number from 1"):
        parse([name])

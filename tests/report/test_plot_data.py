"""What the plots show is what the files say."""

import csv
import json
from pathlib import Path

import pytest

from bench.data.evaluation_set import even_sample
from bench.report.plot_data import all_plots, main_systems, mark_pareto_front
from bench.report.plots import Plot
from bench.report.rank_data import BUCKETS, look_up_ranks
from bench.report.source import Source
from bench.report.systems import COLOURS
from bench.store.digests import file_digest
from tests.hostile_run import QUERIES, World
from tests.manifests import edit_manifest


@pytest.fixture(scope="module")
def plots(world: World) -> dict[str, Plot]:
    return drawn(world.out)


def drawn(out: Path) -> dict[str, Plot]:
    source = Source.read(out)
    return {plot.name: plot for plot in all_plots([(source, look_up_ranks(source))])}


def rows(plot: Plot) -> list[dict[str, object]]:
    found: list[dict[str, object]] = plot.spec["data"]["values"]
    return found


def per_query(out: Path, cell: str) -> list[dict[str, str]]:
    with (out / "per_query" / f"{cell}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_even_sample_holds_the_first_and_the_last() -> None:
    assert even_sample(range(1000), 4) == [0, 333, 666, 999]
    assert even_sample([1, 2], 4) == [1, 2]


def test_looked_up_ranks_give_the_accuracy_of_the_run(world: World) -> None:
    source = Source.read(world.out)
    found = look_up_ranks(source)
    for generator, retriever in source.cells:
        own = found[(found["generator"] == generator) & (found["retriever"] == retriever)]
        near = own.groupby("query_id")["rank"].min() <= 10
        accurate = [float(row["Acc@10"]) for row in per_query(world.out, f"{generator}.{retriever}")]
        assert near.sum() == sum(accurate)
        assert sum(accurate) > 0


def test_many_queries_are_sampled(world: World) -> None:
    found = look_up_ranks(Source.read(world.out), limit=7)
    assert found["query_id"].nunique() == 7


def test_curves_hold_the_scores_with_their_intervals(world: World, plots: dict[str, Plot]) -> None:
    scores = {(row.generator, row.metric): row for row in Source.read(world.out).scores}
    shown = {(row["series"], row["k"]): row for row in rows(plots["curve"]) if row["kind"] == "R"}
    assert {k for _, k in shown} == {1, 5, 10, 30}
    for k in (1, 30):
        row = scores["lead", f"R@{k}"]
        assert shown["Lead", k]["value"] == pytest.approx(row.value * 100, abs=1e-4)
        assert shown["Lead", k]["low"] == pytest.approx(row.ci_low * 100, abs=1e-4)


def test_first_ranks_count_every_query_once(plots: dict[str, Plot]) -> None:
    for series in {row["series"] for row in rows(plots["ranks"])}:
        counts = [row["count"] for row in rows(plots["ranks"]) if row["series"] == series]
        assert len(counts) == len(BUCKETS)
        assert sum(map(int, map(str, counts))) == QUERIES
    assert plots["ranks"].note == f"Over all {QUERIES} queries."


def test_of_many_lines_those_of_the_best_two_and_of_references_are_strong() -> None:
    scores: list[dict[str, object]] = [
        {"series": f"row {i}", "retriever": "BM25", "metric": "R@10", "value": i, "reference": i == 0}
        for i in range(9)
    ]
    assert main_systems(scores) == {(f"row {i}", "BM25") for i in (0, 7, 8)}
    assert main_systems(scores[:6]) == {(f"row {i}", "BM25") for i in range(6)}


def test_the_colours_of_ranked_systems_differ_and_have_contrast_on_both_pages() -> None:
    assert len(set(COLOURS)) == len(COLOURS) > 19  # the rows of Table III, its ablations, training-free rows
    for colour in COLOURS:
        for page in ("#ffffff", "#14171a"):
            light, dark = sorted((_luminance(colour), _luminance(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_captions_whose_ciders_are_as_good_as_nothing_are_drawn(copy: Path) -> None:
    path = copy / "per_video" / "lead.csv"
    header, *videos = csv.reader(path.read_text().splitlines())
    at = header.index("CIDEr")
    for number, video in enumerate(videos):
        video[at] = str(number % 3 * 1e-310)
    path.write_text("".join(",".join(line) + "\n" for line in (header, *videos)))
    edit_manifest(copy, lambda written: written["files"].update({"per_video/lead.csv": file_digest(path)}))
    shown = [row for row in rows(drawn(copy)["quality-videos"]) if row["series"] == "Lead"]
    assert len({row["percentile"] for row in shown}) > 1


def test_there_is_no_plot_without_data(plots: dict[str, Plot]) -> None:
    assert "cost" in plots
    assert not [name for name in plots if name.startswith("training")]


def test_a_training_log_is_drawn_by_losses_and_validation(copy: Path) -> None:
    log = copy / "training" / "lead.jsonl"
    log.parent.mkdir()
    lines = [{"step": n, "loss": 1 / n, "loss_entity": 2.0, "val_cider": n, "note": "text"} for n in (1, 2)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    edit_manifest(copy, lambda written: written["files"].update({"training/lead.jsonl": file_digest(log)}))
    plots = {name: plot for name, plot in drawn(copy).items() if plot.section == "training"}
    assert list(plots) == ["training-1-losses", "training-1-validation"]
    assert {row["quantity"] for row in rows(plots["training-1-losses"])} == {"loss", "loss_entity"}
    assert [row["value"] for row in rows(plots["training-1-validation"])] == [1, 2]


def test_modality_is_drawn_where_it_was_measured(copy: Path) -> None:
    assert "modality" not in drawn(copy)
    path = copy / "modality.csv"
    path.write_text("generator,modality,gap,ci_low,ci_high,n\nlead,text,1.5,1.2,1.8,24\nlead,frames,,,,0\n")
    edit_manifest(copy, lambda written: written["files"].update({"modality.csv": file_digest(path)}))
    assert [(row["series"], row["value"], row["n"]) for row in rows(drawn(copy)["modality"])] == [
        ("Lead", 1.5, 24)
    ]


def test_a_validation_loss_is_not_drawn_a_second_time_as_a_score(copy: Path) -> None:
    log = copy / "training" / "lead.jsonl"
    log.parent.mkdir()
    log.write_text(json.dumps({"step": 1, "val_loss": 2.0, "eval_score": -2.0, "eval_score_se": 0.1}) + "\n")
    edit_manifest(copy, lambda written: written["files"].update({"training/lead.jsonl": file_digest(log)}))
    (plot,) = (plot for plot in drawn(copy).values() if plot.section == "training")
    assert [row["quantity"] for row in rows(plot)] == ["val_loss"]


def test_the_front_holds_what_nothing_cheaper_reaches() -> None:
    points = [{"x": x, "value": y, "reference": False} for x, y in ((3, 5), (1, 2), (2, 1), (4, 5), (1, 1))]
    points.append({"x": 0.1, "value": 9, "reference": True})
    front = [row["front"] for row in mark_pareto_front(points)]
    assert front == [True, True, False, False, False, False]

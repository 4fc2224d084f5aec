"""The page: the same for the same run, complete in one file, and no text of a run does anything in it."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.cli.main import main
from bench.errors import DataError, UsageError
from bench.output.checked import checked
from bench.output.manifest import read_manifest
from bench.output.schema import RETRIEVAL
from bench.report.failures import failures, select_queries
from bench.report.leaderboard import leaderboard
from bench.report.page import make_page, open_sources, render
from bench.report.plot_data import all_plots
from bench.report.rank_data import look_up_ranks
from bench.report.several_runs import differences_view, incomparable, settings_view
from bench.report.source import Source
from bench.report.systems import list_systems
from bench.store.digests import file_digest
from tests.hostile_run import LABEL, QUERIES, World
from tests.manifests import edit_manifest
from tests.tiny import write_tiny


class Elements(HTMLParser):
    """Collect start tags with attributes, and the texts of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


@pytest.fixture(scope="module")
def page(world: World) -> str:
    return (world.out / "report.html").read_text(encoding="utf-8")


def test_a_run_leaves_the_page_that_report_makes_again(world: World, page: str) -> None:
    assert render(open_sources([world.out]), world.store) == page
    assert len(page.encode()) < 2_000_000


def test_texts_of_a_run_are_no_elements(page: str) -> None:
    found = Elements(page)
    names = [tag for tag, _ in found.tags]
    assert names.count("script") == 4  # specifications, examples, the library, the page's own
    assert "img" not in names
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert LABEL in json.loads(found.scripts[1])["systems"][2]["label"]


def test_nothing_is_fetched_and_only_the_pages_scripts_may_run(page: str) -> None:
    found = Elements(page)
    places = [a.get(name) for _, a in found.tags for name in ("src", "href") if name in a]
    assert all(place and place.startswith(("#", "data:")) for place in places)
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for script in found.scripts[2:]:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "unsafe-eval" not in policy


def test_every_number_of_the_tables_is_in_the_page(world: World, page: str) -> None:
    for row in Source.read(world.out).scores:
        if row.metric == "R@10":
            assert f">{row.value * 100:.2f}<" in page
            assert f"95 % interval {row.ci_low * 100:.2f} to {row.ci_high * 100:.2f}" in page


def test_the_leaderboard_has_the_scores_of_every_metric(world: World) -> None:
    source = Source.read(world.out)
    systems = list_systems([source])
    board = leaderboard([source], systems, source.result.summary)
    assert board["metric"] == "R@10"
    for row in source.scores:
        if isinstance(row.retriever, str) and row.metric in RETRIEVAL:
            place = [system.generator for system in systems].index(row.generator)
            value, low, high, letters, n, *_ = board["cells"][row.metric][place][0]
            assert value == pytest.approx(row.value * 100, abs=1e-4)
            assert (low, high) == pytest.approx((row.ci_low * 100, row.ci_high * 100), abs=1e-4)
            assert n == row.n
            assert letters


def test_the_summary_comes_first(page: str) -> None:
    order = [page.index(f'id="{name}"') for name in ("summary", "leaderboard", "failures", "cost", "depth")]
    assert order == sorted(order)
    assert "With BM25, " in page[: page.index('id="leaderboard"')]


def test_reference_systems_are_grey_and_others_are_not(world: World) -> None:
    systems = list_systems(open_sources([world.out, world.other]))
    colours = {system.generator: system.colour for system in systems}
    assert {system.colour for system in systems if system.generator == "lead"} == {colours["lead"]}
    assert colours["transcript"] == "#6f7780"
    assert len(set(colours.values())) == 3


def test_several_runs_are_named_by_the_setting_that_differs(world: World) -> None:
    sources = open_sources([world.out, world.other])
    assert [source.name for source in sources] == ["bm25.k1=0.9", "bm25.k1=2.0"]
    compared = render(sources, world.store)
    assert "R@10: differences from bm25.k1=0.9" in compared
    assert "Settings that differ" in compared
    assert "Lead · bm25.k1=2.0" in compared
    assert "cannot be compared" not in compared


def test_differences_between_runs_are_tested_in_pairs(copy: Path, world: World) -> None:
    path = copy / "per_query" / "lead.bm25.csv"
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    column = head.split(",").index("R@10")
    fields = [line.split(",") for line in lines]
    before = [float(field[column]) for field in fields]
    for field in fields[:9]:
        field[column] = "1.0"
    after = [float(field[column]) for field in fields]
    path.write_text("\n".join([head, *map(",".join, fields)]) + "\n", encoding="utf-8")
    edit_manifest(
        copy, lambda written: written["files"].update({"per_query/lead.bm25.csv": file_digest(path)})
    )
    view = differences_view(open_sources([world.out, copy]))
    assert view is not None
    (row,) = view["rows"]
    assert row["names"][1:] == ["BM25", "Lead"]
    assert float(row["cells"][0]["text"]) == pytest.approx(100 * sum(after) / len(after), abs=0.01)
    change = 100 * (sum(after) - sum(before)) / len(after)
    assert float(row["cells"][1]["text"].rstrip("*")) == pytest.approx(change, abs=0.01)
    assert "The same for every query: Transcript × BM25, " in view["notes"][1]


def test_cells_without_any_change_are_named_and_not_listed(copy: Path, world: World) -> None:
    first, second = open_sources([world.out, copy])
    view = differences_view([first, second])
    assert view is not None
    assert view["rows"] == []
    assert "The same for every query: Lead × BM25, Transcript × BM25, " in view["notes"][1]


def test_settings_that_differ_name_systems_that_not_all_runs_have(world: World) -> None:
    view = settings_view(open_sources([world.out, world.other]))
    assert view is not None
    shown = {row["names"][0]: [cell["text"] for cell in row["cells"]] for row in view["rows"]}
    assert shown["generators"][1] == "2 shared"
    assert shown["generators"][0].startswith("2 shared, ")
    assert "/" not in shown["generators"][0].removesuffix(LABEL)
    assert shown["bm25.k1"] == ["0.9", "2.0"]


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("settings", "split", "val", "split (val and test)"),
        ("options", "index.pool", "all", "pool (index.pool) (all and split)"),
        ("signature", "ties", "rank", "the order of equal scores (rank and "),
    ],
)
def test_runs_that_compare_refuses_are_not_subtracted(
    part: str, name: str, value: str, said: str, copy: Path, world: World
) -> None:
    def edit(written: dict[str, Any]) -> None:
        (written["settings"] if part == "options" else written)[part][name] = value

    edit_manifest(copy, edit)
    sources = open_sources([world.other, copy])
    (warning,) = incomparable(sources)
    assert f"cannot be compared: they differ in {said}" in warning
    assert differences_view(sources) is None


def test_runs_without_the_metric_of_the_page_are_compared_in_their_own(tmp_path: Path) -> None:
    scores = {"one": {"q1": {"a": 1.0}, "q2": {"b": 1.0}}, "two": {"q1": {"b": 1.0}, "q2": {"b": 1.0}}}
    for name, run in scores.items():
        bench.evaluate(
            {"run": run}, {"q1": {"a": 1}, "q2": {"b": 1}}, metrics=["nDCG@10"], out=tmp_path / name
        )
    sources = open_sources([tmp_path / name for name in scores])
    view = differences_view(sources)
    assert view is not None
    assert view["caption"].startswith("nDCG@10: differences from one")
    assert [cell["text"] for cell in view["rows"][0]["cells"]][:2] == ["50.00", "-50.00"]


def test_three_runs_have_a_history(copy: Path, world: World) -> None:
    sources = open_sources([world.out, world.other, copy])
    plots = {plot.name: plot for plot in all_plots([(s, look_up_ranks(s)) for s in sources])}
    rows = plots["history"].spec["data"]["values"]
    lead = [row["value"] for row in rows if row["series"] == "Lead"]
    assert len(lead) == 3
    assert lead[0] == lead[2]


def test_failures_are_a_stated_sample(world: World) -> None:
    source = Source.read(world.out)
    ranked = [(source, look_up_ranks(source))]
    systems = list_systems([source])
    some = failures(ranked, systems, limit=5)
    assert len(some["queries"]) == 5
    assert some["note"].startswith(f"5 of {QUERIES} queries: an even sample")
    everything = failures(ranked, systems)
    assert everything["note"].startswith(f"All {QUERIES} queries")
    assert len(everything["cells"]) == 3


def test_failures_hold_the_ranks_and_first_results_of_the_run(world: World) -> None:
    source = Source.read(world.out)
    data = failures([(source, look_up_ranks(source))], list_systems([source]))
    with source.run(("lead", "bm25")) as run:
        for (query, *_), (rank, tied, *first) in zip(data["queries"], data["cells"]["0.0"], strict=True):
            hits = run.hits(query)
            relevant = [hit for hit in hits if hit.video_id in source.relevant[query]]
            assert rank == (relevant[0].rank if relevant else 0)
            assert [data["videos"][video] for video in first] == [hit.video_id for hit in hits[:3]]
            same = [hit for hit in hits if relevant and hit.score == relevant[0].score]
            assert tied == int(any(hit.video_id not in source.relevant[query] for hit in same))
            assert all(video in data["texts"][0] for video in first)


def test_videos_with_an_address_are_linked_and_no_other_scheme_is(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "data")
    addresses = {
        7: "https://videos.example/v10?t=1",
        8: "javascript:alert(1)",
        10: "file:///etc/passwd",
        12: 3,
    }
    for line, address in addresses.items():
        tiny.edit("videos.jsonl", line, url=address)
    result = bench.run(
        data=tiny.folder, generators="lead", retrievers="bm25", protocol="all-queries",
        out=tmp_path / "out", store=tmp_path / "store",
    )  # fmt: skip
    source = Source.read(result.out)
    data = failures([(source, look_up_ranks(source))], list_systems([source]))
    linked = {data["videos"][video]: address for video, address in data["links"].items()}
    assert linked == {"v10": "https://videos.example/v10?t=1"}


def test_of_many_queries_those_with_the_largest_differences_are_shown() -> None:
    import pandas as pd

    queries = [f"q{i:03}" for i in range(100)]
    ranks = pd.DataFrame(
        [
            ("lead" if system else "qms", "bm25", query, "v", 50.0 if system and query == "q037" else 1.0)
            for query in queries
            for system in (0, 1)
        ],
        columns=["generator", "retriever", "query_id", "video_id", "rank"],
    )
    selected = select_queries([ranks], queries, 10)
    assert len(selected) == 10
    assert selected == sorted(selected)
    assert {"q000", "q037", "q099"} <= set(selected)


def test_a_page_is_not_made_of_changed_files(copy: Path, world: World) -> None:
    with (copy / "summaries" / "lead.jsonl").open("a") as stream:
        stream.write('{"video_id": "v99", "summary": "added"}\n')
    with pytest.raises(DataError, match="changed after the run"):
        render(open_sources([copy]), world.store)


def test_a_half_finished_run_says_what_is_missing(copy: Path, world: World) -> None:
    edit_manifest(copy, lambda written: written["settings"]["retrievers"].append("dpr-pt"))
    assert "This run is not finished: lead.dpr-pt, transcript.dpr-pt" in render(
        open_sources([copy]), world.store
    )


def test_figures_are_files_of_the_run_and_the_same_each_time(copy: Path, world: World) -> None:
    command = ["report", str(copy), "--figures", "svg,pdf", "--store", str(world.store.root)]
    assert main(command) == 0
    drawn = {path.name: path.read_bytes() for path in (copy / "figures").iterdir()}
    assert {"curve-r.svg", "curve-acc.svg", "curve-r.pdf", "ranks.svg"} <= set(drawn)
    for name, content in drawn.items():
        assert content.startswith(b"<svg" if name.endswith("svg") else b"%PDF")
    assert main(command) == 0
    again = {path.name: path.read_bytes() for path in (copy / "figures").iterdir()}
    assert again.keys() == drawn.keys()
    assert all(again[name] == content for name, content in drawn.items() if name.endswith("svg"))
    manifest = read_manifest(copy)
    assert all(checked(copy, manifest, f"figures/{name}") for name in drawn)
    assert (copy / "report.html").read_bytes() == (world.out / "report.html").read_bytes()


def test_a_notebook_shows_and_saves_a_plot_by_the_name_of_its_figure(copy: Path, tmp_path: Path) -> None:
    result = bench.open(copy)
    assert result.plot()._repr_svg_().startswith("<svg")
    result.plot("curve-r").save(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"unknown plot 'curve'. Did you mean curve-"):
        result.plot("curve")
    with pytest.raises(UsageError, match="written as svg, png, pdf"):
        result.plot("ranks").save(tmp_path / "ranks.gif")


def test_an_unknown_figure_format_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(copy), "--figures", "svg,gif"]) == 2
    assert "gif" in capsys.readouterr().err


def test_several_runs_need_no_folder_of_their_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(world.out), str(world.other), "--store", str(world.store.root)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.html"]
    assert "comparison.html" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 3
    assert "not the output folder of a bench run" in capsys.readouterr().err


def test_the_page_replaces_nothing_but_a_file(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "folder").mkdir()
    assert main(["report", str(world.out), "--to", str(folder)]) == 2
    assert "not a regular file" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_the_page_that_is_named_in_the_folder_of_its_run_is_in_the_manifest(copy: Path, world: World) -> None:
    page = make_page([copy], to=copy / "report.html", figures=["svg"], store=world.store.root)
    manifest = read_manifest(copy)
    assert page == copy / "report.html"
    assert all(checked(copy, manifest, f"figures/{path.name}") for path in (copy / "figures").iterdir())


@pytest.mark.parametrize("name", ["scores.csv", "other.html", "figures/page.html"])
def test_no_other_file_of_a_run_becomes_its_page(name: str, copy: Path, world: World) -> None:
    before = read_manifest(copy)
    for folders in ([copy], [world.out, copy]):
        with pytest.raises(UsageError, match="would be in the folder of the run"):
            make_page(folders, to=copy / name)
    assert read_manifest(copy) == before
    assert checked(copy, before, "scores.csv")

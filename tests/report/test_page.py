"""The page: the same for the same run, whole in one file, and no text of a run does anything in it."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.errors import DataError
from bench.output.folder import checked
from bench.output.manifest import read_manifest
from bench.report.examples import examples
from bench.report.page import open_sources, render
from bench.report.source import Source
from tests.hostile_run import LABEL, QUERIES, World
from tests.manifests import edit_manifest


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


def test_every_number_of_the_tables_stands_in_the_page(world: World, page: str) -> None:
    for row in Source.read(world.out).scores:
        if row.metric == "R@10":
            assert f">{row.value * 100:.2f}<" in page
            assert f"95 % interval {row.ci_low * 100:.2f} to {row.ci_high * 100:.2f}" in page


def test_several_runs_stand_on_one_page_with_their_differences(world: World) -> None:
    compared = render(open_sources([world.out, world.other]), world.store)
    assert "Differences from out" in compared
    assert "Lead · other" in compared
    assert "not of the same queries" not in compared


def test_runs_of_other_queries_are_not_subtracted(copy: Path, world: World) -> None:
    edit_manifest(copy, lambda written: written["settings"].update(query_seed=1))
    compared = render(open_sources([world.other, copy]), world.store)
    assert "out differs from other in data, split or protocol" in compared
    assert "Differences from" not in compared


def test_examples_are_a_stated_sample(world: World) -> None:
    some = examples([Source.read(world.out)], limit=5)
    assert len(some["queries"]) == 5
    assert some["note"].startswith(f"An even sample of 5 of {QUERIES} queries")
    everything = examples([Source.read(world.out)])
    assert everything["note"].startswith(f"All {QUERIES} queries")
    assert len(everything["ranks"]) == 3


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
    command = ["report", str(copy), "--figures", "svg", "--store", str(world.store.root)]
    assert main(command) == 0
    drawn = {path.name: path.read_bytes() for path in (copy / "figures").iterdir()}
    assert "curve-r-1.svg" in drawn
    assert all(data.startswith(b"<svg") for data in drawn.values())
    assert main(command) == 0
    assert {path.name: path.read_bytes() for path in (copy / "figures").iterdir()} == drawn
    manifest = read_manifest(copy)
    assert all(checked(copy, manifest, f"figures/{name}") for name in drawn)
    assert (copy / "report.html").read_bytes() == (world.out / "report.html").read_bytes()


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

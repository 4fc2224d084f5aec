"""One query or one video of a run, explained in the terminal."""

from pathlib import Path

import pytest

import bench
from bench.cli.main import main
from bench.explain.explainer import Explainer
from retrievers.bm25.retriever import BM25
from tests.hostile_run import World


def explain(world: World, **what: str) -> str:
    explainer = Explainer(world.out, world.store.root)
    return explainer.query(what["query"]) if "query" in what else explainer.video(what["video"])


def test_a_query_shows_its_text_summaries_and_ranks(world: World) -> None:
    text = explain(world, query="q10")
    assert text.startswith("Query q10: paper plane number5")
    assert "Relevant: v05" in text
    assert "reference: paper plane number5 how to" in text
    assert "Transcript wrote: look at the paper plane number5" in text
    assert "Transcript, BM25: rank 1, score" in text
    assert "matched: paper, plane, number5" in text


def test_a_system_whose_explanation_fails_is_named_and_the_others_are_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: BM25, query: str, text: str) -> list[str]:
        raise ValueError("not this one")

    monkeypatch.setattr(BM25, "explain", fail)
    assert "Transcript, BM25: rank 1, score" in explain(world, query="q10")
    assert capsys.readouterr().err == "bench: 'bm25': explain() failed: ValueError: not this one.\n"


def test_ranks_come_before_texts(world: World) -> None:
    text = explain(world, query="q10")
    assert text.index("Ranks of video v05") < text.index("First with Lead") < text.index("Texts of video v05")


def test_words_of_the_query_that_say_something_are_marked(world: World) -> None:
    explainer = Explainer(world.out, world.store.root)
    assert explainer.words(query="q11") == ["paper", "plane", "number5"]
    assert explainer.words(video="v05") == ["paper", "plane", "number5"]


def test_a_video_shows_its_rank_for_each_query(world: World) -> None:
    text = explain(world, video="v05")
    assert "Query q10: paper plane number5" in text
    assert "Query q11: paper plane number5 how to" in text
    assert "v06" not in text


def test_a_video_beyond_the_depth_is_reported(world: World) -> None:
    assert "not in the first 100; no term matched" in explain(
        world, video="v01"
    )  # its summary is but a colour


def test_control_characters_do_not_reach_the_terminal(world: World) -> None:
    text = explain(world, video="v01")
    assert "\x1b" not in text
    assert "[31mred" in text


def test_control_characters_of_an_id_do_not_reach_the_terminal(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(world.out), "--query", "q\x1b]0;title\x07"]) == 2
    assert not {"\x1b", "\x07"} & set(capsys.readouterr().err)


@pytest.mark.parametrize(("which", "name", "near"), [("--query", "Q10", "q10"), ("--video", "v5", "v05")])
def test_an_unknown_id_suggests_near_ones(
    world: World, capsys: pytest.CaptureFixture[str], which: str, name: str, near: str
) -> None:
    assert main(["explain", str(world.out), which, name]) == 2
    error = capsys.readouterr().err
    assert f"'{name}'" in error
    assert near in error


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_a_document_that_one_given_run_alone_retrieved_is_explained(
    names: tuple[str, str], tmp_path: Path
) -> None:
    runs = {"one": {"q1": {"a": 1.0}}, "two": {"q1": {"a": 1.0, "b": 0.5}}}
    bench.evaluate({name: runs[name] for name in names}, {"q1": {"a": 1}}, out=tmp_path / "out")
    text = Explainer(tmp_path / "out").video("b")
    assert text.startswith("Video b: no evaluated query asks for it")
    assert "document: (its text is not known)" in text
    assert "wrote" not in text  # given runs


def test_changed_files_are_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "runs" / "lead.bm25.trec").write_text("q00 Q0 v00 1 9.0 x\n")
    assert main(["explain", str(copy), "--query", "q00"]) == 3
    assert "was changed after the run" in capsys.readouterr().err


def test_a_query_or_a_video_is_required(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["explain", str(world.out)])
    assert stop.value.code == 2
    assert "--query" in capsys.readouterr().err

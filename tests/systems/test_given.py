"""Classes and objects that no package registers: from files, modules and this process, with arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.config.run_config import config_from_settings
from bench.errors import UsageError
from bench.types import Video
from tests.conftest import Cli, child_environment
from tests.systems.plugin_runs import rows
from tests.tiny import Tiny

CODE = '''
from pathlib import Path
from typing import Literal

import bench
from helper import cut

class Begin:
    """Take the first words."""

    label = "Begin"

    def __init__(self, words: int = 2, joiner: str = " "):
        self.words, self.joiner = words, joiner

    def identity(self):
        return {}

    def summarize(self, videos):
        return {video.video_id: self.joiner.join(cut(video.transcript, self.words)) for video in videos}


class Same:
    label = "Same"

    def index(self, summaries):
        self.ids = tuple(summaries)

    def search(self, queries, k):
        return bench.Run.from_hits({query: [(self.ids[0], 1.0)] for query in queries}, self.ids, k)


class Arguments(Begin):
    label = "Arguments"

    def __init__(
        self, path: Path, model, layers: list[int] | None = None, names=("a",), kept=[1.5],
        step: Literal[1, 2] = 1,
    ):
        self.given = repr((path.name, model, layers, names, kept, step))

    def summarize(self, videos):
        return {video.video_id: self.given for video in videos}


class Positional(Begin):
    def __init__(self, model: dict):
        pass


class Half:
    label = "Half"

    def index(self, summaries):
        pass
'''
HELPER = "def cut(text, n):\n    return text.split()[:n]\n"


class Words:
    """Take some words of the transcript."""

    label = "Words"

    def __init__(self, count: int) -> None:
        self.count = count

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        return {video.video_id: " ".join(video.transcript.split()[: self.count]) for video in videos}


class NamedWords(Words):
    """Say what decides the output."""

    label = "Named words"

    def identity(self) -> Mapping[str, Any]:
        return {"count": self.count}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "helper.py").write_text(HELPER)
    path = tmp_path / "mine" / "mine.py"
    path.write_text(CODE)
    return path


def run(tiny: Tiny, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run in another process, as another day would."""
    command = [
        "run", "--data", tiny.folder, "--retrievers", "bm25", "--out", folder / "out",
        "--store", folder / "store", *words,
    ]  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, command)],
        env=child_environment(), capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_a_class_of_a_file_is_a_row_and_its_arguments_are_set(tiny: Tiny, tmp_path: Path, file: Path) -> None:
    done = run(tiny, tmp_path, "--generators", "mine/mine.py:Begin", "--set", "Begin.words=3")
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "out") == {("Begin", ""), ("Begin", "bm25")}
    assert "apple pie from" in (tmp_path / "out" / "summaries" / "Begin.jsonl").read_text()
    result = bench.open(tmp_path / "out")
    assert result.manifest.settings["options"]["Begin.words"] == 3
    assert result.manifest.settings["generators"] == ["mine/mine.py:Begin"]


def test_arguments_may_be_paths_lists_choices_of_numbers_and_without_a_type(
    tiny: Tiny, tmp_path: Path, file: Path
) -> None:
    words = ["path=a/b", "model=m", "layers=1,2", "names=x,y", "step=2"]
    options: dict[str, Any] = {"generators": f"{file}:Arguments", "retrievers": "bm25", "data": tiny.folder}
    out = tmp_path / "out"
    bench.run(**options, set=[f"Arguments.{word}" for word in words], store=tmp_path / "store", out=out)
    result = bench.open(out)
    texts = set(result.summaries["Arguments"].values())
    assert texts == {repr(("b", "m", [1, 2], ("x", "y"), [1.5], 2))}
    assert result.manifest.settings["options"]["Arguments.path"] == "a/b"
    assert result.manifest.settings["options"]["Arguments.layers"] == [1, 2]
    again = config_from_settings(result.manifest.settings)
    assert getattr(again.sections["Arguments"], "path") == Path("a/b")  # noqa: B009 - made at run time


def test_it_is_reused_until_it_or_what_it_imports_or_an_argument_changes(
    tiny: Tiny, tmp_path: Path, file: Path
) -> None:
    words = ("--generators", f"{file}:Begin")
    assert "Begin summaries: done" in run(tiny, tmp_path, *words).stderr
    assert "Begin summaries: reused" in run(tiny, tmp_path, *words).stderr
    assert "Begin summaries: done" in run(tiny, tmp_path, *words, "--set", "Begin.joiner=-").stderr
    (file.parent / "helper.py").write_text(HELPER.replace("[:n]", "[-n:]"))
    assert "Begin summaries: done" in run(tiny, tmp_path, *words).stderr
    file.write_text(CODE.replace("words: int = 2", "words: int = 1"))
    assert "Begin summaries: done" in run(tiny, tmp_path, *words).stderr


def test_an_edited_file_is_another_class_in_the_same_process(tiny: Tiny, tmp_path: Path, file: Path) -> None:
    options: dict[str, Any] = {"data": tiny.folder, "retrievers": "bm25", "store": tmp_path / "store"}
    bench.run(generators=f"{file}:Begin", out=tmp_path / "one", **options)
    file.write_text(CODE.replace("words: int = 2", "words: int = 1"))
    bench.run(generators=f"{file}:Begin", out=tmp_path / "two", **options)
    one, two = ((tmp_path / name / "summaries" / "Begin.jsonl").read_text() for name in ("one", "two"))
    assert '"apple pie"' in one
    assert '"apple"' in two


def test_a_retriever_of_a_file_runs_and_one_without_identity_says_that_it_is_not_reused(
    tiny: Tiny, tmp_path: Path, file: Path
) -> None:
    words = ("--generators", "lead", "--retrievers", f"{file}:Same")
    first, again = run(tiny, tmp_path, *words), run(tiny, tmp_path, *words)
    assert "Same has no identity()" in first.stderr
    assert "lead Same: done" in again.stderr
    assert rows(tmp_path / "out") == {("lead", ""), ("lead", "Same")}


@pytest.mark.parametrize(
    ("word", "more", "status", "message"),
    [
        ("mine/mine.py:Begni", (), 2, "Did you mean Begin?"),
        ("mine/mine.py", (), 2, "mine/mine.py:Begin"),
        ("other.py:Begin", (), 2, "no file other.py"),
        ("nothing_like_it:Begin", (), 2, "no module 'nothing_like_it'"),
        ("broken.py", (), 4, "broken.py' does not load: SyntaxError"),
        ("encoded.py", (), 4, "encoded.py' does not load: SyntaxError"),
        ("fails.part:Begin", (), 4, "does not load: ValueError: it fails"),
        ("lacks:Begin", (), 4, "No module named 'nothing_like_it'"),
        (".fails:Begin", (), 2, "no module '.fails'"),
        ("object:Begin", (), 2, "object of another process"),
        ("mine/mine.py:Begin", ("--set", "Begin.wrods=3"), 2, "words (a whole number), joiner (a text)"),
        ("mine/mine.py:Begin", ("--set", "Begin.words=x"), 2, "expected a whole number"),
        ("mine/mine.py:Begin", ("--set", "Begin.words=1,2"), 2, "expected a whole number"),
        ("mine/mine.py:Arguments", (), 2, "--set Arguments.path=VALUE --set Arguments.model=VALUE"),
        ("mine/mine.py:Arguments", ("--set", "Arguments.layers=1_0"), 2, "whole numbers, comma-separated"),
        ("mine/mine.py:Positional", (), 2, "built with model, which --set cannot give"),
        ("mine/mine.py:Half", (), 4, "def summarize(self, videos):"),
    ],
)
def test_what_cannot_be_built_is_named_with_what_to_do(
    word: str, more: Sequence[str], status: int, message: str, tiny: Tiny, tmp_path: Path, file: Path,
    cli: Cli, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "broken.py").write_text("class Begin(:")
    (tmp_path / "encoded.py").write_bytes(b"name = '\xff'")
    (tmp_path / "fails").mkdir()
    (tmp_path / "fails" / "__init__.py").write_text("raise ValueError('it fails')")
    (tmp_path / "lacks.py").write_text("import nothing_like_it")
    monkeypatch.chdir(tmp_path)
    done = cli("run", "--data", tiny.folder, "--generators", word, "--retrievers", "bm25", *more)
    assert done.status == status
    assert message in done.err


def test_a_retriever_without_search_is_shown_the_lines_to_write(tiny: Tiny, file: Path, cli: Cli) -> None:
    done = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", f"{file}:Half")
    assert done.status == 4
    assert "Half lacks search() of bench.Retriever" in done.err
    assert "def search(self, queries, k):" in done.err
    assert "def index" not in done.err


def test_each_object_is_a_row(tiny: Tiny, tmp_path: Path) -> None:
    result = bench.run(
        data=tiny.folder, generators=[Words(1), Words(3), "lead"], retrievers=["bm25"], out=tmp_path / "out"
    )
    assert set(result.scores["generator"]) == {"Words", "Words-2", "lead"}
    texts = [(tmp_path / "out" / "summaries" / f"{name}.jsonl").read_text() for name in ("Words", "Words-2")]
    assert '"apple pie from"' in texts[1]
    assert '"apple"' in texts[0]


def test_an_object_is_refused_for_a_cluster_before_anything_is_made(tiny: Tiny, tmp_path: Path) -> None:
    out, generators = tmp_path / "out", ["lead", Words(1)]
    with pytest.raises(UsageError, match="engine=ray is not allowed with 'Words', an object of this process"):
        bench.run(data=tiny.folder, generators=generators, retrievers="bm25", engine="ray", out=out)
    assert not out.exists()


def test_an_object_without_identity_is_never_reused_and_one_with_it_is(
    tiny: Tiny, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def made(system: Words) -> str:
        bench.run(data=tiny.folder, generators=system, retrievers="bm25", out=tmp_path / "out")
        return capfd.readouterr().err

    system = Words(1)
    made(system)
    system.count = 3
    assert "Words summaries: done" in made(system)
    assert "apple pie from" in (tmp_path / "out" / "summaries" / "Words.jsonl").read_text()
    made(NamedWords(2))
    assert "NamedWords summaries: reused" in made(NamedWords(2))
    assert "NamedWords summaries: done" in made(NamedWords(4))


def test_a_class_of_a_module_is_known_by_its_place_and_a_built_in_one_by_its_name(
    tiny: Tiny, tmp_path: Path
) -> None:
    from retrievers.bm25.retriever import BM25

    result = bench.run(
        data=tiny.folder, generators=Words, retrievers=BM25, set={"Words.count": 2}, out=tmp_path / "out"
    )
    assert result.manifest.settings["generators"] == [f"{__name__}:Words"]
    assert result.manifest.settings["retrievers"] == ["bm25"]


def test_a_missing_argument_is_named_with_the_option_that_sets_it(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(bench.UsageError, match=r"--set Words\.count=VALUE"):
        bench.run(data=tiny.folder, generators=Words, retrievers="bm25", out=tmp_path / "out")


def test_a_class_typed_into_a_notebook_is_not_reused_whatever_it_says(
    tiny: Tiny, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scope: dict[str, Any] = {"__name__": "__main__", "Base": NamedWords}
    exec("class Typed(Base):\n    label = 'Typed'\n", scope)
    for _ in range(2):
        bench.run(data=tiny.folder, generators=scope["Typed"](2), retrievers="bm25", out=tmp_path / "out")
    shown = capfd.readouterr().err
    assert shown.count("Typed summaries: done") == 2
    assert "Put it into a file" in shown

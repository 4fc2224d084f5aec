"""Files of text that verbs read: a byte order mark and the line ends of other systems change nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tiny import write_tiny

RUN = "q1 Q0 d1 1 2.0 x\nq1 Q0 d2 2 1.0 x\nq2 Q0 d9 1 3.0 x\nq2 Q0 d3 2 2.5 x\n"
QRELS = "q1 0 d1 1\nq1 0 d2 0\nq2 0 d3 2\n"
TABLES = {
    "t.csv": "model,R@1,R@5\na,10.0,7.5\nb,11.0,20.0\n",
    "t.md": "| Model | R@1 | R@5 |\n|---|---|---|\n| a | 10.0 | 7.5 |\n",
    "t.tex": "\\begin{tabular}{lcc}\nModel & R@1 & R@5 \\\\\na & 10.0 & 7.5 \\\\ % b\n\\end{tabular}\n",
    "t.html": "<table>\n<tr><th>Model<th>R@1<th>R@5\n<tr><td>a<td>10.0<td>7.5\n</table>\n",
}
EVALUATE = ("evaluate", "--qrels", "q.qrels", "--run", "r.trec", "--metrics", "R@5")
READERS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (text, ("lint-table", name)) for name, text in TABLES.items()},
    "r.trec": (RUN, EVALUATE),
    "q.qrels": (QRELS, EVALUATE),
    "topics.tsv": ("q1\tred car\nq2\tblue car\n", (*EVALUATE, "--queries", "topics.tsv", "--by", "length")),
    "topics.jsonl": (
        '{"_id": "q1", "text": "red"}\n{"_id": "q2", "text": "blue car"}\n',
        (*EVALUATE, "--queries", "topics.jsonl", "--by", "length"),
    ),
    "kinds.csv": ("id,kind\nq1,a\nq2,b\n", (*EVALUATE, "--attributes", "kinds.csv", "--by", "kind")),
    "options.yaml": (
        "generators: lead\nretrievers: bm25\nbm25: {k1: 0.5}\n",
        ("run", "--config", "options.yaml", "--data", "data", "--dry-run"),
    ),
    "pairs.csv": (
        "video_id,query,split\nv1,red car,test\nv2,blue car,test\n",
        ("data", "import", "csv", "--from", "pairs.csv", "--out", "new"),
    ),
}
AS_OTHERS_WRITE: dict[str, Callable[[str], str]] = {
    "mark and CR LF, no end": lambda text: "\ufeff" + text.replace("\n", "\r\n").rstrip("\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
}


def answer(name: str, text: str, cli: Cli) -> tuple[int, list[str], dict[str, bytes]]:
    """Run the verb on a file of this text: status, what is printed but for digests, and what is written."""
    Path(name).write_text(text, encoding="utf-8", newline="")
    done = cli(*READERS[name][1])
    made = {path.name: path.read_bytes() for path in Path("new").glob("*")}
    shutil.rmtree("new", ignore_errors=True)
    return done.status, [line for line in done.out.splitlines() if not line.startswith("Signature")], made


@pytest.mark.parametrize("name", READERS)
def test_marks_and_line_ends_change_nothing(
    name: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "data")
    Path("r.trec").write_text(RUN)
    Path("q.qrels").write_text(QRELS)
    text = READERS[name][0]
    expected = answer(name, text, cli)
    assert expected[0] in (0, 5)
    for form, written in AS_OTHERS_WRITE.items():
        assert (form, answer(name, written(text), cli)) == (form, expected)

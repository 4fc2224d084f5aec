"""The row llm: answers become summaries, are asked for once and within a budget, and are counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GateError, MissingError
from generators.zero_shot.endpoint import Answer
from generators.zero_shot.row import LONGEST_SUMMARY, clean_answer
from tests.chaos.damages import DAMAGES
from tests.chat_server import ChatServer, Reply, answer, failure, question
from tests.conftest import Cli, child_environment
from tests.generators.zero_shot.conftest import KEY, MakeLLM, videos
from tests.tiny import TEST_POOL, Tiny, write_tiny


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("  bread\nrecipe\t for  beginners \n", "bread recipe for beginners"),
        ('"bread recipe"', "bread recipe"),
        ("“‘bread’ recipe”", "‘bread’ recipe"),
        ("**bread recipe**", "bread recipe"),
        ("<think>The user bakes.\n</think>\n\nbread recipe", "bread recipe"),
        ("<think>The user bakes and", ""),
        ("bread\x00\x1b[31m recipe", "bread [31m recipe"),
        ("", ""),
        ('""', ""),
        ("面包 " * 2000, ("面包 " * 100).strip()),
        ("x" * 10_000, "x" * LONGEST_SUMMARY),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_becomes_one_short_line(text: str, summary: str) -> None:
    assert clean_answer(Answer(text)) == summary


def test_a_video_without_a_transcript_is_not_asked_about(make_llm: MakeLLM, server: ChatServer) -> None:
    assert make_llm().summarize(videos("", " \n", "bread")) == {"v0": "", "v1": "", "v2": "about bread"}
    assert server.questions() == ["bread"]


def test_a_long_transcript_is_cut_and_counted(make_llm: MakeLLM, server: ChatServer) -> None:
    row = make_llm(transcript_characters=10)
    row.summarize(videos("x" * 11, "y" * 10))
    assert sorted(server.questions()) == ["x" * 10, "y" * 10]
    assert row.coverage()["transcripts truncated"] == 1


def test_answers_that_are_empty_or_cut_and_refused_requests_are_counted(
    make_llm: MakeLLM, server: ChatServer
) -> None:
    replies: Mapping[str, Reply] = {
        "good": answer("bread"),
        "empty": answer(" "),
        "long": answer("word " * 2000),
        "limit": answer("bread and", finish="length"),
        "refused": failure(400, "content policy"),
    }
    server.reply = lambda body: replies[question(body)]
    row = make_llm()
    texts = row.summarize(videos(*replies))
    assert [bool(text) for text in texts.values()] == [True, False, True, True, False]
    assert row.coverage() == {
        "transcripts truncated": 0, "answers empty": 1, "answers cut": 2, "requests refused": 1,
    }  # fmt: skip


def test_an_endpoint_that_refuses_every_request_is_an_error(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: failure(400, "unsupported parameter: seed")
    with pytest.raises(MissingError, match=r"refuses all 2 requests.*unsupported parameter: seed"):
        make_llm().summarize(videos("a", "b"))


def test_the_cost_is_that_of_all_answers_stored_ones_too(make_llm: MakeLLM) -> None:
    row = make_llm(price_in=2.0, price_out=10.0)
    row.summarize(videos("a", "b", "a"))
    expected = ["2 answers (20 tokens read, 6 written, cost 0.0001)"]
    assert row.remarks() == expected
    again = make_llm(allowed=False, price_in=2.0, price_out=10.0)
    again.summarize(videos("a", "b"))
    assert again.remarks() == expected
    assert make_llm().remarks() == []


def test_the_same_request_is_sent_once(make_llm: MakeLLM, server: ChatServer) -> None:
    first = make_llm().summarize(videos("bread", "cake", "bread"))
    again = make_llm(allowed=False, workers=1, timeout_s=5)
    assert again.summarize(videos("bread", "cake", "bread")) == first
    assert len(server.bodies) == 2
    make_llm(model="other").summarize(videos("bread"))
    make_llm(max_tokens=9).summarize(videos("bread"))
    assert len(server.bodies) == 4, "another model or another limit is another request"


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"add_file"}))
def test_a_damaged_answer_is_named_and_asked_for_again(
    make_llm: MakeLLM, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    first = make_llm().summarize(videos("bread"))
    [record] = tmp_path.glob("answer-store/answers/*/artefact.json")
    DAMAGES[damage](record)
    assert make_llm().summarize(videos("bread")) == first
    assert len(server.bodies) == 2
    assert f"answers artefact {record.parent} is damaged" in capsys.readouterr().err


def test_the_order_of_answers_changes_nothing(make_llm: MakeLLM, server: ChatServer) -> None:
    def late_first(body: Mapping[str, Any]) -> Reply:
        time.sleep(0.05 if question(body) == "text 0" else 0)
        return answer(f"about {question(body)}")

    server.reply = late_first
    pool = videos(*(f"text {i}" for i in range(20)))
    expected = {f"v{i}": f"about text {i}" for i in range(20)}
    written = make_llm(workers=8).summarize(pool)
    assert written == expected
    assert list(written) == list(expected)


def test_the_budget_ends_a_row_before_it_is_exceeded(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: answer("bread", read=300, written=100)
    texts = videos(*(f"text {i}" for i in range(10)))
    budget = {"budget_tokens": 1900, "workers": 1}
    with pytest.raises(
        GateError, match=r"4 of 10 requests .* kept.*budget_tokens=1900.*1600 tokens are spent"
    ):
        make_llm(**budget).summarize(texts)
    assert len(server.bodies) == 4
    with pytest.raises(GateError, match=r"8 of 10 requests"):
        make_llm(**budget).summarize(texts)
    assert len(make_llm(budget_tokens=None).summarize(texts)) == len(server.bodies) == 10


def test_after_a_failure_no_request_is_begun_and_what_was_answered_is_kept(
    make_llm: MakeLLM, server: ChatServer
) -> None:
    server.reply = lambda body: failure(403) if question(body) == "text 3" else answer("bread")
    texts = videos(*(f"text {i}" for i in range(30)))
    with pytest.raises(MissingError, match=r"of 30 requests are answered and kept"):
        make_llm(workers=2).summarize(texts)
    assert len(server.bodies) < 10
    server.reply = lambda body: answer("bread")
    make_llm().summarize(texts)
    asked = server.questions()
    assert all(asked.count(text) == (2 if text == "text 3" else 1) for text in asked)


def run(tiny: Tiny, server: ChatServer, *more: object) -> list[object]:
    return [
        "run", "--data", tiny.folder, "--generators", "lead,llm", "--retrievers", "bm25", "--set",
        f"llm.url={server.url}", "--set", "llm.model=small", *more,
    ]  # fmt: skip


def test_a_run_prints_the_row_its_signature_and_its_counts(
    cli: Cli, tiny: Tiny, server: ChatServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    server.reply = lambda body: answer(f"=cmd <script>x</script> \x1b[2J {question(body)[:20]}")
    done = cli(*run(tiny, server, "--allow-network", "--out", out))
    assert done.status == 0, done.err
    assert "llm: model=small,prompt=" in done.out
    assert "transcripts truncated" not in done.out
    assert "5 answers (50 tokens read, 15 written)" in done.out
    assert len(server.bodies) == len(TEST_POOL) - 1, "a video says nothing"
    assert "\x1b" not in (out / "summaries" / "llm.jsonl").read_text(encoding="utf-8")
    assert "<script>x" not in (out / "report.html").read_text(encoding="utf-8")
    again = cli(*run(tiny, server, "--out", tmp_path / "again", "--set", "llm.price_in=1"))
    assert again.status == 0, "what is in the store needs no permission"
    assert len(server.bodies) == len(TEST_POOL) - 1


def test_a_run_without_permission_is_a_usage_error(
    cli: Cli, tiny: Tiny, server: ChatServer, tmp_path: Path
) -> None:
    done = cli(*run(tiny, server, "--out", tmp_path / "out"))
    assert done.status == 2
    assert "llm would send the transcripts of 5 videos to http://127.0.0.1:" in done.error()
    assert "--allow-network" in done.error()
    assert not server.bodies


def test_the_key_is_in_no_file_of_a_run_or_of_the_store(
    cli: Cli, tiny: Tiny, server: ChatServer, tmp_path: Path
) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    server.reply = lambda body: answer(f"{KEY} bread")
    done = cli(*run(tiny, server, "--allow-network", "--verbose", "--out", out, "--store", store))
    assert done.status == 0, done.err
    written = [path for folder in (out, store) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "artefact.json" and b"*** bread" in path.read_bytes() for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in done.out + done.err


def test_a_killed_run_asks_for_nothing_that_was_answered(server: ChatServer, tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny")

    killed = threading.Event()

    def hold_the_third(body: Mapping[str, Any]) -> Reply:
        if len(server.bodies) > 2:
            killed.wait(60)
        return answer(f"about {question(body)[:20]}")

    server.reply = hold_the_third
    arguments = run(tiny, server, "--allow-network", "--out", tmp_path / "out", "--set", "llm.workers=1")
    arguments += ["--generators", "llm", "--store", tmp_path / "store"]
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    answers = tmp_path / "store" / "answers"
    with subprocess.Popen(command, env=child_environment(), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and (len(server.bodies) < 3 or len(list(answers.glob("[0-9a-f]*"))) < 2):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    killed.set()
    assert len(list(answers.glob("[0-9a-f]*"))) == 2
    done = subprocess.run(command, env=child_environment(), capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    asked = server.questions()
    assert [asked.count(text) for text in asked[:2]] == [1, 1]
    assert len(asked) == 6, "only the one under way was asked for twice"

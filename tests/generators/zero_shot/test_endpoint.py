"""Requests to an endpoint: repeated, bounded, allowed; what comes back is not trusted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bench.errors import MissingError, UsageError
from bench.options import build_sections
from generators.zero_shot import endpoint
from generators.zero_shot.llm import LLM
from generators.zero_shot.options import LLMOptions
from tests.chat_server import ChatServer, Reply, answer, failure
from tests.generators.zero_shot.conftest import KEY, MakeLLM, videos


def reply_in_turn(*replies: Reply) -> Any:
    waiting: Iterator[Reply] = iter(replies)
    return lambda body: next(waiting)


def write(make_llm: MakeLLM, **options: Any) -> str:
    return make_llm(**options).summarize(videos("how to bake bread"))["v0"]


def test_a_request_has_model_prompt_transcript_limit_temperature_and_seed(
    make_llm: MakeLLM, server: ChatServer
) -> None:
    row = make_llm()
    row.summarize(videos("how to bake bread"))
    [body] = server.bodies
    assert body == {
        "model": "small",
        "messages": [
            {"role": "system", "content": LLM.prompt},
            {"role": "user", "content": "how to bake bread"},
        ],
        "max_tokens": 64,
        "temperature": 0.0,
        "seed": 0,
    }
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_what_a_model_refuses_is_not_sent(make_llm: MakeLLM, server: ChatServer) -> None:
    write(make_llm, temperature=None, seed=None, limit_field="max_completion_tokens", key_variable=None)
    assert server.bodies[0].keys() == {"model", "messages", "max_completion_tokens"}
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(
    "first",
    [
        failure(429, Retry_After="0"),
        failure(500),
        failure(503),
        (200, b"<html>gateway</html>", {}),
        (200, b'{"choices": []}', {}),
        (200, b'{"choices": [{"message": {"content": 7}}]}', {}),
        (200, b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": 1e999}}', {}),
    ],
    ids=["429", "500", "503", "html", "no choice", "a number", "infinite usage"],
)
def test_a_failure_that_may_pass_is_repeated(make_llm: MakeLLM, server: ChatServer, first: Reply) -> None:
    server.reply = reply_in_turn(first, first, answer("bread recipe"))
    assert write(make_llm) == "bread recipe"
    assert len(server.bodies) == 3


def test_an_endpoint_that_always_fails_is_given_up_after_the_retries(
    make_llm: MakeLLM, server: ChatServer
) -> None:
    server.reply = lambda body: failure(500, "out of\nmemory")
    with pytest.raises(MissingError, match=r"0 of 1 requests .* failed 3 times.*HTTP 500: 'out of memory'"):
        write(make_llm, retries=2)
    assert len(server.bodies) == 3


def test_an_endpoint_that_does_not_answer_in_time_is_given_up(make_llm: MakeLLM, server: ChatServer) -> None:
    def late(body: Mapping[str, Any]) -> Reply:
        time.sleep(0.3)
        return answer("too late")

    server.reply = late
    with pytest.raises(MissingError, match=r"failed 2 times.*timed out"):
        write(make_llm, retries=1, timeout_s=0.05)


def test_nobody_at_the_address_is_an_error_that_names_it(make_llm: MakeLLM) -> None:
    with pytest.raises(MissingError, match=r"http://127.0.0.1:9/v1/chat/completions failed 1 times"):
        write(make_llm, retries=0, url="http://127.0.0.1:9/v1")


def test_an_endless_answer_is_not_read(
    make_llm: MakeLLM, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_MAX_BYTES", 1 << 20)
    server.reply = lambda body: (200, b" " * (3 << 20), {})
    with pytest.raises(MissingError, match="more than 1 MiB"):
        write(make_llm, retries=0)


def test_the_wait_is_doubled_or_what_the_endpoint_asks_for_and_bounded(
    make_llm: MakeLLM, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop:
        waits: list[float] = []  # noqa: RUF012

        def is_set(self) -> bool:
            return False

        def wait(self, seconds: float) -> None:
            self.waits.append(seconds)

    monkeypatch.setattr(endpoint, "FIRST_WAIT", 1.0)
    replies = [failure(500), failure(429, Retry_After="7"), failure(500), failure(429, Retry_After="9999")]
    server.reply = reply_in_turn(*replies, answer("bread"))
    options = LLMOptions(url=server.url, model="small")
    assert endpoint.Endpoint(options).ask({}, Stop()).text == "bread"  # type: ignore[arg-type]
    assert Stop.waits == [1.0, 7.0, 4.0, endpoint.LONGEST_WAIT]


def test_a_wrong_key_is_named_by_its_variable(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: failure(401, f"incorrect key {KEY}")
    with pytest.raises(
        MissingError, match=r"HTTP 401: 'incorrect key \*\*\*'\. Check the key in OPENAI_API_KEY"
    ):
        write(make_llm)
    assert len(server.bodies) == 1, "it is not repeated"


def test_an_unknown_model_is_named(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: failure(404, "no such model")
    with pytest.raises(MissingError, match=r"'small'.*HTTP 404: 'no such model'.*llm\.url and llm\.model"):
        write(make_llm)


def test_a_redirection_is_not_followed(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
    with pytest.raises(MissingError, match="HTTP 302"):
        write(make_llm)


def test_nothing_is_sent_without_permission(make_llm: MakeLLM, server: ChatServer) -> None:
    with pytest.raises(UsageError) as raised:
        make_llm(allowed=False).summarize(videos("a", "b", ""))
    assert str(raised.value) == (
        f"llm would send the transcripts of 2 videos to {server.url}/chat/completions (model 'small'), and "
        "nothing is sent without permission. Add --allow-network."
    )
    assert not server.bodies


def test_an_endpoint_elsewhere_needs_a_key_and_https(
    make_llm: MakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"http://example\.org.*OPENAI_API_KEY unencrypted.*https"):
        write(make_llm, url="http://example.org/v1")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(MissingError, match=r"no key for example\.org.*OPENAI_API_KEY is not set"):
        write(make_llm, url="https://example.org/v1")


def test_an_endpoint_on_this_machine_needs_no_key(
    make_llm: MakeLLM, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert write(make_llm)
    assert "Authorization" not in server.headers[0]


def test_a_row_without_an_endpoint_says_how_one_is_named(make_llm: MakeLLM) -> None:
    with pytest.raises(MissingError, match=r"--set llm\.url=https://api\.openai\.com/v1 --set llm\.model="):
        make_llm(url=None)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1", "file:///etc/passwd", "host/v1", "https://me:secret-word@host/v1",
        "https://host/v1?key=secret-word", "https://host/v1#secret-word", "https://ho st/v1", "https://host:x",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError, match=r"llm\.url is not allowed") as raised:
        build_sections({"llm": LLMOptions}, {"llm.url": url})
    assert "secret-word" not in str(raised.value)


def test_a_key_that_the_endpoint_repeats_is_in_no_summary(make_llm: MakeLLM, server: ChatServer) -> None:
    server.reply = lambda body: answer(f"your key is {KEY}")
    assert write(make_llm) == "your key is ***"
    server.reply = lambda body: (200, json.dumps({"echo": KEY}).encode(), {})
    with pytest.raises(MissingError) as raised:
        make_llm(retries=0).summarize(videos("another text"))
    assert KEY not in str(raised.value)

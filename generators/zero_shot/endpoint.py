"""One request to a chat endpoint: permission, key, retries; what comes back is data that is not trusted.

The protocol is OpenAI's ``POST /chat/completions``, which vLLM, llama.cpp, Ollama and most providers speak.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from bench.errors import MissingError, UsageError, shorten
from bench.types import Json
from generators.zero_shot.options import LOOPBACK, LLMOptions

_MAX_BYTES = 4 << 20  # of a response: whatever is longer is no answer of a few tokens
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before a request is repeated: twice as many each time, or what the endpoint asks for."""
_RETRIED = {408, 409, 425, 429}
_REFUSED_TEXT = {400, 413, 415, 422}


@dataclass(frozen=True)
class Answer:
    """What an endpoint wrote for a request, with the tokens that it counted."""

    text: str
    cut: bool = False
    """Whether it ended at the limit of tokens."""
    tokens_in: int = 0
    tokens_out: int = 0


class RequestRefusedError(Exception):
    """The endpoint refuses this one request for good, as a filter of contents does."""


class _TransientError(Exception):
    """A failure that may pass; ``wait`` is what the endpoint asks for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Endpoint:
    """An address and a model that answer chat requests.

    Nothing is checked or sent before `open`. A redirection is not followed: it could take the key elsewhere.
    """

    def __init__(self, options: LLMOptions) -> None:
        section = options.section
        if options.url is None or options.model is None:
            raise MissingError(
                f"{section} needs an endpoint and the name of a model there, such as --set "
                f"{section}.url=https://api.openai.com/v1 --set {section}.model=gpt-4.1-mini-2025-04-14, or "
                f"--set {section}.url=http://localhost:11434/v1 --set {section}.model=qwen3:4b for one on "
                "this machine."
            )
        self.section, self.model = section, options.model
        self.url = options.url.rstrip("/") + "/chat/completions"
        self._options = options
        self._key = ""
        self._opener = urllib.request.build_opener(_NoRedirection)

    def open(self, requests: int, content: str, *, allowed: bool) -> None:
        """Check that requests may be sent, and read the key. Raises UsageError and MissingError."""
        if not allowed:
            raise UsageError(
                f"{self.section} would send {content} of {requests} videos to {self.url} (model "
                f"{shorten(self.model)}), and nothing is sent without permission. Add --allow-network."
            )
        host, scheme = urlsplit(self.url).hostname or "", urlsplit(self.url).scheme
        variable = self._options.key_variable
        self._key = os.environ.get(variable, "").strip() if variable else ""
        if not self._key and variable and host not in LOOPBACK:
            raise MissingError(
                f"{self.section} has no key for {host}: the environment variable {variable} is not set. Set "
                f"it, name another with --set {self.section}.key_variable=NAME, or none for an endpoint "
                "without keys."
            )
        if self._key and scheme == "http" and host not in LOOPBACK:
            raise UsageError(
                f"{self.section}.url={self.url} would send the key in {variable} unencrypted. Use https, or "
                f"--set {self.section}.key_variable=none for an endpoint without keys."
            )

    def body(self, messages: Json) -> dict[str, Json]:
        """Build the request of messages."""
        options = self._options
        optional: dict[str, Json] = {"temperature": options.temperature, "seed": options.seed}
        return {
            "model": self.model,
            "messages": messages,
            options.limit_field: options.max_tokens,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def ask(self, body: Mapping[str, Json], stop: threading.Event) -> Answer:
        """Send a request, repeated while its failure may pass; ``stop`` ends the waiting.

        Raises RequestRefusedError for a request that is refused for good, and MissingError when the endpoint
        cannot be used: no permission, unknown model, or no good answer after all repetitions.
        """
        retries, wait = self._options.retries, FIRST_WAIT
        for attempt in range(retries + 1):
            try:
                return self._send(body)
            except _TransientError as error:
                if attempt == retries or stop.is_set():
                    raise MissingError(
                        f"{self.url} failed {attempt + 1} times, lastly with: {error} Try again later: the "
                        "same command continues, and asks for nothing that was answered."
                    ) from None
                stop.wait(min(max(error.wait, wait), LONGEST_WAIT))
                wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _send(self, body: Mapping[str, Json]) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            return self._parse(self._exchange(request))
        except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError are OSErrors
            reason = getattr(error, "reason", None) or error
            raise _TransientError(f"{self._redact(str(reason) or type(reason).__name__)}.") from None

    def _exchange(self, request: urllib.request.Request) -> bytes:
        timeout = self._options.timeout_s
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return _read(response, timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise self._failure(error, _read(error, timeout)) from None

    def _failure(self, error: urllib.error.HTTPError, data: bytes) -> Exception:
        status = f"HTTP {error.code}: {shorten(self._redact(_message(data)), 200)}."
        if error.code in _RETRIED or error.code >= 500:
            return _TransientError(status, _seconds(error.headers.get("Retry-After")))
        if error.code in _REFUSED_TEXT:
            return RequestRefusedError(status)
        variable = self._options.key_variable
        keys = {401: f"Check the key in {variable}.", 403: f"Check the key in {variable}."}
        advice = keys.get(error.code, f"Check {self.section}.url and {self.section}.model.")
        return MissingError(f"{self.url} (model {shorten(self.model)}) answers {status} {advice}")

    def _parse(self, data: bytes) -> Answer:
        """Read an answer; anything but the protocol's form may pass, as a proxy's page of errors does."""
        try:
            content = json.loads(data)
            choice = content["choices"][0]
            text = choice["message"]["content"] or ""
            usage = content.get("usage") or {}
            counts = [max(0, int(usage.get(name) or 0)) for name in ("prompt_tokens", "completion_tokens")]
            text = self._redact(text).encode("utf-8", "replace").decode()
            return Answer(text, choice.get("finish_reason") == "length", *counts)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
            shown = shorten(self._redact(data[:200].decode("utf-8", "replace")), 200)
            raise _TransientError(f"an answer that is not one of the chat protocol: {shown}.") from None

    def _redact(self, text: str) -> str:
        """Replace the key: an endpoint may repeat what it was sent."""
        return text.replace(self._key, "***") if self._key else text


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuse: the status becomes an HTTPError."""


def _read(response: Any, timeout: float) -> bytes:
    """Read a response, up to limits of size and time. Raises _TransientError at them."""
    data, end = bytearray(), time.monotonic() + timeout
    while chunk := response.read1(1 << 16):
        data += chunk
        if len(data) > _MAX_BYTES:
            raise _TransientError(f"an answer of more than {_MAX_BYTES >> 20} MiB.")
        if time.monotonic() > end:
            raise _TransientError(f"no complete answer within {timeout:g} s.")
    return bytes(data)


def _message(data: bytes) -> str:
    """Extract the message of an error's body, which has one of several forms."""
    text = data.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        return " ".join(str(error["message"] if isinstance(error, dict) else error).split())
    except (ValueError, LookupError, TypeError, RecursionError):
        return " ".join(text.split())


def _seconds(text: str | None) -> float:
    """Read Retry-After in seconds; 0 for a date, which clocks may disagree about."""
    return float(text) if text and text.isdecimal() else 0.0

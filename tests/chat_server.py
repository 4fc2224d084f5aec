"""A chat endpoint on the loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, bytes, Mapping[str, str]]
"""Status, body and headers of a response."""


def answer(text: str, *, finish: str = "stop", read: int = 10, written: int = 3) -> Reply:
    """Return a good response of the chat protocol."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return 200, json.dumps({"choices": [choice], "usage": usage}).encode(), {}


def failure(status: int, message: str = "no", **headers: str) -> Reply:
    return status, json.dumps({"error": {"message": message}}).encode(), headers


def question(body: Mapping[str, Any]) -> str:
    """Return the text of the user's message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


@dataclass
class ChatServer:
    """What the endpoint replies to each request, and the requests so far."""

    reply: Callable[[Mapping[str, Any]], Reply] = lambda body: answer(f"about {question(body)[:20]}")
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    def questions(self) -> list[str]:
        return [question(body) for body in self.bodies]


@contextlib.contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Serve in threads of this process while the block runs."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.bodies.append(body)
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            status, data, headers = state.reply(body)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

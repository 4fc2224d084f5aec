"""A local endpoint, and a row that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from bench.context import Context
from bench.options import build_sections
from bench.store.artefacts import Store
from bench.types import Video
from generators.zero_shot import endpoint
from generators.zero_shot.llm import LLM
from generators.zero_shot.options import LLMOptions, VLMOptions
from generators.zero_shot.vlm import VLM
from tests.chat_server import ChatServer, chat_server

KEY = "sk-secret-0123456789"


class MakeLLM(Protocol):
    def __call__(self, *, allowed: bool = True, **options: Any) -> LLM: ...


class MakeVLM(Protocol):
    def __call__(self, *, allowed: bool = True, **options: Any) -> VLM: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as running:
        yield running


@pytest.fixture
def context(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Context]:
    """Return a function that makes a row's context with a store that all share; nobody waits long."""
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.001)

    def make(options: type[LLMOptions], *, allowed: bool = True, **given: Any) -> Context:
        values = {"url": server.url, "model": "small", **given}
        name = options.section
        sections = build_sections({name: options}, {f"{name}.{key}": value for key, value in values.items()})
        return Context(sections=sections, store=Store(tmp_path / "answer-store"), allow_network=allowed)

    return make


@pytest.fixture
def make_llm(context: Callable[..., Context]) -> MakeLLM:
    def make(*, allowed: bool = True, **options: Any) -> LLM:
        return LLM(context(LLMOptions, allowed=allowed, **options))

    return make


@pytest.fixture
def make_vlm(context: Callable[..., Context]) -> MakeVLM:
    def make(*, allowed: bool = True, **options: Any) -> VLM:
        return VLM(context(VLMOptions, allowed=allowed, **options))

    return make


def video(video_id: str, transcript: str) -> Video:
    return Video(video_id, transcript, np.zeros((0, 4), np.float32))


def videos(*transcripts: str) -> list[Video]:
    return [video(f"v{i}", transcript) for i, transcript in enumerate(transcripts)]

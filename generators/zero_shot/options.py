"""Options of the zero-shot rows; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from annotated_types import Gt, Interval

from bench.options import Count, NonNegative, Section, Seed

__cache_neutral__ = True

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class LLMOptions(Section):
    """The row ``llm``: a language model at an endpoint of the OpenAI chat protocol. Defaults are ours."""

    section: ClassVar[str] = "llm"
    url: str | None = None
    """Address of the endpoint, up to what precedes ``/chat/completions``: ``https://api.openai.com/v1``, or
    ``http://localhost:11434/v1`` for Ollama."""
    model: str | None = None
    """The model's name at the endpoint; best one with a date, which does not change."""
    key_variable: str | None = "OPENAI_API_KEY"
    """The environment variable that holds the key; none sends no key. The key itself is written nowhere."""
    temperature: NonNegative | None = 0.0
    """0 takes the most probable words; none sends nothing, for models that refuse it."""
    seed: Seed | None = 0
    """Sent as ``seed``, so that endpoints that take one repeat their answer; none sends nothing. The seeds of
    a run do not change it."""
    max_tokens: Count = 64
    """Limit of an answer in tokens, those of thinking included."""
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of this limit in the request; models that think take the second."""
    timeout_s: Annotated[float, Gt(0)] = 60.0
    """Seconds to wait for an answer."""
    retries: Annotated[int, Interval(ge=0, le=20)] = 4
    """How often a request is repeated after 408, 409, 429, 5xx, a lost connection or a damaged answer, after
    1, 2, 4, … seconds or as long as the endpoint says, a minute at most."""
    workers: Annotated[int, Interval(ge=1, le=64)] = 4
    """Requests at the same time; they change no result."""
    budget_tokens: Count | None = 1_000_000
    """Tokens that a run may read and write at the endpoint; the request that might exceed it is not sent.
    Before an answer comes, two bytes count as a token, and a picture as 3,000. Answers in the store
    cost nothing; none: no limit."""
    price_in: NonNegative = 0.0
    """Price of a million tokens read, in any currency; with ``price_out`` the coverage line has the cost."""
    price_out: NonNegative = 0.0
    """Price of a million tokens written."""
    transcript_characters: Count = 8000
    """Characters of a transcript that are sent; longer ones are cut, and counted."""

    def __post_init__(self) -> None:
        if self.url is not None and (problem := _url_problem(self.url)):
            raise ValueError(f"option {self.section}.url is not allowed: {problem}")


@dataclass(frozen=True)
class VLMOptions(LLMOptions):
    """The row ``vlm``: as ``llm``, with pictures of the video. Defaults are ours."""

    section: ClassVar[str] = "vlm"
    frames: Annotated[int, Interval(ge=1, le=32)] = 4
    """Pictures of a video that are sent, spread evenly over those that the dataset holds."""


@dataclass(frozen=True)
class Doc2QueryOptions(Section):
    """The row ``doc2query``: which model predicts queries, and how. Limits are those of docTTTTTquery."""

    section: ClassVar[str] = "doc2query"
    weights: str | None = None
    """A hub id or a folder of a seq2seq model. None takes castorini/doc2query-t5-base-msmarco for English,
    doc2query/msmarco-chinese-mt5-base-v1 for Chinese."""
    revision: str | None = None
    """The revision of a hub id; none takes the newest."""
    samples: Annotated[int, Interval(ge=0, le=100)] = 0
    """Queries that are sampled for a video, by the run's seed, each written once; 0 writes the greedy one."""
    top_k: Count = 10
    """Words among which each next word of a sampled query is drawn."""
    transcript_tokens: Count = 512
    """Tokens of a transcript that are read; longer ones are cut, and counted."""
    max_tokens: Count = 64
    """Tokens of a query, at most."""


@dataclass(frozen=True)
class CaptionOptions(Section):
    """The row ``caption``: which model describes pictures. Decoding is that of BLIP's caption_coco.yaml."""

    section: ClassVar[str] = "caption"
    weights: str = "Salesforce/blip-image-captioning-base"
    """A hub id or a folder of an image-to-text model of transformers (default BSD-3-Clause, English)."""
    revision: str | None = None
    """The revision of a hub id; none takes the newest."""
    frames: Annotated[int, Interval(ge=1, le=32)] = 1
    """Pictures of a video that are described, spread evenly; 1 is the middle one."""
    beams: Count = 3
    """Beams of the search; 1 is greedy."""
    max_tokens: Count = 20
    """Tokens of a picture's caption, at most."""


def _url_problem(url: str) -> str:
    """Describe what is wrong with an address; it never repeats it, because it may hold a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"{error}."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it does not begin with http:// or https:// and a host."
    if parts.username is not None or parts.query or parts.fragment:
        return (
            "it holds a user, a password, ? or #, and would be written into the files of the run. Put the "
            "key into an environment variable, and name that as key_variable."
        )
    if any(character.isspace() or not character.isprintable() for character in url):
        return "it holds white space or control characters."
    return ""

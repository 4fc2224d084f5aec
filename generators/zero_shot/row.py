"""What the rows share that ask an endpoint: requests, and summaries of the answers."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from bench.context import Context
from bench.store.digests import digest
from bench.types import Video, VideoId
from generators.zero_shot.answers import Answers, Request
from generators.zero_shot.endpoint import Answer
from generators.zero_shot.options import LLMOptions

LONGEST_SUMMARY = 300
"""Characters of a summary; the rest of an answer is cut: no query is as long."""
_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_QUOTES = ('""', "''", "“”", "‘’", "«»", "「」", "``", "**")


class EndpointRow(ABC):
    """Asks a model at an OpenAI-compatible endpoint about each video; needs ``--allow-network``.

    A video about which there is nothing to send gets an empty summary, and so does one whose request the
    endpoint refuses; that is counted. Answers are kept in the store and asked for once.
    """

    label: ClassVar[str]
    prompt: ClassVar[str]
    """The system's message, the same for every video and model; its digest is in the signature."""
    sent: ClassVar[str]
    """What a request holds of a video, for the message where the network is not allowed."""

    def __init__(self, context: Context, options: LLMOptions) -> None:
        self._options = options
        self._answers = Answers(context, options)
        self._coverage: Mapping[str, int] = {}
        self._used: Sequence[Answer] = ()

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Ask about each video. Raises BenchError as `Answers.get`."""
        built = {video.video_id: self._request(video) for video in videos}
        requests = {video_id: request for video_id, request in built.items() if request}
        answers = self._answers.get(list(requests.values()), self.sent)
        self._used = [answer for answer in answers.values() if answer]
        given = {video_id: answers[request.key] for video_id, request in requests.items()}
        self._coverage = {**self._count_inputs(videos), **count_answers(given.values())}
        return {video_id: clean_answer(given.get(video_id)) for video_id in built}

    def signature(self) -> Mapping[str, str]:
        """Name the model, the prompt and how words are drawn, for the signature line."""
        options = self._options
        temperature = "default" if options.temperature is None else f"{options.temperature:g}"
        seed = {} if options.seed is None else {"seed": str(options.seed)}
        prompt = digest(self.prompt)[:8]
        return {"model": str(options.model), "prompt": prompt, "temperature": temperature, **seed}

    def coverage(self) -> Mapping[str, int]:
        """Count what was cut or missing of videos, answers that are empty or cut, and refused requests."""
        return self._coverage

    def remarks(self) -> Sequence[str]:
        """State the tokens of all answers and, with prices set, their cost, whenever they were asked for."""
        read, written = sum(a.tokens_in for a in self._used), sum(a.tokens_out for a in self._used)
        if not read + written:
            return []
        options = self._options
        price = (read * options.price_in + written * options.price_out) / 1e6
        cost = f", cost {price:.4g}" if price else ""
        return [f"{len(self._used)} answers ({read} tokens read, {written} written{cost})"]

    @abstractmethod
    def _request(self, video: Video) -> Request | None:
        """Build the request about a video; None where there is nothing to send."""

    def _count_inputs(self, videos: Sequence[Video]) -> dict[str, int]:
        limit = self._options.transcript_characters
        return {"transcripts truncated": sum(len(video.transcript.strip()) > limit for video in videos)}

    def _transcript(self, video: Video) -> str:
        return video.transcript.strip()[: self._options.transcript_characters]


def count_answers(answers: Iterable[Answer | None]) -> dict[str, int]:
    """Count refused requests, and answers that are empty or cut, by the limit of tokens or `clean_answer`."""
    counts = {"answers empty": 0, "answers cut": 0, "requests refused": 0}
    for answer in answers:
        counts["requests refused"] += answer is None
        counts["answers empty"] += answer is not None and not clean_answer(answer)
        counts["answers cut"] += answer is not None and (answer.cut or len(_plain(answer)) > LONGEST_SUMMARY)
    return counts


def clean_answer(answer: Answer | None) -> str:
    """Make the summary of an answer: one line without thoughts, quotation marks and what is too long."""
    text = "" if answer is None else _plain(answer)
    if len(text) <= LONGEST_SUMMARY:
        return text
    head = text[:LONGEST_SUMMARY]
    return head.rpartition(" ")[0] or head


def _plain(answer: Answer) -> str:
    text = _THOUGHT.sub(" ", answer.text)
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)  # no control characters
    text = " ".join(text.split())
    while len(text) > 1 and text[0] + text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text

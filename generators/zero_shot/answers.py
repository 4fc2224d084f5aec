"""The answers to many requests: taken from the store, asked for in parallel, within a budget of tokens."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property

from bench.context import Context
from bench.errors import BenchError, GateError, MissingError
from bench.store.digests import canonical, digest
from bench.types import Json, Picture
from generators.zero_shot.endpoint import Answer, Endpoint, RequestRefusedError
from generators.zero_shot.options import LLMOptions

KIND = "answers"
"""The kind of artefact of an answer: whoever sends the same request later finds it."""
_BYTES_PER_TOKEN = 2
_TOKENS_PER_PICTURE = 3000  # generous: endpoints count from about a hundred to some thousands


@dataclass(frozen=True)
class Request:
    """The prompt, text and pictures of a request, and the digest by which its answer is kept."""

    prompt: str
    text: str
    pictures: tuple[Picture, ...] = ()

    @cached_property
    def key(self) -> str:
        """Digest the messages."""
        return digest(self.outline())

    def outline(self) -> Json:
        """Write the messages with the digests of the pictures in their place."""
        return self._messages([picture.digest for picture in self.pictures])

    def messages(self) -> Json:
        """Write the messages as they are sent. Raises DataError for a picture that has changed."""
        pictures = [base64.b64encode(picture.read()).decode() for picture in self.pictures]
        return self._messages([f"data:image/jpeg;base64,{picture}" for picture in pictures])

    def _messages(self, pictures: Sequence[str]) -> Json:
        parts: list[Json] = [{"type": "text", "text": self.text}]
        parts += [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in pictures]
        content: Json = parts if pictures else self.text
        return [{"role": "system", "content": self.prompt}, {"role": "user", "content": content}]


class Answers:
    """Asks an endpoint, and keeps each answer in the store at once: a kill loses those under way alone.

    The same model, settings and messages at the same address are asked once for all runs. Results do not
    depend on the number of workers.
    """

    def __init__(self, context: Context, options: LLMOptions) -> None:
        self._context, self._options = context, options
        self._endpoint, self._budget = Endpoint(options), _Budget(options)

    def get(self, requests: Sequence[Request], content: str) -> dict[str, Answer | None]:
        """Answer each request, by its key; None for one that the endpoint refuses for good.

        ``content`` says what a request sends, for the message where the network is not allowed. Raises
        UsageError without permission, GateError at the end of the budget, MissingError when the endpoint
        cannot be used or refuses every request.
        """
        answers = {request.key: self._find(request.key) for request in requests}
        missing = {request.key: request for request in requests if answers[request.key] is None}
        if missing:
            self._endpoint.open(len(missing), content, allowed=self._context.allow_network)
            answers |= self._ask_all(list(missing.values()), known=len(answers) - len(missing))
        return answers

    def _key(self, key: str) -> dict[str, Json]:
        settings = digest(self._endpoint.body(None))
        return {
            "url": self._endpoint.url,
            "model": self._endpoint.model,
            "settings": settings,
            "request": key,
        }

    def _find(self, key: str) -> Answer | None:
        artefact = self._context.store.find(KIND, self._key(key))
        return Answer(**artefact.meta["answer"]) if artefact else None

    def _keep(self, key: str, answer: Answer) -> Answer:
        self._context.store.fetch(KIND, self._key(key), lambda folder: {"answer": asdict(answer)})
        return answer

    def _ask_all(self, requests: Sequence[Request], *, known: int) -> dict[str, Answer | None]:
        """Ask in threads, and keep what comes in this one; after a failure no other request is begun."""
        stop, answers = threading.Event(), dict[str, Answer | None]()
        refusals: list[RequestRefusedError] = []
        failure: BenchError | None = None
        with ThreadPoolExecutor(self._options.workers) as pool:
            futures = {pool.submit(self._ask, request, stop): request.key for request in requests}
            try:
                for future in as_completed(futures):
                    try:
                        answers[futures[future]] = self._keep(futures[future], future.result())
                    except RequestRefusedError as refusal:
                        answers[futures[future]] = None
                        refusals.append(refusal)
                    except CancelledError:
                        pass
                    except BenchError as error:
                        failure = failure or error
                        _stop(stop, futures)
            except BaseException:  # such as an interruption by the user
                _stop(stop, futures)
                raise
        total = known + len(requests)
        if failure:
            done = known + len(answers)
            raise type(failure)(f"{done} of {total} requests are answered and kept in the store. {failure}")
        if len(refusals) == total:
            raise MissingError(f"{self._endpoint.url} refuses all {total} requests, one with {refusals[0]}")
        return answers

    def _ask(self, request: Request, stop: threading.Event) -> Answer:
        if stop.is_set():
            raise CancelledError
        try:
            return self._send(request, stop)
        except BenchError:
            stop.set()  # at once: the other thread may be busy with the store
            raise

    def _send(self, request: Request, stop: threading.Event) -> Answer:
        outline = self._endpoint.body(request.outline())
        reserved, answer = self._budget.reserve(outline, len(request.pictures)), None
        try:
            answer = self._endpoint.ask(self._endpoint.body(request.messages()), stop)
        finally:
            self._budget.settle(reserved, answer)
        return answer


def _stop(stop: threading.Event, futures: Iterable[Future[Answer]]) -> None:
    stop.set()
    for future in futures:
        future.cancel()


class _Budget:
    """Tokens that may be spent: what requests under way may cost is reserved."""

    def __init__(self, options: LLMOptions) -> None:
        self._limit, self._section, self._answer = options.budget_tokens, options.section, options.max_tokens
        self._spent = self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, body: Mapping[str, Json], pictures: int) -> int:
        """Reserve what a request may cost. Raises GateError where the budget might not hold it."""
        text = canonical(body).encode("utf-8", "surrogatepass")
        tokens = len(text) // _BYTES_PER_TOKEN + pictures * _TOKENS_PER_PICTURE + self._answer
        with self._lock:
            if self._limit is not None and self._spent + self._reserved + tokens > self._limit:
                raise GateError(
                    f"{self._section}.budget_tokens={self._limit} might be exceeded by the next request: "
                    f"{self._spent} tokens are spent. The same command continues with a new budget; a larger "
                    f"one is --set {self._section}.budget_tokens=N."
                )
            self._reserved += tokens
        return tokens

    def settle(self, reserved: int, answer: Answer | None) -> None:
        """Count what a request cost in place of what was reserved; that where the endpoint counts nothing."""
        with self._lock:
            self._reserved -= reserved
            if answer is not None:
                self._spent += (answer.tokens_in + answer.tokens_out) or reserved

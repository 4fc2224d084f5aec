"""One beam search for every row, so that no row wins by its decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from generators.neural.batches import Batch
from generators.options import DecodeOptions

S = TypeVar("S")
NEVER = -1e9
"""The score of what may not be chosen; finite, so that sums of it still compare."""


class Decoder(Protocol[S]):
    """What decoding needs of a module. A state belongs to its rows, ``n`` of them."""

    def start(self, batch: Batch) -> S:
        """Encode a batch, once; the state has one row for each video."""
        ...

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Read tokens ``[n, t]`` after those read before; return log-probabilities ``[n, v]`` of the next."""
        ...

    def select(self, state: S, rows: Tensor) -> S:
        """Return the state of the given rows ``[m]``, which may repeat and be fewer or more."""
        ...

    def reorder(self, state: S, rows: Tensor) -> S:
        """Do as `select` does, where each row is replaced by one of the same video: the memory may stay."""
        ...


@dataclass(frozen=True)
class Rules:
    """Hold the settings of one search, with the vocabulary's specials."""

    prompt: tuple[int, ...]
    eos: int
    pad: int
    beams: int
    max_tokens: int
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    early_stopping: bool | str = True

    @classmethod
    def of(cls, options: DecodeOptions, prompt: tuple[int, ...], eos: int, pad: int) -> Rules:
        """Take the settings from the options."""
        ways: dict[str, bool | str] = {"true": True, "false": False, "never": "never"}
        return cls(
            prompt,
            eos,
            pad,
            beams=options.beams,
            max_tokens=options.max_tokens,
            length_penalty=options.length_penalty,
            no_repeat_ngram=options.no_repeat_ngram,
            early_stopping=ways[options.early_stopping],
        )


@torch.inference_mode()
def beam_search(decoder: Decoder[S], batch: Batch, rules: Rules) -> list[list[int]]:
    """Return the best sequence of each video, without prompt and end.

    Equals transformers' ``generate`` under the same settings: candidates are the best ``2 * beams``
    continuations, only the best ``beams`` of them may finish, scores are divided by length **
    penalty, and the last step can only end. Videos that can gain nothing more leave the batch.
    """
    videos = len(batch["tokens"])
    return search(decoder, decoder.start(batch), videos, batch["tokens"].device, rules) if videos else []


def search(decoder: Decoder[S], state: S, rows: int, device: torch.device, rules: Rules) -> list[list[int]]:
    """Do as `beam_search` from a state of so many rows."""
    found: list[list[int]] = [[] for _ in range(rows)]
    _Search(decoder, rules, state, rows, device).run(found)
    return found


class _Search(Generic[S]):
    """Hold the beams of the videos that are still being written."""

    def __init__(
        self, decoder: Decoder[S], rules: Rules, state: S, videos: int, device: torch.device
    ) -> None:
        k, width = rules.beams, len(rules.prompt) + rules.max_tokens + 1
        self.decoder, self.rules, self.state = decoder, rules, state
        self.rows = torch.arange(videos, device=device)  # which video is here
        self.live = torch.full((videos, k, width), rules.pad, dtype=torch.int64, device=device)
        self.live[:, :, : len(rules.prompt)] = torch.tensor(rules.prompt, device=device)
        self.live_scores = torch.full((videos, k), NEVER, device=device)
        self.live_scores[:, 0] = 0.0  # all beams start the same: only the first counts
        self.done = self.live.clone()
        self.done_scores = torch.full((videos, k), NEVER, device=device)
        self.is_done = torch.zeros(videos, k, dtype=torch.bool, device=device)

    def run(self, found: list[list[int]]) -> None:
        """Write into ``found`` until every video is finished."""
        for step in range(self.rules.max_tokens + 1):
            scores = self._next_scores(step)
            self._advance(scores, step)
            finished = self._finished(step)
            if bool(finished.any()):
                self._hand_over(finished, found)
            if not len(self.rows):
                return

    def _next_scores(self, step: int) -> Tensor:
        """Return log-probabilities ``[b, k, v]`` of the next token."""
        k, at = self.rules.beams, len(self.rules.prompt) + step
        if step == 0:  # the beams are still one
            scores, self.state = self.decoder.step(self.live[:, 0, :at], self.state)
            each = torch.arange(len(self.rows), device=scores.device).repeat_interleave(k)
            self.state = self.decoder.select(self.state, each)
            scores = scores.repeat_interleave(k, dim=0)
        else:
            scores, self.state = self.decoder.step(self.live[:, :, at - 1].reshape(-1, 1), self.state)
        scores = scores.float()
        if step == self.rules.max_tokens:
            scores = torch.full_like(scores, -torch.inf)
            scores[:, self.rules.eos] = 0.0
        else:
            scores = block_ngrams(self.live[:, :, :at].flatten(0, 1), scores, self.rules.no_repeat_ngram)
        return scores.view(len(self.rows), k, -1)

    def _advance(self, scores: Tensor, step: int) -> None:
        """Choose the next beams and keep those that end."""
        k, at, vocabulary = self.rules.beams, len(self.rules.prompt) + step, scores.shape[-1]
        total = (self.live_scores[:, :, None] + scores).flatten(1)
        best, index = total.topk(2 * k)  # [b, 2k]
        beam, token = index // vocabulary, index % vocabulary
        candidates = _take(self.live, beam)
        candidates[:, :, at] = token
        ends = token == self.rules.eos
        self._keep_finished(candidates, best, ends, step)
        self.live_scores, chosen = (best + ends * NEVER).topk(k)
        self.live = _take(candidates, chosen)
        origin = beam.gather(1, chosen) + torch.arange(len(beam), device=beam.device)[:, None] * k
        self.state = self.decoder.reorder(self.state, origin.flatten())

    def _keep_finished(self, candidates: Tensor, best: Tensor, ends: Tensor, step: int) -> None:
        k = self.rules.beams
        ends = ends & (torch.arange(2 * k, device=ends.device) < k)
        scores = best / (step + 1) ** self.rules.length_penalty + ~ends * NEVER
        self.done_scores, chosen = torch.cat((self.done_scores, scores), 1).topk(k)
        self.done = _take(torch.cat((self.done, candidates), 1), chosen)
        self.is_done = torch.cat((self.is_done, ends), 1).gather(1, chosen)

    def _finished(self, step: int) -> Tensor:
        """Tell which videos can gain nothing more, by transformers' estimate."""
        rules = self.rules
        if step == rules.max_tokens:
            return torch.ones(len(self.rows), dtype=torch.bool, device=self.rows.device)
        longest = rules.early_stopping == "never" and rules.length_penalty > 0.0
        length = rules.max_tokens + 1 if longest else step + 1
        hope: Tensor = self.live_scores[:, 0] / length**rules.length_penalty
        worst = torch.where(self.is_done, self.done_scores.amin(1, keepdim=True), NEVER)  # [b, k]
        closed: Tensor = ~(hope[:, None] > worst).any(1)
        return closed | (self.is_done.all(1) if rules.early_stopping is True else closed)

    def _hand_over(self, finished: Tensor, found: list[list[int]]) -> None:
        start = len(self.rules.prompt)
        for row, best in zip(
            self.rows[finished].tolist(), self.done[finished, 0, start:].tolist(), strict=True
        ):
            found[row] = best[: best.index(self.rules.eos)] if self.rules.eos in best else best
        stay = (~finished).nonzero().flatten()
        k = self.rules.beams
        if len(stay):
            beams = (stay[:, None] * k + torch.arange(k, device=stay.device)).flatten()
            self.state = self.decoder.select(self.state, beams)
        for name in ("rows", "live", "live_scores", "done", "done_scores", "is_done"):
            setattr(self, name, getattr(self, name)[stay])


def block_ngrams(written: Tensor, scores: Tensor, n: int) -> Tensor:
    """Forbid tokens that would repeat an n-gram in ``written``, ``[r, t]``; scores are ``[r, v]``."""
    if n == 0 or written.shape[1] < n:
        return scores
    seen = written.unfold(1, n, 1)  # [r, windows, n]
    tail = written[:, written.shape[1] - n + 1 :]  # [r, n - 1]
    repeats = (seen[:, :, : n - 1] == tail[:, None, :]).all(-1)
    row, window = repeats.nonzero(as_tuple=True)
    blocked = scores.clone()
    blocked[row, seen[row, window, n - 1]] = -torch.inf
    return blocked


def _take(sequences: Tensor, index: Tensor) -> Tensor:
    """Return ``sequences[b, index[b, m]]``: ``[b, m, length]``."""
    return sequences.gather(1, index[:, :, None].expand(-1, -1, sequences.shape[-1]))

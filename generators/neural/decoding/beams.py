"""Beam search, the same for every trained row, so that no row is better by its decoder alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from generators.neural.batches import Batch
from generators.neural.options import DecodeOptions

S = TypeVar("S")
NEVER = -1e9
"""The score of what is excluded; finite, so that sums of it can still be compared."""


class Decoder(Protocol[S]):
    """What a module needs for decoding. A state holds ``n`` rows, each the beginning of one summary."""

    def start(self, batch: Batch) -> S:
        """Encode a batch, once; the state has one row for each video."""
        ...

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Read tokens ``[n, t]`` after those read before; return log-probabilities ``[n, v]`` of the next."""
        ...

    def select(self, state: S, rows: Tensor) -> S:
        """Take the state of the given rows ``[m]``, which may repeat and be fewer or more."""
        ...

    def reorder(self, state: S, rows: Tensor) -> S:
        """Do as `select` does, where each row is replaced by one of the same video: the memory may stay."""
        ...

    def tensors(self, state: S) -> list[Tensor]:
        """List the tensors of a state; states of the same shapes are computed with in the same way.

        After the first step, `step` and `reorder` do not wait for the device, so that it can record them.
        """
        ...


@dataclass(frozen=True)
class Rules:
    """The settings of a beam search, with the special ids of the vocabulary."""

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


class Replay(Protocol):
    """Does the steps of a search after the first in another way, with the same result."""

    def __call__(self, search: Search[Any]) -> Tensor | None:
        """Return the best sequence of each video ``[b, width]``; None leaves the steps to the search."""
        ...


@torch.inference_mode()
def beam_search(
    decoder: Decoder[S], batch: Batch, rules: Rules, replay: Replay | None = None
) -> list[list[int]]:
    """Search the most probable sequence of each video, without prompt and end.

    Equals transformers' ``generate`` under the same settings: candidates are the best ``2 * beams``
    continuations, only the best ``beams`` of them may finish, scores are divided by length **
    penalty, and the last step can only end. Videos that can gain nothing more leave the batch.
    """
    videos = len(batch["tokens"])
    if not videos:
        return []
    rows = torch.arange(videos, device=batch["tokens"].device)
    return search(decoder, decoder.start(batch), rules, rows, replay)


def search(
    decoder: Decoder[S], state: S, rules: Rules, rows: Tensor, replay: Replay | None = None
) -> list[list[int]]:
    """Search as `beam_search` does, from a state; ``rows`` ``[n]`` counts its rows from 0."""
    sequences: list[list[int]] = [[] for _ in range(len(rows))]
    Search(decoder, rules, state, rows).run(sequences, replay)
    return sequences


class Search(Generic[S]):
    """The beams of the videos whose summaries are not finished; ``b`` videos, ``k`` beams each."""

    def __init__(self, decoder: Decoder[S], rules: Rules, state: S, rows: Tensor) -> None:
        videos, device = len(rows), rows.device
        k, width = rules.beams, len(rules.prompt) + rules.max_tokens + 1
        self.decoder, self.rules, self.state = decoder, rules, state
        self.rows = rows  # [b], the number of each video
        self.live = torch.full(
            (videos, k, width), rules.pad, dtype=torch.int64, device=device
        )  # [b, k, width]
        self.live[:, :, : len(rules.prompt)] = torch.tensor(rules.prompt, device=device)
        self.live_scores = torch.full((videos, k), NEVER, device=device)  # [b, k]
        self.live_scores[:, 0] = 0.0  # all beams start the same: only the first counts
        self.done = self.live.clone()
        self.done_scores = torch.full((videos, k), NEVER, device=device)
        self.is_done = torch.zeros(videos, k, dtype=torch.bool, device=device)
        self._endings = torch.tensor([rules.eos, rules.pad], device=device)
        self._ending_scores = torch.tensor([0.0, -torch.inf], device=device)

    def run(self, sequences: list[list[int]], replay: Replay | None = None) -> None:
        """Search until every video is finished; its best sequence goes into ``sequences``."""
        for step in range(self.rules.max_tokens + 1):
            finished = self.advance(step)
            if bool(finished.any()):
                self._remove(finished, sequences)
            if not len(self.rows):
                return
            if step == 0 and replay is not None and (best := replay(self)) is not None:
                self._store(self.rows, best, sequences)
                return

    def advance(self, step: int) -> Tensor:
        """Do a step; return which videos ``[b]`` are finished, whose beams must not be used any more.

        After the first it never waits for the device, so that a GPU can record it.
        """
        self._take_best(*self._continuations(step), step)
        return self._finished(step)

    def _continuations(self, step: int) -> tuple[Tensor, Tensor]:
        """Compute the best next tokens of each beam ``[b, k, c]``: log-probabilities and ids."""
        k, at = self.rules.beams, len(self.rules.prompt) + step
        if step == self.rules.max_tokens:  # which can only end
            shape = len(self.rows), k, 2
            return self._ending_scores.expand(shape), self._endings.expand(shape)
        if step == 0:  # the beams are still one
            scores, self.state = self.decoder.step(self.live[:, 0, :at], self.state)
            each = torch.arange(len(self.rows), device=scores.device).repeat_interleave(k)
            self.state = self.decoder.select(self.state, each)
            scores = scores.repeat_interleave(k, dim=0)
        else:
            scores, self.state = self.decoder.step(self.live[:, :, at - 1].reshape(-1, 1), self.state)
        scores = block_ngrams(
            self.live[:, :, :at].flatten(0, 1), scores.float(), self.rules.no_repeat_ngram
        )  # [b * k, v]
        best, tokens = scores.topk(min(2 * k, scores.shape[1]))  # of each beam; more cannot be needed
        return best.view(-1, k, best.shape[1]), tokens.view(-1, k, best.shape[1])  # [b, k, c]

    def _take_best(self, scores: Tensor, tokens: Tensor, step: int) -> None:
        """Take the best continuations ``[b, 2k]``: those that end are finished, the best others go on."""
        k, at = self.rules.beams, len(self.rules.prompt) + step
        best, index = (self.live_scores[:, :, None] + scores).flatten(1).topk(2 * k)  # [b, 2k]
        beam, token = index // scores.shape[2], tokens.flatten(1).gather(1, index)
        candidates = _take(self.live, beam)  # [b, 2k, width]
        candidates[:, :, at] = token
        ends = token == self.rules.eos
        self._add_finished(candidates, best, ends, step)
        self.live_scores, picked = (best + ends * NEVER).topk(k)  # [b, k]
        self.live = _take(candidates, picked)
        origin = beam.gather(1, picked) + torch.arange(len(beam), device=beam.device)[:, None] * k
        self.state = self.decoder.reorder(self.state, origin.flatten())

    def _add_finished(self, candidates: Tensor, best: Tensor, ends: Tensor, step: int) -> None:
        """Merge candidates that end now with those that ended before: score = log p / length ** penalty."""
        k = self.rules.beams
        ends = ends & (torch.arange(2 * k, device=ends.device) < k)
        scores = best / (step + 1) ** self.rules.length_penalty + ~ends * NEVER
        self.done_scores, picked = torch.cat((self.done_scores, scores), 1).topk(k)
        self.done = _take(torch.cat((self.done, candidates), 1), picked)
        self.is_done = torch.cat((self.is_done, ends), 1).gather(1, picked)

    def _finished(self, step: int) -> Tensor:
        """Check which videos ``[b]`` cannot get a better sequence, by the estimate of transformers."""
        rules = self.rules
        if step == rules.max_tokens:
            return torch.ones(len(self.rows), dtype=torch.bool, device=self.rows.device)
        longest = rules.early_stopping == "never" and rules.length_penalty > 0.0
        length = rules.max_tokens + 1 if longest else step + 1
        hope: Tensor = self.live_scores[:, 0] / length**rules.length_penalty
        worst = torch.where(self.is_done, self.done_scores.amin(1, keepdim=True), NEVER)  # [b, k]
        closed: Tensor = ~(hope[:, None] > worst).any(1)
        return closed | (self.is_done.all(1) if rules.early_stopping is True else closed)

    def _remove(self, finished: Tensor, sequences: list[list[int]]) -> None:
        """Take the best sequence of finished videos and drop their rows."""
        self._store(self.rows[finished], self.done[finished, 0], sequences)
        stay = (~finished).nonzero().flatten()
        k = self.rules.beams
        if len(stay):
            beams = (stay[:, None] * k + torch.arange(k, device=stay.device)).flatten()
            self.state = self.decoder.select(self.state, beams)
        for name in ("rows", "live", "live_scores", "done", "done_scores", "is_done"):
            setattr(self, name, getattr(self, name)[stay])

    def _store(self, rows: Tensor, found: Tensor, sequences: list[list[int]]) -> None:
        start, eos = len(self.rules.prompt), self.rules.eos
        for row, best in zip(rows.tolist(), found[:, start:].tolist(), strict=True):
            sequences[row] = best[: best.index(eos)] if eos in best else best


def block_ngrams(written: Tensor, scores: Tensor, n: int) -> Tensor:
    """Forbid tokens that would repeat an n-gram in ``written``, ``[r, t]``; scores are ``[r, v]``."""
    if n == 0 or written.shape[1] < n:
        return scores
    windows = written.unfold(1, n, 1)  # [r, windows, n]
    tail = written[:, written.shape[1] - n + 1 :]  # [r, n - 1]
    repeats = (windows[:, :, : n - 1] == tail[:, None, :]).all(-1)
    return scores.scatter_add(1, windows[:, :, n - 1], torch.where(repeats, -torch.inf, 0.0))


def _take(sequences: Tensor, index: Tensor) -> Tensor:
    """Select ``sequences[b, index[b, m]]``: ``[b, m, length]``."""
    return sequences.gather(1, index[:, :, None].expand(-1, -1, sequences.shape[-1]))

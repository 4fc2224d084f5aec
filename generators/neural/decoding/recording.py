"""The steps of a beam search recorded on a GPU and replayed, as starting them from Python takes longer."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad

from generators.neural.decoding.beams import Rules, Search

Shapes: TypeAlias = tuple[tuple[torch.Size, torch.dtype], ...]
MULTIPLE = 32
"""On a GPU, memories are as long as a multiple of this: few shapes, each of which is recorded once."""
KEPT = 8
"""Shapes whose steps are kept; each holds the memory and the caches of a batch."""


def pad_memory(memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Pad a memory ``[b, s, d]`` and its mask ``[b, s]`` on a GPU, so that few batches differ in length."""
    more = -memory.shape[1] % MULTIPLE if memory.is_cuda else 0
    return (pad(memory, (0, 0, 0, more)), pad(mask, (0, more))) if more else (memory, mask)


def cached_tensors(cache: Any) -> list[Tensor]:
    """List the keys and values of a library's cache of a decoder, of what is read and of the memory."""
    layers = [*cache.self_attention_cache.layers, *cache.cross_attention_cache.layers]
    return [tensor for layer in layers for tensor in (layer.keys, layer.values)]


class StepRecorder:
    """Records the steps of a search at the second batch of a shape, and replays them for those that follow.

    A replay starts a whole step at once; started one by one, the operations of 64 videos leave a GPU waiting
    for Python. Weights are read where they are in memory, and may have changed; of another decoder, or by
    other rules, everything is recorded anew.
    """

    def __init__(self) -> None:
        self._decoder: Any = None
        self._rules: Rules | None = None
        self._recorded: OrderedDict[Shapes, _Recording | None] = OrderedDict()

    def __call__(self, search: Search[Any]) -> Tensor | None:
        """Replay the steps after the first: the best sequences ``[b, width]``; None for a new shape."""
        if search.decoder is not self._decoder or search.rules != self._rules:
            self._recorded.clear()
            self._decoder, self._rules = search.decoder, search.rules
        read = [*search.decoder.tensors(search.state), *_beams(search)]
        shapes = tuple((tensor.shape, tensor.dtype) for tensor in read)
        if shapes not in self._recorded:
            self._recorded[shapes] = None
            if len(self._recorded) > KEPT:
                self._recorded.popitem(last=False)
            return None
        self._recorded.move_to_end(shapes)
        with torch.cuda.device(search.rows.device):
            recording = self._recorded[shapes] or _Recording(search, read)
            self._recorded[shapes] = recording
            return recording.replay(read)


class _Recording:
    """The recorded steps of one shape, over the tensors of the batch that they were recorded with."""

    def __init__(self, search: Search[Any], read: list[Tensor]) -> None:
        self._search = search  # its tensors stay where the recorded steps read them
        self._read = read
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._steps: list[tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = []
        self._first = torch.zeros(len(search.rows), dtype=torch.bool, device=search.rows.device)
        self._over, self._best = self._first, search.done[:, 0]  # [b], [b, width], after the last step

    def replay(self, read: list[Tensor]) -> Tensor:
        """Do the steps with the tensors of another batch, until every video is finished."""
        for mine, new in zip(self._read, read, strict=True):
            if mine is not new:
                mine.copy_(new)
        step, over = 0, False
        while not over:
            if step == len(self._steps):
                self._steps.append(self._record(step + 1))
            graph, everything, best = self._steps[step]
            graph.replay()
            step, over = step + 1, bool(everything)
        return best.clone()

    def _record(self, step: int) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        """Record a step: whether all videos are finished after it, and their best sequences."""
        graph = torch.cuda.CUDAGraph()
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream), _recordable():
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                finished = self._search.advance(step)
                new = (finished & ~self._over)[:, None]
                self._best = torch.where(new, self._search.done[:, 0], self._best)
                self._over = self._over | finished
                everything = self._over.all()
            finally:
                graph.capture_end()
        torch.cuda.current_stream().wait_stream(self._stream)
        return graph, everything, self._best


@contextmanager
def _recordable() -> Iterator[None]:
    """Compute with what will still be there at a replay.

    Autocast converts weights anew, as it forgets those that it has converted when it ends. No garbage is
    collected: freeing an older recording would end this one.
    """
    dtype, enabled = torch.get_autocast_dtype("cuda"), torch.is_autocast_enabled("cuda")
    collects = gc.isenabled()
    gc.disable()
    try:
        with torch.autocast("cuda", dtype, enabled, cache_enabled=False):
            yield
    finally:
        if collects:
            gc.enable()


def _beams(search: Search[Any]) -> list[Tensor]:
    return [search.live, search.live_scores, search.done, search.done_scores, search.is_done]

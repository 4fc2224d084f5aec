"""How workers report to the overview what they train and how far they are: a small file for each system."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.store.files import write_text
from bench.training_steps import TrainingStep, receive_steps

_INTERVAL = 0.5
"""Seconds between two writes of one system: the overview is drawn no more often."""


@contextlib.contextmanager
def post_of(folder: Path | None, name: str) -> Iterator[None]:
    """Post that a system is worked on, and each of its training steps, until the work ends."""
    if folder is None:
        yield
        return
    post = _Post(folder / f"{name}.json")
    with receive_steps(post.write):
        post.write(TrainingStep(0, 0))
        try:
            yield
        finally:
            post.path.unlink(missing_ok=True)


class _Post:
    """The file of one system, written not too often."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = 0.0

    def write(self, step: TrainingStep) -> None:
        now = time.monotonic()
        if now - self._written >= _INTERVAL or step.steps == 0:
            self._written = now
            with contextlib.suppress(OSError):  # the run ends: no process reads it any more
                write_text(self.path, json.dumps([step.step, step.steps, step.epoch]))


def read_posts(folder: Path) -> dict[str, TrainingStep]:
    """Read the latest training step that each worker has posted, by system, for the progress overview."""
    posts = {}
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError):  # it was removed meanwhile
            step, steps, epoch = json.loads(path.read_text(encoding="utf-8"))
            posts[path.stem] = TrainingStep(step, steps, epoch)
    return posts

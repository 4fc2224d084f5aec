"""Which of its queries a training video is trained on; drawn again in each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from bench.types import VideoId


class Targets(Protocol):
    """Draws the target among a video's references."""

    def pick(self, epoch: int, video_id: VideoId, count: int) -> int:
        """Draw a number below ``count``, the same for the same arguments."""
        ...


def unit(*parts: object) -> float:
    """Draw a number in [0, 1) that depends on the parts alone, so that a resume has nothing to restore."""
    digest = blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


@dataclass(frozen=True)
class Uniform:
    """Draws every reference with the same probability (paper-audit.md, decision 22)."""

    seed: int

    def pick(self, epoch: int, video_id: VideoId, count: int) -> int:
        """Draw a number below ``count``, uniform over epochs."""
        return int(unit(self.seed, epoch, video_id) * count)

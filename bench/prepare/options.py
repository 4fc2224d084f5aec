"""Options of `bench data prepare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.choices import SPLITS, language_problem
from bench.errors import UsageError, shorten, unknown
from bench.options import Count, CountOrZero, Share, check_fields

__cache_neutral__ = True

NO_SPEECH, PACKAGED = "none", "packaged"


@dataclass(frozen=True)
class PrepareOptions:
    """Options of a preparation; the paths of its inputs and its output are given beside them."""

    language: str = "en"
    """Language of speech and queries, a code of ISO 639: decides the speech model; that of the dataset."""
    encoder: str = "efficientnet-lite0"
    """Name of a frame encoder (entry point group ``bench.encoders``)."""
    encoder_weights: str | None = None
    """Folder or hub id of the encoder's weights, where it takes one."""
    speech: str = PACKAGED
    """Speech model: ``packaged``, ``none``, or a folder or hub id of a Whisper model."""
    subtitles: Path | None = None
    """Folder of ``.srt``, ``.vtt`` or ``.json`` files, named as the videos, in place of recognition."""
    names: Path | None = None
    """CSV with the columns ``file``, ``id`` and perhaps ``split``."""
    split: str = "test"
    """Split of each video that ``names`` gives none."""
    max_frames: Count = 32
    """Frames of a video, at most; one a second up to there."""
    keep_frames: CountOrZero = 0
    """Pictures of a video that are kept as JPEG, for systems that look at them (``vlm``, ``caption``)."""
    ocr: bool = False
    """Whether text on screen is read, and put behind what is said."""
    max_speech_seconds: Count = 1800
    """Seconds of sound that are transcribed; 64 kB of memory each."""
    jobs: CountOrZero = 0
    """Videos that are worked on at once, each by a process with one thread; 0: one for each core."""
    log_users: CountOrZero = 50
    """A pair of a click log is kept when more users than this clicked (QMS paper, section IV-A1)."""
    log_watch: Share = 1 / 3
    """… and watched at least this share of the video in the mean (section IV-A1)."""
    log_queries: CountOrZero = 5
    """A video of a click log is kept with at least this many queries (section IV-A1)."""

    def __post_init__(self) -> None:
        """Check every field; raises UsageError."""
        check_fields(self)
        if self.split not in SPLITS:
            raise unknown("split", self.split, SPLITS)
        if problem := language_problem(self.language):
            raise UsageError(f"--language {shorten(self.language)} {problem}.")
        for flag, path in (("--subtitles", self.subtitles), ("--names", self.names)):
            if path is not None and not (path.is_dir() if flag == "--subtitles" else path.is_file()):
                kind = "folder" if flag == "--subtitles" else "file"
                raise UsageError(f"{flag} {path}: there is no such {kind}.")

"""What is taken from one file: features of its frames, pictures and its transcript, cached in the store.

The key of an artefact has the digest of the file and of all that computes, so that an interrupted preparation
continues, and one with another speech model keeps the frames.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np

from bench.errors import DataError, error_of_system
from bench.prepare.files import SUBTITLES, VideoFile
from bench.prepare.media.decoding import Decoded, read_pictures, read_sound
from bench.prepare.media.encoders import TextSide, encode, encode_text, identify_encoder, make_encoder
from bench.prepare.media.pictures import identify_pictures, name_of_picture, write_pictures
from bench.prepare.media.screen_text import SCREEN_SIDE, SCREENS, ScreenReader
from bench.prepare.media.speech import make_recogniser
from bench.prepare.media.subtitles import read_subtitles
from bench.prepare.options import PrepareOptions
from bench.store.artefacts import Artefact, Store
from bench.store.code_digest import code_digest
from bench.store.digests import file_digest
from bench.store.files import naming_path
from bench.systems.arithmetic import INSTRUCTIONS, configure_torch, limit_threads
from bench.types import Frames, Json

PREPARED, UNREADABLE = "prepared", "unreadable"


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of a file; of a readable one, where its features are, and its transcript."""

    file: VideoFile
    status: str
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    vectors: Path | None = None
    """A ``.npy`` file, float16 ``[frames, dim]``."""
    frames: int = 0
    pictures: tuple[Path, ...] = ()
    """JPEG files, in their order (``--keep-frames``)."""
    transcript: str = ""
    source: str = "none"
    """Where the transcript is from: the name of a subtitle file, ``speech`` or ``none``, and ``screen``."""
    screen_text: str = ""
    """The end of the transcript that was read on screen."""
    text_vector: Frames | None = None
    """``[dim]``: the transcript in the space of the frames, where the encoder has a text side."""


class Extractor:
    """Encoder, recogniser and store: loaded once in a process."""

    def __init__(self, options: PrepareOptions, store: Path) -> None:
        configure_torch()
        self._options, self._store = options, Store(store)
        self._encoder = make_encoder(options.encoder, options.encoder_weights)
        self._recogniser = make_recogniser(options.speech, options.language)
        self._screen_reader = ScreenReader() if options.ocr else None
        self.features, self.dim = self._encoder.name, self._encoder.dim
        self.has_text_side = isinstance(self._encoder, TextSide)
        self.identity: Mapping[str, Mapping[str, Json] | None] = {
            "encoder": identify_encoder(options.encoder, self._encoder),
            "speech": None if self._recogniser is None else self._recogniser.identity(),
            **({"pictures": identify_pictures()} if options.keep_frames else {}),
            **({"screen text": self._screen_reader.identity()} if self._screen_reader else {}),
        }
        """What makes features and transcripts: part of their keys, and of the record of the dataset."""

    def extract(self, file: VideoFile) -> Extracted:
        """Extract the features and the transcript of a file; of one that cannot be read, the reason."""
        from threadpoolctl import threadpool_limits

        try:
            if not stat.S_ISREG(file.path.stat().st_mode):
                raise DataError(f"{file.path}: a pipe or a device, no file.")
            with naming_path(file.path):
                digest = file_digest(file.path)
            # the sums of several threads differ in their last bits, and then words do
            with limit_threads(1), threadpool_limits(1):
                extracted = self._add_transcript(self._read_frames(file, digest), digest)
                extracted = self._add_screen_text(extracted, digest)
                vector = encode_text(self._encoder, extracted.transcript)
                return replace(extracted, text_vector=vector)
        except DataError as error:
            return Extracted(file, UNREADABLE, (str(error),))
        except OSError as error:
            if error.filename != str(file.path):
                raise  # such as the full disk of the store
            return Extracted(file, UNREADABLE, (str(error_of_system(error)),))

    def _read_frames(self, file: VideoFile, digest: str) -> Extracted:
        limit = self._options.max_frames
        decode = cache(lambda: read_pictures(file.path, limit))  # once for features and pictures

        def build(folder: Path) -> Mapping[str, Json]:
            vectors = encode(self._encoder, decode().pictures)
            np.save(folder / "frames.npy", vectors)
            return {"frames": len(vectors), "seconds": decode().seconds, "notes": decode().notes}

        artefact = self._fetch("video-frames", {"file": digest, "limit": limit}, "encoder", build)
        frames, seconds, notes = (artefact.meta[key] for key in ("frames", "seconds", "notes"))
        pictures = self._keep_pictures(digest, decode) if frames and self._options.keep_frames else ()
        return Extracted(
            file, PREPARED, tuple(notes), seconds, artefact.path / "frames.npy", frames, pictures
        )

    def _keep_pictures(self, digest: str, decode: Callable[[], Decoded]) -> tuple[Path, ...]:
        limit, count = self._options.max_frames, self._options.keep_frames

        def build(folder: Path) -> Mapping[str, Json]:
            return {"pictures": write_pictures(folder, decode().pictures, count)}

        key: dict[str, Json] = {"file": digest, "limit": limit, "pictures": count}
        artefact = self._fetch("video-pictures", key, "pictures", build)
        return tuple(artefact.path / name_of_picture(i) for i in range(artefact.meta["pictures"]))

    def _add_transcript(self, extracted: Extracted, digest: str) -> Extracted:
        subtitles = self._subtitles_of(extracted.file)
        seconds, notes = extracted.seconds, extracted.notes
        if subtitles is not None:
            transcript, source = read_subtitles(subtitles), subtitles.name
        elif self._recogniser is not None:
            meta = self._recognise(extracted.file.path, digest).meta
            transcript, source = meta["transcript"], "speech"
            seconds, notes = max(seconds, meta["seconds"]), tuple(dict.fromkeys([*notes, *meta["notes"]]))
        else:
            transcript, source = "", "none"
        if not extracted.frames and source != "speech":  # is it sound alone, or nothing?
            sound = read_sound(extracted.file.path, self._options.max_speech_seconds)
            seconds = max(seconds, sound.seconds)
        if not extracted.frames and not seconds:
            raise DataError(f"{extracted.file.path}: neither a picture nor a sound can be decoded.")
        return replace(extracted, transcript=transcript, source=source, seconds=seconds, notes=notes)

    def _add_screen_text(self, extracted: Extracted, digest: str) -> Extracted:
        """Put the text on screen behind what is said."""
        reader, path = self._screen_reader, extracted.file.path
        if reader is None or not extracted.frames:
            return extracted

        def build(folder: Path) -> Mapping[str, Json]:
            try:
                return {"text": reader.read(read_pictures(path, SCREENS, SCREEN_SIDE).pictures), "notes": []}
            except DataError as error:  # the rest of the video is as good as before
                return {"text": "", "notes": [str(error)]}

        meta = self._fetch("video-screen-text", {"file": digest}, "screen text", build).meta
        extracted, text = replace(extracted, notes=(*extracted.notes, *meta["notes"])), meta["text"]
        if not text:
            return extracted
        said, source = extracted.transcript, extracted.source
        return replace(
            extracted,
            screen_text=text,
            transcript=f"{said} {text}" if said else text,
            source=f"{source} + screen" if said else "screen",
        )

    def _subtitles_of(self, file: VideoFile) -> Path | None:
        """Look for the subtitles of a video: named as its path within the folder, or as the file alone."""
        if self._options.subtitles is None:
            return None
        name = PurePosixPath(file.name).with_suffix("")
        stems = dict.fromkeys((name.as_posix(), name.name))
        paths = [self._options.subtitles / f"{stem}{suffix}" for stem in stems for suffix in SUBTITLES]
        return next((path for path in paths if path.is_file()), None)

    def _recognise(self, path: Path, digest: str) -> Artefact:
        limit = self._options.max_speech_seconds

        def build(folder: Path) -> Mapping[str, Json]:
            decoded = read_sound(path, limit)
            assert self._recogniser is not None
            transcript = " ".join(self._recogniser.transcribe(decoded.sound).split())
            return {"transcript": transcript, "seconds": decoded.seconds, "notes": decoded.notes}

        return self._fetch("video-speech", {"file": digest, "limit": limit}, "speech", build)

    def _fetch(
        self, kind: str, key: Mapping[str, Json], part: str, build: Callable[[Path], Mapping[str, Json]]
    ) -> Artefact:
        instructions = {name: os.environ.get(name) for name in INSTRUCTIONS}
        made_by = {**key, "made by": self.identity[part], "code": code_digest(__name__)}
        made_by["instructions"] = instructions
        return self._store.fetch(kind, made_by, build)

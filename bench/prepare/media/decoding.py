"""Pictures and sound of a video file, by FFmpeg's libraries (PyAV).

A file may hold anything: the rules here are those for phones and editors (rotation, variable frame rate,
a start that is not 0) and for damage (what can be decoded is kept). Only files are opened: a playlist, or any
other format that may name addresses, is refused.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, MissingError, third_party_errors

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"
"""Container formats that are opened. Pictures, playlists and lists of files are not among them."""
SHORT_SIDE = 256
"""Pixels of the shorter side of a frame, as ImageNet's evaluation has it."""
SAMPLE_RATE = 16_000
"""Samples a second, as Whisper reads sound."""
SEEK_ABOVE = 600.0
"""Seconds above which frames are sought: decoding everything costs about 3.4 CPU seconds a minute of 720p."""
_LARGEST = 1 << 26  # pixels of a frame; 8K has 33 million
_MICROSECONDS = 1_000_000

Pictures = npt.NDArray[np.uint8]
Sound = npt.NDArray[np.float32]


@dataclass(slots=True)
class Decoded:
    """Frames or sound of a file, and what is to be known about them."""

    seconds: float = 0.0
    """Declared length of the stream."""
    notes: list[str] = field(default_factory=list)
    bad_packets: int = 0
    side: int = SHORT_SIDE
    """Pixels of the shorter side of a picture."""
    pictures: Pictures = field(default_factory=lambda: np.zeros((0, SHORT_SIDE, SHORT_SIDE, 3), np.uint8))
    """``[n, height, width, 3]`` RGB, upright."""
    sound: Sound = field(default_factory=lambda: np.zeros(0, np.float32))
    """``[samples]`` from -1 to 1, mono, `SAMPLE_RATE` a second."""

    def note_damage(self) -> None:
        """Add the number of packets that could not be decoded to the notes."""
        if self.bad_packets:
            self.notes.append(f"{self.bad_packets} damaged packets")


def read_pictures(path: Path, limit: int, side: int = SHORT_SIDE) -> Decoded:
    """Decode one frame a second of a video, at most ``limit``, spread evenly over its length.

    The frame at a time is the one that is on screen then; the shorter side of its picture has ``side``
    pixels. Frames that a cut file declares and does not hold are missing, and noted. A file without a picture
    gives none. Raises DataError when it is no video.
    """
    decoded = Decoded(side=side)
    with _open(path) as container:
        stream = _picture_stream(container)
        if stream is None:
            decoded.notes.append("no picture")
            return decoded
        if stream.width * stream.height > _LARGEST:
            raise DataError(f"{path}: frames of {stream.width} x {stream.height} pixels are too large.")
        decoded.seconds = _seconds(path, container, stream)
        count = min(limit, max(1, int(decoded.seconds)))
        times = [(i + 0.5) * decoded.seconds / count for i in range(count)]
        sample = _sought if decoded.seconds > SEEK_ABOVE else _sequential
        frames = list(sample(container, stream, times, decoded))
    if frames:
        decoded.pictures = np.stack(frames)  # [n, h, w, 3]
    if len(frames) < count:
        decoded.notes.append(f"{len(frames)} of {count} frames")
    decoded.note_damage()
    return decoded


def read_sound(path: Path, limit: int) -> Decoded:
    """Decode the first ``limit`` seconds of the sound of a video; none where it has none.

    Raises DataError when the file is no video.
    """
    av = _library()
    decoded = Decoded()
    pieces: list[Sound] = []
    with _open(path) as container:
        stream = next((s for s in container.streams.audio if s.codec_context), None)
        if stream is None:
            decoded.notes.append("no sound")
            return decoded
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
        left = limit * SAMPLE_RATE
        for frame in itertools.chain(_frames(container, stream, decoded), [None]):
            try:
                resampled = resampler.resample(frame)
            except (av.FFmpegError, ValueError):  # a stream that changes its rate or channels
                decoded.bad_packets += 1
                continue
            for piece in resampled:
                pieces.append(piece.to_ndarray()[0][: max(0, left)])  # [samples]
                left -= piece.samples
            if left < 0:
                decoded.notes.append(f"sound after {limit} s is not transcribed")
                break
    if pieces:
        decoded.sound = np.nan_to_num(np.concatenate(pieces))
    decoded.seconds = len(decoded.sound) / SAMPLE_RATE
    decoded.note_damage()
    return decoded


def _library() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise MissingError(
            "reading videos needs the package av, which is not installed. Install it with: "
            "pip install -c constraints.txt -e '.[prepare]'"
        ) from error


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Any]:
    av = _library()
    av.logging.set_level(None)  # damage is counted here, not printed by the library
    unreadable = f"{path}: not a video that can be read"
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError, UnicodeError) as error:
        raise DataError(f"{unreadable} ({error_text(error)}).") from error
    with container, third_party_errors(unreadable, DataError):
        yield container


def error_text(error: Exception) -> str:
    """Write an error without the path that FFmpeg adds to it."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _picture_stream(container: Any) -> Any:
    """Select the first video stream that is no cover picture and can be decoded."""
    attached = _library().stream.Disposition.attached_pic
    streams = (s for s in container.streams.video if s.codec_context and not s.disposition & attached)
    return next(streams, None)


def _seconds(path: Path, container: Any, stream: Any) -> float:
    """Determine the length of a stream: as declared, or longer where its packets are.

    A cut file declares more than it holds, and some declare too little. The length of the whole file counts
    where nothing else is known, because it may begin before the first frame.
    """
    declared = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    known = max(declared, _measured_seconds(path))
    return known or max(0.0, (container.duration or 0) / _MICROSECONDS)


def _measured_seconds(path: Path) -> float:
    """Measure the length by the times of the packets, which need not be decoded."""
    ends = [0.0]
    start = None
    with _open(path) as container, contextlib.suppress(_library().FFmpegError):
        stream = _picture_stream(container)
        for packet in container.demux(stream):
            if packet.pts is not None:
                time = float(packet.pts * packet.time_base)
                start = time if start is None else min(start, time)
                length = float((packet.duration or 0) * packet.time_base)
                ends.append(time - start + min(1.0, length))  # that of a last packet may be nonsense
    return max(ends)


def _frames(container: Any, stream: Any, decoded: Decoded) -> Iterator[Any]:
    """Yield the frames of a stream, past packets that cannot be decoded."""
    broken = _library().FFmpegError
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except broken:  # the file ends within a packet: nothing can be read after it
            decoded.bad_packets += 1
            packet = None
        try:
            yield from packet.decode() if packet is not None else stream.decode(None)
        except broken:
            decoded.bad_packets += 1
        if packet is None:
            return


def _sequential(container: Any, stream: Any, times: list[float], decoded: Decoded) -> Iterator[Pictures]:
    """Yield the picture on screen at each time, decoding the whole stream."""
    waiting = list(times)
    start, shown, shape = None, None, None
    for frame in _frames(container, stream, decoded):
        time = _time(frame)
        if time is None:
            decoded.bad_packets += 1
            continue
        start = time if start is None else start
        while shown is not None and waiting and waiting[0] < time - start:
            picture = _picture(shown, shape, decoded.side)
            shape = picture.shape
            waiting.pop(0)
            yield picture
        shown = frame
        if not waiting:
            return
    while shown is not None and waiting and waiting[0] <= _end(shown) - (start or 0.0):
        picture = _picture(shown, shape, decoded.side)
        shape = picture.shape
        waiting.pop(0)
        yield picture


def _sought(container: Any, stream: Any, times: list[float], decoded: Decoded) -> Iterator[Pictures]:
    """Yield the picture on screen at each time, decoding from the key frame before it."""
    start = float((stream.start_time or 0) * stream.time_base)
    shape = None
    for wanted in times:
        shown, replaced = None, False
        with contextlib.suppress(_library().FFmpegError):
            container.seek(int((start + wanted) / stream.time_base), stream=stream)
            for frame in _frames(container, stream, decoded):
                time = _time(frame)
                replaced = shown is not None and time is not None and time - start > wanted
                if replaced:
                    break
                shown = frame
        if shown is not None and (replaced or wanted <= _end(shown) - start):
            picture = _picture(shown, shape, decoded.side)
            shape = picture.shape
            yield picture


def _time(frame: Any) -> float | None:
    if frame.time is not None:
        return float(frame.time)
    return None if frame.dts is None else float(frame.dts * frame.time_base)


def _end(frame: Any) -> float:
    """Compute when a frame leaves the screen; a second later where the file does not give its duration."""
    length = float((frame.duration or 0) * frame.time_base) if frame.time_base else 0.0
    return (_time(frame) or 0.0) + (length or 1.0)


def _picture(frame: Any, shape: tuple[int, ...] | None, side: int) -> Pictures:
    """Convert a frame to RGB ``[h, w, 3]``, upright; with a shape, as large as that, as all of a video."""
    turns = (frame.rotation // 90) % 4
    if shape is None:
        scale = side / min(frame.width, frame.height)
        # a strip one pixel high would become thousands of pixels long
        width, height = (min(round(length * scale), 8 * side) or 1 for length in (frame.width, frame.height))
    else:
        height, width = (shape[1], shape[0]) if turns % 2 else (shape[0], shape[1])
    array: Pictures = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(array, turns))

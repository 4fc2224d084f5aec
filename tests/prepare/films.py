"""Little videos made by the tests: photographs, recorded speech, and what phones and editors do to files."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

Sound = npt.NDArray[np.float32]
RATE = 16_000
PHOTOGRAPHS = ("china.jpg", "flower.jpg")
"""A temple and a dahlia: photographs in scikit-learn."""


def recording(name: str, start: float = 0.0, end: float | None = None) -> Sound:
    """Return a person's speech in moonshine-voice (MIT), ``[samples]`` mono at 16 kHz, from a second on."""
    path = distribution("moonshine-voice").locate_file(f"moonshine_voice/assets/{name}")
    with wave.open(str(path)) as stream:
        rate, channels = stream.getframerate(), stream.getnchannels()
        samples = np.frombuffer(stream.readframes(stream.getnframes()), np.int16).reshape(-1, channels)
    sound = samples.mean(axis=1) / 32768
    times = np.arange(0, len(sound) / rate, 1 / RATE)
    resampled = np.interp(times, np.arange(len(sound)) / rate, sound).astype(np.float32)
    return resampled[int(start * RATE) : None if end is None else int(end * RATE)]


def photograph(name: str, width: int = 320, height: int = 240) -> npt.NDArray[np.uint8]:
    """Return a photograph as ``[height, width, 3]`` RGB."""
    frame = av.VideoFrame.from_ndarray(load_sample_image(name), format="rgb24")
    return frame.to_ndarray(format="rgb24", width=width, height=height)


def shade(value: int, width: int = 320, height: int = 240) -> npt.NDArray[np.uint8]:
    """Return a grey picture, by which a frame is recognised."""
    return np.full((height, width, 3), value, np.uint8)


def title(text: str, width: int = 640, height: int = 360) -> npt.NDArray[np.uint8]:
    """Return a picture with a line of white text, as editors put it into a video."""
    image = Image.new("RGB", (width, height), (30, 60, 90))
    font = ImageFont.load_default(34)
    ImageDraw.Draw(image).text((40, 250), text, font=font, fill="white", stroke_width=2, stroke_fill="black")
    return np.asarray(image)


@dataclass
class Film:
    """What a little video holds; ``write`` makes the file."""

    pictures: Sequence[npt.NDArray[np.uint8]] = ()
    times: Sequence[float] | None = None
    """Seconds at which each picture appears; one a second without it."""
    length: float | None = None
    """Seconds until the last picture ends."""
    sound: Sound | None = None
    rotation: int = 0
    codec: str = "libx264"
    audio_codec: str = "aac"
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """Encode the film with PyAV."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(f"file:{path}", "w", options=self.container_options) as container:
            streams = []
            if len(self.pictures):
                streams.append(self._video_stream(container))
            if self.sound is not None:
                streams.append(container.add_stream(self.audio_codec, rate=RATE, layout="mono"))
            if len(self.pictures):
                self._write_pictures(container, streams[0])
            if self.sound is not None:
                self._write_sound(container, streams[-1])
        return path

    def _video_stream(self, container: Any) -> Any:
        stream = container.add_stream(self.codec, rate=10, options=self.options)
        stream.height, stream.width = self.pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if self.rotation:
            stream.set_display_rotation(self.rotation)
        return stream

    def _write_pictures(self, container: Any, stream: Any) -> None:
        times = list(range(len(self.pictures))) if self.times is None else list(self.times)
        ends = [*times[1:], times[-1] + 1 if self.length is None else times[0] + self.length]
        for picture, time, end in zip(self.pictures, times, ends, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            frame.duration = round((end - time) * 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    def _write_sound(self, container: Any, stream: Any) -> None:
        assert self.sound is not None
        frame = av.AudioFrame.from_ndarray(self.sound[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=RATE)
        fifo = av.AudioFifo()
        for piece in resampler.resample(frame):
            fifo.write(piece)
        while (piece := fifo.read(1024, partial=True)) is not None:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))

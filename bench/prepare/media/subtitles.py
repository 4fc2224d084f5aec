"""Subtitles as transcripts: SubRip (.srt), WebVTT (.vtt), and the JSON that Whisper's tools write."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.store.files import read_text
from bench.store.json_files import read_json

__cache_neutral__ = True

_TIMES = re.compile(r"^\s*(?:\d+:)?\d+:\d\d[.,]\d+\s+-->\s+\S")
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_ENTITY = re.compile(r"&#?\w+;")
_DIRECTION = re.compile("[\u200e\u200f]")
"""Marks of the direction of writing (&lrm; and &rlm;), which are no words."""


def read_subtitles(path: Path) -> str:
    """Read the words of a subtitle file, without times, numbers and markup, each line once.

    Automatic captions repeat the last line as the first of the next; a line that repeats the one before it is
    left out. Raises DataError, with the file, for what is no subtitle file.
    """
    cues = _json_texts(read_json(path), path) if path.suffix.lower() == ".json" else _cues(path)
    lines: list[str] = []
    for cue in cues:
        line = " ".join(_plain(cue).split())
        if line and line not in lines[-1:]:
            lines.append(line)
    return " ".join(lines)


def _plain(text: str) -> str:
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), _MARKUP.sub("", text))
    return _DIRECTION.sub("", text)


def _cues(path: Path) -> Iterator[str]:
    """Yield the lines of text of .srt and .vtt: those that follow a line of times, up to an empty line."""
    text = read_text(path)
    inside = any_cue = False
    for line in text.split("\n"):
        if _TIMES.match(line):
            inside = any_cue = True
        elif not line.strip():
            inside = False
        elif inside:
            yield line
    if text.strip() and not any_cue and not text.startswith("WEBVTT"):
        raise DataError(f"{path}:1: no subtitles: there is no line of times such as 00:01.000 --> 00:02.000.")


def _json_texts(value: Any, path: Path) -> list[str]:
    """Read the texts of ``{"text": …}``, ``{"segments": [{"text": …}]}`` or ``[{"text": …}]``."""
    segments = value.get("segments") if isinstance(value, dict) else value
    if isinstance(segments, list) and all(isinstance(one, dict) for one in segments):
        texts = [one.get("text") for one in segments]
    else:
        texts = [value.get("text")] if isinstance(value, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f'{path}: expected {{"text": …}}, {{"segments": [{{"text": …}}]}} or a list of such.')
    return [str(text) for text in texts]

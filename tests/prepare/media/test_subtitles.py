"""Subtitle files as transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import DataError
from bench.prepare.media.subtitles import read_subtitles

SRT = """1
00:00:01,000 --> 00:00:02,500
It was the <i>best</i> of times,

2
00:00:02,500 --> 00:00:04,000
it was the worst
of times &amp; more
"""
VTT = """WEBVTT

NOTE not shown

00:01.000 --> 00:02.500 align:start position:0%
It was the best of times,

00:02.500 --> 00:04.000
It was the best of times,
it was the <c.yellow>worst</c> of times & more
"""
JSON = '{"segments": [{"text": " It was the best of times,"}, {"text": " it was the worst of times & more"}]}'
WORDS = "It was the best of times, it was the worst of times & more"


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".srt", SRT),
        (".srt", SRT.replace("\n", "\r\n")),
        (".vtt", VTT),
        (".json", JSON),
        (".json", f'[{{"text": "{WORDS}"}}]'),
        (".json", f'{{"text": "{WORDS}"}}'),
    ],
)
def test_the_words_are_read_once_and_without_markup(suffix: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(text.encode())
    assert read_subtitles(path) == WORDS


def test_entities_are_characters(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nIt&#39;s &quot;R&D&quot; &amp;lt;&lrm;\n"
    )
    assert read_subtitles(tmp_path / "a.vtt") == 'It\'s "R&D" &lt;'


def test_an_empty_file_has_no_words(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("")
    (tmp_path / "a.vtt").write_text("WEBVTT\n")
    assert read_subtitles(tmp_path / "a.srt") == read_subtitles(tmp_path / "a.vtt") == ""


@pytest.mark.parametrize(
    ("name", "text"), [("a.srt", "just words\n"), ("a.json", '{"words": 1}'), ("a.json", '[{"text": 1}]')]
)
def test_what_is_no_subtitle_file_is_named(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=name):
        read_subtitles(tmp_path / name)

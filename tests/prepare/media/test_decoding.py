"""Pictures and sound of files as phones, editors and accidents make them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from bench.errors import DataError
from bench.prepare.media.decoding import SAMPLE_RATE, Decoded, read_pictures, read_sound
from tests.prepare.films import Film, photograph, recording, shade

SHADES = (20, 60, 100, 140, 180, 220)


def shades(decoded: Decoded) -> list[int]:
    """Return the grey of each frame, by the nearest of `SHADES`."""
    return [min(SHADES, key=lambda shade: abs(shade - float(picture.mean()))) for picture in decoded.pictures]


def grey_film(**more: object) -> Film:
    return Film([shade(value) for value in SHADES], length=6, **more)  # type: ignore[arg-type]


def test_one_frame_a_second_is_read_in_order(tmp_path: Path) -> None:
    decoded = read_pictures(grey_film().write(tmp_path / "a.mp4"), 32)
    assert shades(decoded) == list(SHADES)[: len(decoded.pictures)]
    assert decoded.pictures.shape[1:] == (256, 341, 3)
    assert decoded.notes == []


def test_a_long_video_is_sampled_evenly(tmp_path: Path) -> None:
    decoded = read_pictures(grey_film().write(tmp_path / "a.mp4"), 3)
    assert shades(decoded) in ([20, 100, 180], [20, 100, 220], [60, 140, 220], [20, 60, 180])


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".webm", "libvpx-vp9"), (".mkv", "libx264"), (".mov", "libx264")]
)
def test_other_containers_and_codecs_are_read(suffix: str, codec: str, tmp_path: Path) -> None:
    film = grey_film(codec=codec)
    decoded = read_pictures(film.write(tmp_path / f"a{suffix}"), 32)
    assert shades(decoded)[:5] == list(SHADES)[:5]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_is_turned_upright(rotation: int, tmp_path: Path) -> None:
    picture = shade(0)
    picture[:120, :160] = 255  # the light corner is top left before the turn
    film = Film([picture] * 2, rotation=rotation)
    upright = read_pictures(film.write(tmp_path / "a.mp4"), 1).pictures[0]
    expected = np.rot90(picture, rotation // 90)
    corners = [upright[5, 5, 0], upright[5, -6, 0], upright[-6, 5, 0], upright[-6, -6, 0]]
    assert upright.shape == ((341, 256, 3) if rotation != 180 else (256, 341, 3))
    assert [corner > 127 for corner in corners] == [
        bool(expected[y, x, 0]) for y, x in ((5, 5), (5, -6), (-6, 5), (-6, -6))
    ]


def test_frames_are_chosen_by_time_where_the_rate_varies(tmp_path: Path) -> None:
    film = Film([shade(value) for value in SHADES], times=[0, 0.1, 0.2, 0.3, 3, 3.1], length=6)
    assert shades(read_pictures(film.write(tmp_path / "a.mp4"), 32))[:3] == [140, 140, 140]


def test_a_start_other_than_0_is_taken_off(tmp_path: Path) -> None:
    film = Film([shade(value) for value in SHADES], times=[50, 51, 52, 53, 54, 55], length=6)
    decoded = read_pictures(film.write(tmp_path / "a.mkv"), 32)
    assert shades(decoded)[:4] == list(SHADES)[:4]


def test_a_gap_of_hours_shows_the_frame_before_it(tmp_path: Path) -> None:
    film = Film([shade(20), shade(60), shade(100)], times=[0, 1, 36_000], length=36_001)
    decoded = read_pictures(film.write(tmp_path / "a.mp4"), 4)
    assert shades(decoded) == [60, 60, 60, 60]


def test_a_cut_file_keeps_what_came_and_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (8, 120, 160, 3), np.uint8)
    options = {"movflags": "faststart"}
    whole = Film(list(noise), container_options=options).write(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    decoded = read_pictures(tmp_path / "cut.mp4", 32)
    assert 0 < len(decoded.pictures) < 7
    assert any(note.startswith(f"{len(decoded.pictures)} of ") for note in decoded.notes)


def test_damage_in_the_middle_costs_its_frames_alone(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 120, 160, 3), np.uint8)
    whole = bytearray(Film(list(noise), options={"g": "1"}).write(tmp_path / "a.mp4").read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 20_000] = bytes(20_000)
    (tmp_path / "b.mp4").write_bytes(whole)
    assert len(read_pictures(tmp_path / "b.mp4", 32).pictures) >= 15


def test_a_video_without_sound_and_a_sound_without_picture(tmp_path: Path) -> None:
    silent = grey_film().write(tmp_path / "silent.mp4")
    spoken = Film(sound=recording("beckett.wav", 0, 2)).write(tmp_path / "spoken.m4a")
    assert read_sound(silent, 60).notes == ["no sound"]
    assert read_pictures(spoken, 32).notes == ["no picture"]
    assert len(read_sound(spoken, 60).sound) == pytest.approx(2 * SAMPLE_RATE, rel=0.1)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 320, 240, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        speech = recording("beckett.wav")[None, :1024]
        frame = av.AudioFrame.from_ndarray(speech, format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        container.mux(cover.encode(av.VideoFrame.from_ndarray(photograph("flower.jpg"), format="rgb24")))
    with av.open(str(path)) as container:
        assert container.streams.best("video") is not None, "FFmpeg takes the cover for a video"
    assert read_pictures(path, 32).notes == ["no picture"]


def test_sound_after_the_limit_is_left_out_and_said(tmp_path: Path) -> None:
    path = Film(sound=recording("beckett.wav", 0, 4)).write(tmp_path / "a.m4a")
    decoded = read_sound(path, 1)
    assert len(decoded.sound) == SAMPLE_RATE
    assert decoded.notes == ["sound after 1 s is not transcribed"]


def test_sound_after_the_limit_is_not_decoded(tmp_path: Path) -> None:
    content = bytearray(Film(sound=recording("beckett.wav", 0, 6)).write(tmp_path / "a.mkv").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xff" * 2000
    (tmp_path / "b.mkv").write_bytes(content)
    assert any("damaged packets" in note for note in read_sound(tmp_path / "b.mkv", 60).notes)
    assert read_sound(tmp_path / "b.mkv", 1).notes == ["sound after 1 s is not transcribed"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"no video at all\n" * 50),
        ("list.mp4", b"ffconcat version 1.0\nfile a.mp4\n"),
        ("index.mp4", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\x08free"),
    ],
)
def test_what_is_no_video_is_a_data_error(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: not a video that can be read"):
        read_pictures(tmp_path / name, 32)


def test_a_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "photo.mp4"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(photograph("china.jpg"), format="rgb24")))
    with pytest.raises(DataError, match="not a video"):
        read_pictures(path, 32)


@pytest.fixture
def requests_seen() -> Iterator[tuple[str, list[str]]]:
    """Serve HTTP on the loopback; yield its address and the paths that were requested."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.avi"])
def test_a_playlist_contacts_no_address(
    name: str, requests_seen: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, seen = requests_seen
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}/a.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="not a video"):
        read_pictures(tmp_path / name, 32)
    assert seen == []


@pytest.mark.parametrize("name", ["a:b.mp4", "%d 你好.mp4", "-dash.mp4", "http:x.mp4"])
def test_any_file_name_is_a_file_name(name: str, tmp_path: Path) -> None:
    Film([shade(100)]).write(tmp_path / "plain.mp4").rename(tmp_path / name)
    assert len(read_pictures(tmp_path / name, 32).pictures) == 1

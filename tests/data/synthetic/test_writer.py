"""The synthetic demo: whole, repeatable, honest about being invented, and difficult as promised."""

import json
import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.reader import read_dataset
from bench.data.statistics import compute_statistics
from bench.data.synthetic import writer
from bench.data.synthetic.frames import DIMENSION, LONGEST, SHORTEST, entity_vector
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.vocabulary import read_vocabulary
from bench.data.synthetic.writer import FEATURES, demo, demo_zh, synthesize
from bench.errors import UsageError
from bench.text import cjk_share, normalise
from tests.conftest import Cli

TEXTS = f"features/{FEATURES}/transcripts.npy"


@dataclass
class Made:
    """A folder read with nothing but json and numpy."""

    folder: Path

    def __post_init__(self) -> None:
        self.about = json.loads((self.folder / "dataset.json").read_text("utf-8"))
        self.videos = self.lines("videos.jsonl")
        self.queries = {query["id"]: query["text"] for query in self.lines("queries.jsonl")}
        rows = (self.folder / "qrels.tsv").read_text("utf-8").splitlines()
        self.qrels = [tuple(row.split("\t")) for row in rows]
        features = self.folder / "features" / FEATURES
        self.frames = np.load(features / "frames.npy", allow_pickle=False)
        self.offsets = np.load(features / "offsets.npy", allow_pickle=False)
        self.texts = np.load(features / "transcripts.npy", allow_pickle=False)
        self.ids = (features / "ids.txt").read_text("utf-8").splitlines()

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text("utf-8").splitlines()]

    def frames_of(self, row: int) -> np.ndarray:
        return self.frames[self.offsets[row] : self.offsets[row + 1]].astype(np.float64)

    def bytes(self) -> dict[str, bytes]:
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def make(folder: Path, **knobs: Any) -> Made:
    synthesize(folder, SynthOptions(**{"videos": 180, **knobs}))
    return Made(folder)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "en", videos=1200)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "zh", videos=1200, language="zh")


@pytest.fixture(params=["english", "chinese"])
def made(request: pytest.FixtureRequest) -> Made:
    value: Made = request.getfixturevalue(request.param)
    return value


@cache
def any_entity(language: str) -> re.Pattern[str]:
    edge = r"\b" if language == "en" else ""
    return re.compile(f"{edge}(?:{'|'.join(map(re.escape, read_vocabulary(language).entities))}){edge}")


def mentions(language: str, text: str) -> list[str]:
    return any_entity(language).findall(text)


# Repeatable


def test_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    assert make(tmp_path / "one").bytes() == make(tmp_path / "two").bytes()


def test_another_seed_changes_every_file_but_the_ids(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one").bytes(), make(tmp_path / "two", seed=1).bytes()
    assert {name for name in one if one[name] == two[name]} == {f"features/{FEATURES}/ids.txt"}


def test_bytes_are_those_recorded_when_the_generator_was_written(tmp_path: Path) -> None:
    """Machines and numpy versions must agree; record new digests when what is drawn changes."""
    made = {language: make(tmp_path / language, language=language) for language in ("en", "zh")}
    assert {language: tree_digest(one) for language, one in made.items()} == RECORDED
    vectors = {language: sha256(one.bytes()[TEXTS]).hexdigest()[:16] for language, one in made.items()}
    assert vectors == RECORDED_TEXTS


def test_a_knob_of_the_speech_leaves_pictures_and_queries_alone(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one").bytes(), make(tmp_path / "two", silent_keys=0.5).bytes()
    assert {name for name in one if one[name] != two[name]} == {"videos.jsonl", "dataset.json", TEXTS}


# Size


def test_a_size_that_no_disk_holds_is_refused_before_work(tmp_path: Path, cli: Cli) -> None:
    outcome = cli("data", "synth", "--videos", 10**20, "--out", tmp_path / "huge")
    assert outcome.status == 2
    assert "10000000" in outcome.error()
    assert not (tmp_path / "huge").exists()


def test_a_dataset_that_does_not_fit_on_the_disk_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        UsageError, match=r"1,000,000 videos need about 4\.8 GB of disk, and 0\.0 GB are free"
    ):
        synthesize(tmp_path / "big", SynthOptions(videos=1_000_000))
    assert not (tmp_path / "big").exists()


# The folder format, contract section 2


def test_dataset_says_what_it_is(made: Made) -> None:
    assert made.about["synthetic"] is True
    assert made.about["source"].startswith("synthetic")
    assert all(
        isinstance(made.about[key], str) and made.about[key] for key in ("name", "language", "version")
    )
    assert SynthOptions(**made.about["options"]) == SynthOptions(language=made.about["language"])


def test_nothing_claims_to_be_real(made: Made) -> None:
    assert not re.search(r"\breal\b", json.dumps(made.about).replace("no real video", ""))
    assert FEATURES.startswith("synthetic")


def test_every_line_of_the_folder_obeys_the_contract(made: Made) -> None:
    videos = [video["id"] for video in made.videos]
    assert len(set(videos)) == len(videos)
    assert all(isinstance(video["transcript"], str) for video in made.videos)
    assert Counter(video["split"] for video in made.videos) == {"train": 800, "val": 100, "test": 300}
    assert len(made.queries) == len(made.lines("queries.jsonl"))
    assert all(re.fullmatch(r"[!-~]+", name) for name in [*videos, *made.queries])
    assert len(set(made.qrels)) == len(made.qrels)
    assert {query for query, _, _ in made.qrels} == set(made.queries)
    assert {video for _, video, _ in made.qrels} == set(videos)
    assert {relevance for _, _, relevance in made.qrels} == {"1"}


def test_one_string_is_one_query(made: Made) -> None:
    texts = list(made.queries.values())
    assert len({normalise(text) for text in texts}) == len(texts)
    assert all(text == normalise(text) for text in texts)


def test_features_fit_and_are_finite(made: Made) -> None:
    assert made.ids == [video["id"] for video in made.videos]
    assert made.frames.dtype == np.float16
    assert made.frames.shape == (made.offsets[-1], DIMENSION)
    assert made.offsets.dtype == np.int64
    assert made.offsets[0] == 0
    assert np.isfinite(made.frames).all()
    lengths = np.diff(made.offsets)
    assert set(lengths) <= {0, *range(SHORTEST, LONGEST + 1)}
    assert (lengths > 32).any(), "some videos must exceed the 32 frames that a generator sees"


def test_a_transcript_has_a_vector_unless_it_is_empty(made: Made) -> None:
    assert made.texts.dtype == np.float16
    assert made.texts.shape == (len(made.ids), DIMENSION)
    lengths = np.linalg.norm(made.texts.astype(float), axis=1)
    spoken = np.array([video["transcript"] != "" for video in made.videos])
    assert lengths[spoken] == pytest.approx(1, abs=2e-3)
    assert not lengths[~spoken].any()


def test_a_transcripts_vector_is_the_mean_of_what_it_mentions(made: Made) -> None:
    for video, vector in zip(made.videos[:50], made.texts[:50], strict=True):
        if heard := mentions(made.about["language"], video["transcript"]):
            mean = np.mean([entity_vector(entity) for entity in heard], axis=0)
            assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-3)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="not an empty folder"):
        synthesize(tmp_path, SynthOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("videos", [12, 13, 1201])
def test_any_size_has_every_split(tmp_path: Path, videos: int) -> None:
    made = make(tmp_path / "made", videos=videos)
    assert len(made.videos) == videos
    assert {video["split"] for video in made.videos} == {"train", "val", "test"}


# The figures of the paper


def test_a_transcript_mentions_many_entities_and_a_query_few(made: Made) -> None:
    language = made.about["language"]
    heard = [len(mentions(language, v["transcript"])) for v in made.videos if v["transcript"]]
    asked = [len(mentions(language, made.queries[query])) for query, _, _ in made.qrels]
    assert np.mean(heard) == pytest.approx(19.2, abs=1)
    assert np.mean(asked) == pytest.approx(2, abs=0.4)


def test_lengths_are_those_of_the_paper(english: Made, chinese: Made) -> None:
    assert np.mean([len(v["transcript"].split()) for v in english.videos]) == pytest.approx(183, abs=10)
    assert np.mean([len(v["transcript"]) for v in chinese.videos]) == pytest.approx(183, abs=10)
    assert 3 <= np.mean([len(text.split()) for text in english.queries.values()]) <= 5
    assert np.mean([len(text) for text in chinese.queries.values()]) == pytest.approx(7.5, abs=1)
    assert max(len(text) for text in chinese.queries.values()) <= 20


def test_query_strings_recur_as_table_v_implies(made: Made) -> None:
    test = {video["id"] for video in made.videos if video["split"] == "test"}
    counts = Counter(query for query, video, _ in made.qrels if video in test)
    n = np.array(list(counts.values()), dtype=float)
    assert (n**2).sum() / n.sum() == pytest.approx(2, abs=0.3)  # one query drawn per test video
    assert 1.1 <= n.mean() <= 1.3  # all distinct queries
    assert n.max() <= 0.05 * len(test)


def test_every_video_has_at_least_five_queries(made: Made) -> None:
    per_video = Counter(video for _, video, _ in made.qrels)
    assert min(per_video.values()) >= 5
    assert np.mean(list(per_video.values())) == pytest.approx(8.54, abs=0.3)


def test_chinese_is_chinese(chinese: Made) -> None:
    assert all(cjk_share(video["transcript"]) == 1 for video in chinese.videos if video["transcript"])
    assert all(cjk_share(text) == 1 for text in chinese.queries.values())
    said = "".join(video["transcript"] for video in chinese.videos)
    assert " " not in said
    assert not any(unicodedata.category(letter).startswith("P") for letter in set(said))


def test_english_has_no_chinese_and_no_punctuation(english: Made) -> None:
    said = " ".join([video["transcript"] for video in english.videos] + list(english.queries.values()))
    assert set(said) <= set("abcdefghijklmnopqrstuvwxyz' ")


# The knobs


@pytest.mark.parametrize("language", ["en", "zh"])
def test_off_topic_speech_names_no_key_entity(tmp_path: Path, language: str) -> None:
    made = make(tmp_path / "made", language=language, off_topic_speech=1, off_topic_picture=0)
    for video in made.videos:
        assert not set(video["key_entities"]) & set(mentions(language, video["transcript"]))
        assert video["picture_on_topic"]


def test_speech_on_topic_names_most_key_entities(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0, silent_keys=0, no_transcript=0)
    assert all(set(v["key_entities"]) <= set(mentions("en", v["transcript"])) for v in made.videos)


def test_silent_keys_are_never_spoken_of(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0, silent_keys=1)
    assert not any(set(v["key_entities"]) & set(mentions("en", v["transcript"])) for v in made.videos)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_off_topic_speech_or_picture_shows_as_a_lower_similarity(tmp_path: Path, language: str) -> None:
    def similarity(name: str, **knobs: float) -> float:
        off = {"off_topic_speech": 0, "off_topic_picture": 0, **knobs}
        make(tmp_path / name, language=language, **off)
        return compute_statistics(read_dataset(tmp_path / name))["text-visual similarity"]["all"]

    together = similarity("together")
    assert together > 0.3
    assert abs(similarity("speech", off_topic_speech=1)) < 0.05
    assert abs(similarity("picture", off_topic_picture=1)) < 0.05
    assert 0.05 < similarity("half", off_topic_speech=0.5) < together - 0.05


def test_speech_and_picture_are_never_both_off_topic(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0.5, off_topic_picture=0.5)
    assert all(video["speech_on_topic"] != video["picture_on_topic"] for video in made.videos)


def decoded(made: Made) -> float:
    """Return how often the entity nearest to a video's mean frame is one of its key entities."""
    names = read_vocabulary(made.about["language"]).entities
    vectors = np.stack([entity_vector(name) for name in names])
    seen = np.stack([made.frames_of(row).mean(axis=0) for row in range(len(made.videos))])
    nearest = (seen @ vectors.T).argmax(axis=1)
    pairs = zip(nearest, made.videos, strict=True)
    return float(np.mean([names[place] in video["key_entities"] for place, video in pairs]))


def test_frames_show_the_key_entities_when_the_picture_is_on_topic(tmp_path: Path) -> None:
    assert decoded(make(tmp_path / "made", off_topic_picture=0, no_features=0)) > 0.8


def test_frames_tell_nothing_of_the_key_entities_when_it_is_not(tmp_path: Path) -> None:
    chance = 3 / len(read_vocabulary("en").entities)
    made = make(tmp_path / "made", off_topic_speech=0, off_topic_picture=1, no_features=0)
    assert decoded(made) < chance + 0.02


def test_brief_key_entities_are_harder_to_see(tmp_path: Path) -> None:
    knobs = {"off_topic_picture": 0, "no_features": 0}
    long = make(tmp_path / "long", brief_keys=0, **knobs)
    brief = make(tmp_path / "brief", brief_keys=1, **knobs)
    assert decoded(brief) < 0.6 < 0.9 < decoded(long)


def test_noise_hides_the_picture(tmp_path: Path) -> None:
    knobs = {"off_topic_picture": 0, "no_features": 0}
    assert decoded(make(tmp_path / "loud", frame_noise=20, **knobs)) < 0.5
    clean = make(tmp_path / "clean", frame_noise=0, **knobs)
    assert np.linalg.norm(clean.frames.astype(float), axis=1) == pytest.approx(1, abs=2e-3)


def kinds(made: Made) -> Counter[str]:
    """Sort each pair of query and video by how many of its entities are the video's."""
    keys = {video["id"]: set(video["key_entities"]) for video in made.videos}
    found: Counter[str] = Counter()
    for query, video, _ in made.qrels:
        named = mentions("en", made.queries[query])
        wrong = any(entity not in keys[video] for entity in named)
        found["wrong" if wrong else f"{len(named)} right"] += 1
    return found


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("specific", {"1 right", "2 right", "3 right"}),
        ("partial", {"1 right"}),
        ("generic", {"0 right"}),
        ("wrong", {"wrong"}),
    ],
)
def test_a_share_of_one_gives_that_kind_of_query_only(tmp_path: Path, kind: str, expected: set[str]) -> None:
    shares = dict.fromkeys(("specific", "partial", "generic", "wrong"), 0.0)
    assert set(kinds(make(tmp_path / "made", **{**shares, kind: 1.0}))) == expected


@pytest.mark.parametrize(("kind", "absent"), [("wrong", "wrong"), ("generic", "0 right")])
def test_a_share_of_zero_gives_none_of_that_kind(tmp_path: Path, kind: str, absent: str) -> None:
    default = SynthOptions()
    shares = {kind: 0.0, "specific": default.specific + getattr(default, kind)}
    assert absent not in kinds(make(tmp_path / "made", **shares))


def test_query_entities_sets_how_many_a_query_names(tmp_path: Path) -> None:
    shares = {"specific": 1.0, "partial": 0.0, "generic": 0.0, "wrong": 0.0}
    assert set(kinds(make(tmp_path / "one", query_entities=1, **shares))) == {"1 right"}
    assert kinds(make(tmp_path / "three", query_entities=3, **shares)).most_common(1)[0][0] == "3 right"


def test_transcript_entities_and_distractors_set_how_many_are_mentioned(tmp_path: Path) -> None:
    few = make(tmp_path / "few", transcript_entities=10, distractors=2, no_transcript=0)
    many = make(tmp_path / "many", transcript_entities=40, distractors=30, no_transcript=0)
    heard = [[mentions("en", v["transcript"]) for v in made.videos] for made in (few, many)]
    assert np.mean([len(m) for m in heard[1]]) == pytest.approx(40, abs=3)
    assert np.mean([len(set(m)) for m in heard[0]]) < 5 < 15 < np.mean([len(set(m)) for m in heard[1]])


def test_usual_pairs_make_specific_queries_recur(tmp_path: Path) -> None:
    shares = {"specific": 1.0, "partial": 0.0, "generic": 0.0, "wrong": 0.0}
    never, always = (make(tmp_path / str(share), usual_pairs=share, **shares) for share in (0, 1))
    assert len(always.queries) < 0.95 * len(never.queries)


@pytest.mark.parametrize("share", [0, 1])
def test_missing_transcripts_and_features_follow_their_shares(tmp_path: Path, share: int) -> None:
    made = make(tmp_path / "made", no_transcript=share, no_features=share)
    assert {video["transcript"] == "" for video in made.videos} == {bool(share)}
    assert set(np.diff(made.offsets) == 0) == {bool(share)}


def test_a_few_transcripts_and_features_are_missing_by_default(made: Made) -> None:
    assert 0.005 < np.mean([video["transcript"] == "" for video in made.videos]) < 0.035
    assert 0.001 < np.mean(np.diff(made.offsets) == 0) < 0.03


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"videos": 11}, "videos=11 is not allowed"),
        ({"language": "fr"}, "language='fr' is not allowed"),
        ({"seed": -1}, "seed=-1 is not allowed"),
        ({"name": " "}, "name=' ' is not allowed"),
        ({"wrong": 0.2}, r"specific \+ partial \+ generic \+ wrong=1.1"),
        (
            {"off_topic_speech": 0.6, "off_topic_picture": 0.6},
            r"off_topic_speech \+ off_topic_picture=1.2",
        ),
        ({"brief_keys": 1.5}, "brief_keys=1.5 is not allowed"),
        ({"frame_noise": float("nan")}, "frame_noise=nan is not allowed"),
        ({"query_entities": 4}, "query_entities=4 is not allowed"),
        ({"transcript_entities": 0}, "transcript_entities=0 is not allowed"),
        ({"distractors": 0}, "distractors=0 is not allowed"),
    ],
)
def test_a_wrong_value_is_named(knobs: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        SynthOptions(**knobs)


@pytest.mark.parametrize("name", [f.name for f in fields(SynthOptions) if isinstance(f.default, float)])
def test_no_knob_may_be_negative(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=-0.1 is not allowed"):
        SynthOptions(**{name: -0.1})


# The embedded demo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the demo small: these tests are about the cache, not the size."""
    options = SynthOptions
    monkeypatch.setattr(writer, "SynthOptions", lambda **knobs: options(videos=12, **knobs))


def test_the_demo_is_made_once_and_found_again(tmp_path: Path, small: None) -> None:
    folder = demo(tmp_path / "cache")
    before = (folder / "videos.jsonl").stat().st_mtime_ns
    assert demo(tmp_path / "cache") == folder
    assert (folder / "videos.jsonl").stat().st_mtime_ns == before
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_the_demos_bear_their_names(tmp_path: Path, small: None) -> None:
    english, chinese = Made(demo(tmp_path)), Made(demo_zh(tmp_path))
    assert (english.about["name"], english.about["language"]) == ("demo", "en")
    assert (chinese.about["name"], chinese.about["language"]) == ("demo-zh", "zh")


def test_the_demo_has_1200_videos_by_default() -> None:
    assert SynthOptions().splits() == {"train": 800, "val": 100, "test": 300}


def test_a_demo_killed_half_way_is_not_used(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*anything: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_write_features", killed)
        with pytest.raises(KeyboardInterrupt):
            demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(Made(demo(tmp_path)).videos) == 12


def test_what_a_hard_kill_leaves_behind_is_not_used(tmp_path: Path, small: None) -> None:
    left = tmp_path / ".demo-abc" / "made"
    left.mkdir(parents=True)
    (left / "videos.jsonl").write_text("")
    assert len(Made(demo(tmp_path)).videos) == 12


def test_a_demo_of_other_code_is_not_used(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = demo(tmp_path)
    monkeypatch.setattr(writer, "code_digest", lambda module: "older")
    assert demo(tmp_path) != first


@pytest.mark.parametrize("name", ["videos.jsonl", "features/synthetic-64/frames.npy"])
def test_a_demo_that_was_changed_is_reported_and_made_again(
    tmp_path: Path, small: None, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = demo(tmp_path) / name
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert demo(tmp_path) / name == path
    assert path.read_bytes() == before
    assert f"({name} has changed)" in capsys.readouterr().err


LIMITED = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # as a full disk: a write fails in the middle
from bench.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_fills_up_is_an_error_that_names_the_place_and_leaves_nothing(
    tmp_path: Path, process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    environment = {"BENCH_STORE": str(tmp_path / "store")}
    for words in (["stats", "demo"], ["synth", "--out", tmp_path / "folder", "--videos", "300"]):
        done = process("-c", LIMITED, "data", *words, env=environment)
        assert done.returncode not in (0, 1, 135, -7), done.stderr
        assert "bench: error: " in done.stderr
        assert f"{tmp_path}/" in done.stderr
    assert not (tmp_path / "folder").exists()
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.name != "locks"] == []


def tree_digest(made: Made) -> str:
    from bench.store.digests import digest

    return digest({name: content.hex() for name, content in made.bytes().items() if name != TEXTS})[:16]


RECORDED = {"en": "c8fb48a4d9284428", "zh": "19fce5346134af6a"}
RECORDED_TEXTS = {"en": "1b408f8788b5f42f", "zh": "a0e3040a52921a95"}

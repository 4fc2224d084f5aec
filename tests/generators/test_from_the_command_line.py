"""Rows as users run them: on the Chinese demo, with what was cut, with features of other widths."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.writer import FEATURES, synthesize
from generators.groups import ABLATIONS, TABLE_III
from tests.conftest import Cli

SMALL: dict[str, Any] = {
    "train.epochs": 1,
    "train.batch_size": 16,
    "pretrain.steps": 2,
    "bart.width": 24,
    "bart.feed_forward": 32,
    "bart.fusion_width": 16,
    "transformer.width": 24,
    "transformer.feed_forward": 32,
    "seq2seq.width": 24,
    "mdvc.width": 24,
    "mdvc.feed_forward": 32,
    "mdvc.vocabulary": 200,
    "run.workers": 1,
}


def small(**more: Any) -> list[str]:
    values = SMALL | {key.replace("__", "."): value for key, value in more.items()}
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def summaries(out: Path, name: str) -> dict[str, str]:
    lines = (out / "summaries" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["video_id"]: one["summary"] for one in map(json.loads, lines)}


def manifest(out: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def run(cli: Cli, data: object, out: Path, generators: str, *more: str) -> dict[str, Any]:
    given = ("--generators", generators, "--retrievers", "bm25", "--out", out, "--device", "cpu", "--quiet")
    outcome = cli("run", "--data", data, *given, *(more or small()))
    assert outcome.status == 0, outcome.err
    return manifest(out)


def test_all_rows_and_ablations_write_chinese_and_say_where_weights_are_from(
    tmp_path: Path, cli: Cli
) -> None:
    synthesize(tmp_path / "zh", SynthOptions(name="zh", language="zh", videos=24))
    more = small(bart__weights="self", text__transcript_tokens=40)
    manifest = run(cli, tmp_path / "zh", tmp_path / "out", "all,ablations,qms-transformer", *more)
    assert any("self-pretrained" in value for value in manifest["signature"].values())
    for name in (*TABLE_III, *ABLATIONS, "qms-transformer"):
        written = summaries(tmp_path / "out", name)
        assert len(written) == 6
        text = "".join(written.values())
        assert any("\u4e00" <= character <= "\u9fff" for character in text), f"{name} wrote {text!r}"


def test_what_was_cut_is_in_the_coverage_line_of_training_too(tmp_path: Path, cli: Cli) -> None:
    synthesize(tmp_path / "en", SynthOptions(videos=24, no_transcript=0.0))
    more = small(text__transcript_tokens=10, text__query_tokens=2, data__max_frames=2)
    manifest = run(cli, tmp_path / "en", tmp_path / "out", "seq2seq", *more)
    assert manifest["coverage"]["dataset"]["with frames left out"] > 0
    counts = manifest["coverage"]["seq2seq"]
    assert counts["transcripts truncated"] == 6
    assert counts["transcripts truncated in training"] == 16
    assert counts["queries truncated in training"] > 0
    assert "queries truncated in training" in manifest["coverage_line"]
    remark, *inputs = manifest["remarks"]["seq2seq"]
    assert "of 1 kept by validation loss" in remark
    assert remark in manifest["coverage_line"]
    assert [words for words in inputs if words.startswith("hardly reads the transcript: ")]


def test_scores_on_validation_videos_say_that_epochs_were_chosen_by_them(tmp_path: Path, cli: Cli) -> None:
    synthesize(tmp_path / "en", SynthOptions(videos=24))
    manifest = run(cli, tmp_path / "en", tmp_path / "out", "lead,seq2seq", "--split", "val", *small())
    videos = manifest["coverage"]["dataset"]["videos"]
    assert manifest["coverage"]["seq2seq"]["videos by which its epochs were chosen"] == videos
    assert f"{videos} videos by which its epochs were chosen" in manifest["coverage_line"]
    assert "videos by which its epochs were chosen" not in manifest["coverage"]["lead"]


def test_what_a_row_makes_of_its_inputs_is_a_file_and_two_columns(tmp_path: Path, cli: Cli) -> None:
    synthesize(tmp_path / "en", SynthOptions(videos=24))
    out = tmp_path / "out"
    manifest = run(cli, tmp_path / "en", out, "lead,seq2seq,bart-text", *small(bart__weights="self"))
    header, *lines = (out / "modality.csv").read_text(encoding="utf-8").splitlines()
    assert header == "generator,modality,gap,ci_low,ci_high,n"
    assert [line.split(",")[:2] for line in lines] == [
        ["seq2seq", "text"], ["seq2seq", "frames"], ["bart-text", "text"]
    ]  # fmt: skip
    assert "modality.csv" in manifest["files"]
    head, *rows = (out / "tables" / "generation.csv").read_text(encoding="utf-8").splitlines()
    assert head.endswith(",Distinct,reads text,reads frames")
    cells = {row.split(",")[0]: row.split(",")[-2:] for row in rows}
    assert cells["Lead"] == ["", ""]
    assert cells["BART (Text)"][1] == ""
    assert [f"{float(line.split(',')[2]):.2f}" for line in lines[:2]] == cells["Seq2Seq"]


def test_of_several_seeds_the_use_of_inputs_is_a_mean_with_the_widest_interval(
    tmp_path: Path, cli: Cli
) -> None:
    synthesize(tmp_path / "en", SynthOptions(videos=24))
    out = tmp_path / "out"
    run(cli, tmp_path / "en", out, "seq2seq", "--seed", "0,1", *small())
    first, second, top = (
        pd.read_csv(folder / "modality.csv") for folder in (out / "seed-0", out / "seed-1", out)
    )
    assert top["gap"].to_numpy() == pytest.approx((first["gap"] + second["gap"]).to_numpy() / 2)
    assert (top["ci_low"] == np.minimum(first["ci_low"], second["ci_low"])).all()
    assert (top["ci_high"] == np.maximum(first["ci_high"], second["ci_high"])).all()


def test_features_of_any_width_are_chosen_by_name(tmp_path: Path, cli: Cli) -> None:
    width = 512
    synthesize(tmp_path / "en", SynthOptions(videos=24))
    features = tmp_path / "en" / "features"
    shutil.copytree(features / FEATURES, features / "wide", ignore=shutil.ignore_patterns("transcripts.npy"))
    frames = np.load(features / FEATURES / "frames.npy")
    np.save(features / "wide" / "frames.npy", np.tile(frames, (1, width // frames.shape[1])))
    sizes = []
    for name in (FEATURES, "wide"):
        out = tmp_path / f"out-{name}"
        run(cli, tmp_path / "en", out, "bart-mm,qms", *small(), "--features", name)
        costs = pd.read_csv(out / "costs.csv").set_index("generator")["params"].dropna()
        sizes.append(costs)
    more = (width - frames.shape[1]) * SMALL["bart.width"]
    assert (sizes[1] - sizes[0]).tolist() == [more, more], "one projection is wider, nothing else"

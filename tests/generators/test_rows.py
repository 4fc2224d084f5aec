"""What every neural row owes: all inputs survived, nothing hidden is read, saved is what was trained."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.protocols import Covering, Generator, Identified, Sized, Trainable
from bench.types import Video
from generators.bart.rows import BartMM, BartText, VGBartDP, VGBartMH
from generators.mdvc.row import MDVC
from generators.neural.batches import Batch
from generators.neural.examples import prepare
from generators.neural.options import TextOptions
from generators.neural.row import NeuralRow
from generators.qms.rows import qms, qms_transformer
from generators.seq2seq.row import Seq2Seq
from generators.transformer import Transformer
from tests.generators.conftest import FolderStore, MakeRow, blind, toy, video

ROWS: list[MakeRow] = [
    Seq2Seq,
    Transformer,
    MDVC,
    BartText,
    BartMM,
    VGBartDP,
    VGBartMH,
    qms,
    qms_transformer,
]
SEEING = [row for row in ROWS if row is not BartText]
Make = Callable[..., Context]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
every_seeing_row = pytest.mark.parametrize("row", SEEING, ids=lambda row: row.__name__)


def fitted(row: MakeRow, context: Context, videos: list[Video] | None = None) -> NeuralRow:
    generator = row(context)
    generator.fit(videos or toy(16, where="text"), toy(4, where="text", start=100))
    return generator


def batch_of(generator: NeuralRow, videos: list[Video]) -> Batch:
    tokens = generator.tokens
    assert tokens is not None
    plain, _ = prepare(videos, tokens, TextOptions(transcript_tokens=24, query_tokens=6))
    examples = generator.add_supervision(videos, plain)
    return generator.collate([(e, e.targets[0] if e.targets else []) for e in examples])


def scores(generator: NeuralRow, videos: list[Video]) -> torch.Tensor:
    """The log-probabilities of the first two tokens of each video, ``[b, 2, v]``."""
    with torch.inference_mode():
        state = generator.module.start(batch_of(generator, videos))
        first, state = generator.module.step(torch.full((len(videos), 1), 2), state)
        second, _ = generator.module.step(torch.full((len(videos), 1), 7), state)
    return torch.stack((first, second), dim=1)


@every_row
def test_a_row_has_every_verb_it_promises(row: MakeRow, context: Make) -> None:
    generator = row(context())
    for protocol in (Generator, Trainable, Sized, Identified, Covering):
        assert isinstance(generator, protocol)


@every_row
def test_all_four_combinations_of_text_and_frames_are_summarized_in_order(
    row: MakeRow, context: Make
) -> None:
    generator = fitted(row, context())
    wide = np.ones((3, 8), np.float16)
    none = np.zeros((0, 8), np.float16)
    given = [
        Video("both", "we buy an apple today", wide),
        Video("text", "we buy an apple today", none),
        Video("seen", "", wide),
        Video("none", "", none),
        Video("no features at all", "hello", np.zeros((0, 0), np.float32)),
    ]
    summaries = generator.summarize(given)
    assert list(summaries) == [v.video_id for v in given]
    assert all(isinstance(summary, str) for summary in summaries.values())
    assert generator.summarize([]) == {}


@every_row
def test_a_dataset_without_any_features_can_be_learnt(row: MakeRow, context: Make) -> None:
    bare = [
        Video(v.video_id, v.transcript, np.zeros((0, 0), np.float32), v.references)
        for v in toy(8, where="text")
    ]
    generator = row(context(train__epochs=1))
    generator.fit(bare, bare[:2])
    assert len(generator.summarize(blind(bare))) == 8


@every_row
def test_no_output_depends_on_the_neighbours_in_a_batch(row: MakeRow, context: Make) -> None:
    generator = fitted(row, context(train__epochs=1))
    videos = [*toy(6, where="text"), video(50, frames=0), video(51, frames=9, text=["apple"] * 9)]
    together = scores(generator, videos)
    for number, one in enumerate(videos):
        torch.testing.assert_close(scores(generator, [one])[0], together[number], atol=2e-5, rtol=1e-4)


@every_row
def test_what_padding_holds_is_never_read(row: MakeRow, context: Make) -> None:
    generator = fitted(row, context(train__epochs=1))
    batch = batch_of(generator, toy(4, where="text"))
    assert not batch["frame_mask"].all()
    assert not batch["token_mask"].all()
    spoilt = batch.copy()
    spoilt["frames"] = batch["frames"].masked_fill(~batch["frame_mask"][:, :, None], 99.0)
    spoilt["tokens"] = batch["tokens"].masked_fill(~batch["token_mask"], 9)
    with torch.inference_mode():
        before = generator.module(batch)["loss"]
        after = generator.module(spoilt)["loss"]
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-5)


@every_row
def test_every_parameter_learns(row: MakeRow, context: Make) -> None:
    generator = fitted(row, context(train__epochs=1))
    module = generator.module.train()
    module(batch_of(generator, [*toy(8, where="text"), video(70, frames=0, references=["a b"])]))[
        "loss"
    ].backward()
    untouched = [
        name
        for name, weight in module.named_parameters()
        if weight.requires_grad and (weight.grad is None or not weight.grad.any())
    ]
    # a key's bias moves every score of a softmax alike: its true gradient is 0
    assert [name for name in untouched if "k_proj.bias" not in name and "key.bias" not in name] == []


@every_seeing_row
def test_frames_change_what_a_multimodal_row_writes(row: MakeRow, context: Make) -> None:
    generator = fitted(row, context(train__epochs=1))
    bare, shown = video(60, text=["apple"]), video(60, text=["apple"], frames=3, key=2)
    assert not torch.allclose(scores(generator, [bare]), scores(generator, [shown]), atol=1e-5)


def test_frames_change_nothing_for_the_row_that_reads_text_alone(context: Make) -> None:
    generator = fitted(BartText, context(train__epochs=1))
    bare, shown = video(60, text=["apple"]), video(60, text=["apple"], frames=3, key=2)
    torch.testing.assert_close(scores(generator, [bare]), scores(generator, [shown]))


@every_row
def test_a_saved_model_writes_the_same_again(row: MakeRow, context: Make, tmp_path: Path) -> None:
    generator = fitted(row, context())
    generator.save(tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".bin", ".pkl", ".pt", ".pth")]
    other = row(context())
    other.load(tmp_path)
    videos = blind(toy(8, where="text", start=200))
    assert other.summarize(videos) == generator.summarize(videos)
    assert other.parameters() == generator.parameters() > 1000
    assert generator.label in (tmp_path / "README.md").read_text(encoding="utf-8")
    log = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert len([entry for entry in log if "eval_score" in entry]) == 2
    assert all(math.isfinite(value) for entry in log for value in entry.values())


@every_row
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    row: MakeRow, context: Make, tmp_path: Path
) -> None:
    files = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = tmp_path / name
        folder.mkdir()
        fitted(row, context(seed=seed, train__epochs=1)).save(folder)
        saved = (path for path in sorted(folder.rglob("*")) if path.is_file())
        files.append({str(path.relative_to(folder)): path.read_bytes() for path in saved})
    assert files[0] == files[1]
    assert files[0]["model.safetensors"] != files[2]["model.safetensors"]


@pytest.mark.parametrize("row", [Transformer, qms], ids=lambda row: row.__name__)
def test_a_row_that_is_killed_continues_to_the_same_bytes(
    row: MakeRow, context: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(row, context())
    stopped = context()
    stopped.scratch = tmp_path
    forward, calls = type(whole.module).forward, iter(range(3))

    def killed(module: Any, batch: Batch) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return forward(module, batch)

    with monkeypatch.context() as patch:
        patch.setattr(type(whole.module), "forward", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted(row, stopped)
    assert list(tmp_path.glob("checkpoint-*"))
    again = fitted(row, stopped)
    for ours, theirs in zip(again.module.parameters(), whole.module.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@every_row
def test_chinese_is_read_and_written_by_characters(row: MakeRow, context: Make) -> None:
    videos = [
        Video(
            f"z{i}",
            "今天教大家做红烧肉" + "好" * (i % 3),
            np.ones((i % 3, 8), np.float32),
            ("红烧肉做法", "怎么做红烧肉"),
        )
        for i in range(8)
    ]
    generator = row(context(language="zh", train__epochs=1))
    generator.fit(videos, videos[:2])
    summaries = generator.summarize(blind(videos))
    assert all(" " not in summary for summary in summaries.values())


def test_a_model_of_another_row_is_refused(context: Make, tmp_path: Path) -> None:
    fitted(Seq2Seq, context(train__epochs=1)).save(tmp_path)
    with pytest.raises(DataError, match="seq2seq"):
        Transformer(context()).load(tmp_path)
    (tmp_path / "config.json").write_text('{"format": "something else"}')
    with pytest.raises(DataError, match="something else"):
        Seq2Seq(context()).load(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        Seq2Seq(context()).load(tmp_path)


def test_features_of_another_width_are_refused(context: Make) -> None:
    generator = fitted(Seq2Seq, context(train__epochs=1))
    with pytest.raises(DataError, match=r"5 wide.*8 wide"):
        generator.summarize([Video("x", "hello", np.ones((2, 5), np.float32))])


def test_videos_without_queries_teach_nothing(context: Make) -> None:
    with pytest.raises(DataError, match="none of 4 training videos has a query"):
        Seq2Seq(context()).fit(blind(toy(4, where="text")), [])


def test_without_validation_the_last_epoch_stays(context: Make) -> None:
    generator = Seq2Seq(context())
    generator.fit(toy(8, where="text"), [])
    assert generator.choice == ""
    assert len(generator.summarize(blind(toy(2, where="text")))) == 2


def test_references_are_not_read_when_summarizing(context: Make) -> None:
    generator = fitted(Seq2Seq, context(train__epochs=1))
    videos = toy(4, where="text")
    assert generator.summarize(videos) == generator.summarize(blind(videos))


def test_an_unknown_precision_is_refused_before_training(context: Make) -> None:
    with pytest.raises(UsageError, match=r"train\.precision='half'"):
        Seq2Seq(context(train__precision="half"))


def test_a_summary_needs_a_model(context: Make) -> None:
    with pytest.raises(UsageError, match="before it was trained"):
        Seq2Seq(context()).summarize([])


def test_mdvc_chooses_words_from_the_queries_alone(context: Make) -> None:
    generator = fitted(MDVC, context(train__epochs=1, mdvc__vocabulary=60))
    assert generator.tokens is not None
    assert len(generator.tokens) <= 60
    assert generator.module.refine.weight.shape == (len(generator.tokens), len(generator.tokens))


def test_the_four_bart_rows_share_one_pretraining(context: Make, store: FolderStore) -> None:
    for row in (BartText, BartMM, VGBartDP, VGBartMH):
        generator = fitted(row, context(train__epochs=1))
        assert isinstance(generator, BartText | BartMM | VGBartDP | VGBartMH)
        assert generator.signature() == {"weights": "self-pretrained"}
    assert store.built == 1

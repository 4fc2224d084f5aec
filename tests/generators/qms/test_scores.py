"""U_v is of the frames and U_t of the transcript, whatever they are measured on (eq. 15)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from bench.context import Context
from generators.qms.rows import qms
from tests.generators.conftest import FolderStore
from tests.generators.qms.test_model import VIDEOS, batch_of, ready

Make = Callable[..., Context]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    """Weights are pretrained once for all tests here."""
    return FolderStore(tmp_path_factory.mktemp("store"))


def with_a_start_token(row: Any) -> Any:
    """A row whose decoder is given two tokens before it writes, as a checkpoint's is."""
    tokens = row.vocabulary(VIDEOS)
    tokens.prompt = (tokens.eos, tokens.bos)
    row.build(tokens, row.configuration(tokens, 8))
    row.load_pretrained(row.module)
    return row


def says(ids: list[int], size: int) -> torch.Tensor:
    """Scores ``[t, v]`` whose best tokens are the given ones."""
    return functional.one_hot(torch.tensor(ids), size).float()


def test_teacher_forced_scores_are_of_their_own_path_after_the_prompt(context: Make) -> None:
    row = with_a_start_token(qms(context(qms__scores="teacher")))
    batch = batch_of(row)
    _, begin, *target = batch["targets"][0].tolist()
    other = [i for i in range(5, 40) if i not in target][: len(target)]
    # what stands in the place of [CLS] is given by the prompt: an end there ends nothing
    wrong, right = [row.tokens.eos, *other], [row.tokens.eos, *target]
    assert begin == row.tokens.bos
    for paths, expected in (((wrong, right, wrong), (1, 0)), ((right, wrong, right), (0, 1))):
        logits = torch.stack([says(ids, len(row.tokens)) for ids in paths])
        row.module._logits_of_paths = lambda *_, logits=logits: logits
        parts = row.module(batch)
        assert (float(parts["U_v"]), float(parts["U_t"])) == expected


@pytest.mark.parametrize("right", ["frames", "text"])
def test_measured_scores_are_of_their_own_modality_and_video(right: str, context: Make) -> None:
    row = ready(qms(context()))
    videos = [VIDEOS[0], dataclasses.replace(VIDEOS[1], frames=VIDEOS[1].frames[:0]), VIDEOS[2]]
    batch = batch_of(row, videos)
    queries = [row.tokens.encode([video.references[1]], 6)[0].ids for video in videos]
    nothing: list[list[int]] = [[], [], []]
    row.module.unimodal = lambda _: queries + nothing if right == "frames" else nothing + queries
    scores = row.module.scores(row.module.views(batch), batch).tolist()
    assert scores == ([[1, 0, 1], [0, 0, 0]] if right == "frames" else [[0, 0, 0], [1, 1, 1]])
    queries.reverse()  # now the first and the last are those of other videos
    assert row.module.scores(row.module.views(batch), batch)[int(right == "text")][0] < 1


def test_what_is_written_for_the_scores_knows_no_dropout_and_leaves_training_on(context: Make) -> None:
    row = ready(qms(context()))
    for part in row.module.modules():  # weights bring their own dropout: raise it
        if isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.9
    module, batch = row.module, batch_of(row, VIDEOS)
    module.objective = dataclasses.replace(
        module.objective, rules=dataclasses.replace(module.objective.rules, max_tokens=6)
    )
    expected = module.eval().unimodal(batch)
    scores = module.scores(module.views(batch), batch)
    module.train()
    assert module.unimodal(batch) == expected
    assert module.scores(module.views(batch), batch).tolist() == scores.tolist()
    assert all(part.training for part in (module, module.decoder, module.fusion, module.bart.get_encoder()))

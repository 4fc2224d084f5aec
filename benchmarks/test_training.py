"""A step of QMS beside a naive one, with a pass of the whole model for each objective: the same loss."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from transformers.modeling_outputs import BaseModelOutput  # noqa: E402

from benchmarks.conftest import Compare  # noqa: E402
from generators.bart.model import random_bart  # noqa: E402
from generators.bart.shape import BartShape  # noqa: E402
from generators.neural.decoding.beams import Rules  # noqa: E402
from generators.neural.losses import per_sample, split_targets, token_losses  # noqa: E402
from generators.qms.confidence import Confidence  # noqa: E402
from generators.qms.fusion import EntityAware, Selection  # noqa: E402
from generators.qms.model import (  # noqa: E402
    QMS,
    LabelledBatch,
    Objective,
    entity_loss,
    greedy,
    visual_encoder,
    weighted,
)
from generators.qms.parts import Parts  # noqa: E402

PAD, BOS, EOS = SPECIALS = 0, 2, 3
WORDS, FRAMES, TARGET, WIDTH = 216, 32, 12, 512
VIDEOS, SHAPE = 32, BartShape(8_000, SPECIALS, 2, 2, 128, 4, 512, 0.0)
"""A batch, and a model without dropout, so that both compute the same loss."""


def make(shape: BartShape, videos: int, device: str = "cpu") -> tuple[QMS, LabelledBatch]:
    """Make a QMS of random weights, and a batch of random videos with queries of ten words."""
    torch.manual_seed(0)
    bart = random_bart(shape.config())
    fusion = EntityAware(visual_encoder(bart), WIDTH, Parts(), Selection(SPECIALS, dropout=0.0))
    module = QMS(bart, fusion, Objective(greedy(Rules((BOS,), EOS, PAD, 1, TARGET))))
    queries = torch.randint(4, 50, (videos, TARGET - 2))
    module.confidence = Confidence(
        lambda ids: " ".join(map(str, ids)), [[" ".join(map(str, ids))] for ids in queries.tolist()]
    )
    ends = (torch.full((videos, 1), BOS), queries, torch.full((videos, 1), EOS))
    tokens, targets = torch.randint(4, shape.vocabulary, (videos, WORDS)), torch.cat(ends, 1)
    batch = LabelledBatch(
        tokens=tokens, token_mask=torch.ones_like(tokens).bool(),
        frames=torch.randn(videos, FRAMES, WIDTH), frame_mask=torch.ones(videos, FRAMES).bool(),
        targets=targets, target_mask=torch.ones_like(targets).bool(),
        labels=(torch.rand(videos, WORDS) < 0.1).float(), rows=torch.arange(videos),
    )  # fmt: skip
    moved: Any = {name: tensor.to(device) for name, tensor in batch.items()}  # type: ignore[attr-defined]
    return module.to(device), moved


def naive_loss(module: QMS, batch: LabelledBatch) -> Any:
    """Compute eq. 18 as it is printed: encode anew for each of its terms, write by transformers' generate."""
    losses, scores = [], []
    read, labels, mask = split_targets(batch)
    for memory in ("fused", "visual", "textual"):  # eq. 16
        logits = module.logits(read, *getattr(module.views(batch), memory))
        losses.append(per_sample(token_losses(logits, labels), mask))
    for memory in ("visual", "textual"):  # eq. 15
        module.eval()
        with torch.no_grad():
            states, seen = getattr(module.views(batch), memory)
            ids = module.bart.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=states), attention_mask=seen.long(),
                decoder_input_ids=torch.full((len(states), 1), BOS, device=states.device),
                max_new_tokens=TARGET + 1, num_beams=1, do_sample=False,
            )[:, 1:].tolist()  # fmt: skip
            written = [row[: row.index(EOS)] if EOS in row else row for row in ids]
        module.train()
        assert module.confidence is not None
        scores.append(torch.tensor(module.confidence(written, batch["rows"].tolist())))
    views = module.views(batch)  # eq. 10
    assert views.scores is not None
    assert views.words is not None
    entity = entity_loss(views.scores, batch["labels"], views.words)
    confidence = torch.stack(scores).to(losses[0].device)
    return weighted(torch.stack(losses), confidence).mean() + module.objective.entity_weight * entity


def test_a_step_beside_a_naive_one(compare: Compare) -> None:
    torch.set_num_threads(1)
    module, batch = make(SHAPE, VIDEOS)
    module.train()

    def ours() -> None:
        module.zero_grad()
        module(batch)["loss"].backward()

    def naive() -> None:
        module.zero_grad()
        naive_loss(module, batch).backward()

    torch.testing.assert_close(naive_loss(module, batch), module(batch)["loss"], atol=1e-6, rtol=1e-6)
    compare(
        f"QMS step of {VIDEOS} videos, tiny, 1 thread",
        ours, naive, name="a pass for each term of the loss", goal=2, rounds=2,
        packages=("transformers", "torch"),
    )  # fmt: skip

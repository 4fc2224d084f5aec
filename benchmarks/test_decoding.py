"""Beam search beside transformers' ``generate``: the same tokens, CPU seconds in pairs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from benchmarks.conftest import Compare  # noqa: E402
from generators.bart.fusion import TextOnly  # noqa: E402
from generators.bart.model import FusedBart, random_bart  # noqa: E402
from generators.bart.shape import BartShape  # noqa: E402
from generators.neural.batches import Batch  # noqa: E402
from generators.neural.decoding.beams import Rules, beam_search  # noqa: E402

PAD, BOS, EOS = 0, 2, 3
SOURCE, TARGET, BEAMS = 216, 20, 4
SHAPES = {
    "tiny": (BartShape(8_000, (PAD, BOS, EOS), 2, 2, 128, 4, 512, 0.1), 64),
    "bart-base": (BartShape(21_128, (PAD, BOS, EOS), 6, 6, 768, 12, 3072, 0.1), 4),
}
"""Shapes, each with the number of texts of a batch."""


@pytest.mark.parametrize("shape", SHAPES)
def test_beams_beside_generate(compare: Compare, shape: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made, texts = SHAPES[shape]
    model = random_bart(made.config()).eval()
    model.generation_config.decoder_start_token_id = BOS
    tokens = torch.randint(4, made.vocabulary, (texts, SOURCE))
    none = torch.zeros(texts, 0)
    batch = Batch(
        tokens=tokens, token_mask=torch.ones_like(tokens).bool(), frames=torch.zeros(texts, 0, 1),
        frame_mask=none.bool(), targets=none.long(), target_mask=none.bool(),
    )  # fmt: skip
    ours, rules = FusedBart(model, TextOnly(made.width, 1)).eval(), Rules((BOS,), EOS, PAD, BEAMS, TARGET)

    def generate() -> list[list[int]]:
        written = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), decoder_input_ids=torch.full((texts, 1), BOS),
            max_new_tokens=TARGET + 1, num_beams=BEAMS, do_sample=False, early_stopping=True,
        )  # fmt: skip
        return [ids[: ids.index(EOS)] for ids in written[:, 1:].tolist()]

    assert beam_search(ours, batch, rules) == generate()
    compare(
        f"beam {BEAMS} of {texts} texts, {shape}, 1 thread",
        lambda: beam_search(ours, batch, rules), generate,
        name="transformers' generate", goal=2, rounds=2, packages=("transformers", "torch"),
    )  # fmt: skip

"""A store in a temporary folder, and tiny real checkpoints made here: no test touches the user's cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.context import Context
from bench.options import build_sections
from retrievers.options import BM25Options, DPROptions, DPRSearchOptions

WORDS = "red blue fox whale jumps swims cook noodle beef oil pan the a of in".split()  # noqa: SIM905

MakeContext = Callable[..., Context]


@pytest.fixture
def context(tmp_path: Path) -> MakeContext:
    """Build contexts that share a store; keywords are options, ``weights`` for ``dpr.weights``."""

    def make(language: str = "en", **options: Any) -> Context:
        sections = build_sections(
            {"bm25": BM25Options, "dpr": DPROptions, "dpr-search": DPRSearchOptions},
            {key if "." in key else f"dpr.{key}": value for key, value in options.items()},
        )
        store: Any = SimpleNamespace(root=tmp_path / "store")
        return Context(language=language, sections=sections, store=store)

    return make


def make_tokenizer(folder: Path) -> int:
    """Write a word-level BERT tokenizer and return the size of its vocabulary."""
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    (folder / "words.txt").unlink()
    return len(words)


def tiny(size: int) -> dict[str, int]:
    """Return the shape of a tiny BERT."""
    return {
        "vocab_size": size,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
    }


@pytest.fixture
def bert_folder(tmp_path: Path) -> Callable[..., Path]:
    """Make a plain BERT checkpoint with random weights of the given seed, made for a similarity."""

    def make(name: str, seed: int = 0, similarity: str | None = None) -> Path:
        import torch
        from transformers import BertConfig, BertModel

        folder = tmp_path / name
        size = make_tokenizer(folder)
        torch.manual_seed(seed)
        BertModel(BertConfig(**tiny(size))).save_pretrained(folder)
        if similarity is not None:
            settings = json.dumps({"similarity_fn_name": similarity})
            (folder / "config_sentence_transformers.json").write_text(settings, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def dpr_folder(tmp_path: Path) -> Callable[[str, str], Path]:
    """Make a native DPR checkpoint of a side, ``question`` or ``context``."""

    def make(name: str, side: str) -> Path:
        import torch
        from transformers import DPRConfig, DPRContextEncoder, DPRQuestionEncoder

        folder = tmp_path / name
        size = make_tokenizer(folder)
        torch.manual_seed(1 if side == "question" else 2)
        kind: Any = DPRQuestionEncoder if side == "question" else DPRContextEncoder
        kind(DPRConfig(**tiny(size))).save_pretrained(folder)
        return folder

    return make

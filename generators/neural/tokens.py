"""Tokenizers: a vocabulary built from the training split, or that of a pretrained checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.text import detokenize
from bench.types import Video

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers.tokenization_utils_base import PreTrainedTokenizerBase

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The token ids of a text, and whether the text was longer than the limit."""

    ids: list[int]
    cut: bool


class Tokens:
    """A tokenizer: turns texts into ids and back, with the same special ids for every kind of tokenizer.

    ``prompt`` is what a decoder is given before it writes the first token: for a checkpoint of BART's
    kind its start token and the beginning of a sentence, else the beginning alone.
    """

    lead = 1
    """How many special tokens come before the tokens of a source."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int] | None = None) -> None:
        self.tokenizer = tokenizer
        self.pad = int(tokenizer.pad_token_id)
        self.bos = _first(tokenizer.bos_token_id, tokenizer.cls_token_id)
        self.eos = _first(tokenizer.sep_token_id, tokenizer.eos_token_id)
        self.mask = int(tokenizer.mask_token_id)
        self.prompt: tuple[int, ...] = tuple(prompt) if prompt is not None else (self.bos,)

    def __len__(self) -> int:
        """Count the ids that a model's vocabulary layer needs."""
        return len(self.tokenizer)

    @property
    def special_ids(self) -> tuple[int, int, int]:
        """The ids of padding, beginning and end."""
        return self.pad, self.bos, self.eos

    def encode(self, texts: Sequence[str], limit: int) -> list[Encoded]:
        """Encode each text without specials, at most ``limit`` ids."""
        if not texts:
            return []
        # all texts in one call: ten times faster than one at a time
        ids = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [Encoded(list(one[:limit]), len(one) > limit) for one in ids]

    def encode_sources(self, texts: Sequence[str], limit: int) -> list[Encoded]:
        """Encode transcripts; a row may read them with another vocabulary than it writes with."""
        return self.encode(texts, limit)

    def spans(self, texts: Sequence[str], limit: int) -> list[list[tuple[int, int]]]:
        """Locate the characters ``[start, end)`` of each of a text's first ``limit`` tokens."""
        if not texts:
            return []
        options = {"add_special_tokens": False, "return_offsets_mapping": True, "verbose": False}
        offsets = self.tokenizer(list(texts), **options)["offset_mapping"]
        return [[(int(start), int(end)) for start, end in one[:limit]] for one in offsets]

    def frame(self, ids: Sequence[int]) -> list[int]:
        """Put a source between its special tokens."""
        return [self.bos, *ids, self.eos]

    def target(self, ids: Sequence[int], *, cut: bool = False) -> list[int]:
        """Make the sequence that the decoder learns: prompt, tokens, end; a cut text has no end."""
        return [*self.prompt, *ids] if cut else [*self.prompt, *ids, self.eos]

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids to a text: specials dropped, no blanks between Chinese characters."""
        text = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return detokenize(str(text).split())

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and its settings."""
        self.tokenizer.save_pretrained(str(folder))

    @classmethod
    def load(cls, folder: Path, prompt: Sequence[int]) -> Tokens:
        """Restore the tokenizer from the folder that `save` wrote."""
        from transformers import PreTrainedTokenizerFast  # takes seconds

        return cls(PreTrainedTokenizerFast.from_pretrained(str(folder)), prompt)


def transcripts_and_queries(videos: Sequence[Video]) -> list[str]:
    """Collect the texts of training videos, from which a vocabulary is built, without repeats."""
    return unique_texts((video.transcript, *video.references) for video in videos)


def unique_texts(groups: Iterable[Iterable[str]]) -> list[str]:
    """Join groups of texts in one list, in order, without repeats and empty ones."""
    return list(dict.fromkeys(text for group in groups for text in group if text.strip()))


def build(texts: Iterable[str], size: int) -> Tokens:
    """Build a vocabulary of at most ``size`` tokens from texts, the most frequent first.

    Lower-cased WordPiece in which each Chinese character is a word: sub-words of English, characters
    of Chinese, both in one text.
    """
    from tokenizers import trainers
    from transformers import PreTrainedTokenizerFast  # takes seconds

    texts = list(texts)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        limit_alphabet=max(size - len(SPECIALS), 1),
        special_tokens=[*SPECIALS, *_inner_characters(texts, size)],
        show_progress=False,
    )
    tokenizer = _wordpiece({})
    tokenizer.train_from_iterator(texts, trainer)
    # a second tokenizer: in the first, the characters that were only to be numbered count as special
    roles = dict(
        zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIALS, strict=True)
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=_wordpiece(tokenizer.get_vocab()), **roles)  # type: ignore[no-untyped-call]
    return Tokens(fast)


def _wordpiece(vocabulary: dict[str, int]) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return tokenizer


def _inner_characters(texts: Sequence[str], size: int) -> list[str]:
    """List the characters that occur within words, the most frequent first, in a reproducible order.

    The trainer numbers them in the order of a hash map, and by their numbers it settles which of two
    equally frequent pairs is joined: given to it in order, the same texts make the same vocabulary.
    """
    tokenizer = _wordpiece({})
    counts: Counter[str] = Counter()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            counts.update(word[1:])
    frequent = sorted(counts, key=lambda character: (-counts[character], character))
    return [f"##{character}" for character in frequent[: size // 4]]


def _first(*ids: int | None) -> int:
    return next(int(i) for i in ids if i is not None)

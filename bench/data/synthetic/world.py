"""What every part of a synthetic video is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.rng import Rng
from bench.data.synthetic.vocabulary import Vocabulary, read_vocabulary


@dataclass(frozen=True, slots=True)
class SyntheticWorld:
    """The options, the vocabulary and one random stream: all that a drawing function needs."""

    options: SynthOptions
    vocabulary: Vocabulary
    rng: Rng

    @classmethod
    def of_stream(cls, options: SynthOptions, part: int, index: int) -> SyntheticWorld:
        """Choose the vocabulary of a video and the random stream of one of its parts."""
        words = read_vocabulary(options.language, index % options.varieties)
        return cls(options, words, Rng(options.seed, part, index))

    def pick_sentence(self, purpose: str) -> str:
        """Draw one of the sentences that the vocabulary has for a purpose, its slots still open."""
        return self.rng.pick(self.vocabulary.sentences[purpose])

"""QMS as rows: on BART, its ablations, without pretraining. They differ by `Parts` or by the backbone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from bench.context import Context
from bench.errors import UsageError
from bench.types import Json, Video
from generators.bart.model import random_bart
from generators.bart.pretraining import Recipe, self_pretrained
from generators.bart.rows import Bart
from generators.neural.batches import Example
from generators.neural.decoding import Rules
from generators.neural.row import Neural
from generators.neural.targets import Targets, Uniform
from generators.neural.training import Plan
from generators.options import BartOptions, DecodeOptions, PretrainOptions, QMSOptions
from generators.qms import sentences
from generators.qms.confidence import Confidence
from generators.qms.entities import entity_spans, token_labels
from generators.qms.explain import Explanation, head_quality
from generators.qms.fusion import EntityAware, Parts
from generators.qms.model import QMS, CollateLabelled, Labelled, Objective, greedy, picture_encoder
from generators.qms.sampling import Sampled, entropy, probabilities
from generators.transformer import Transformer


class QMSRow(Neural):
    """Be QMS on a backbone, which a class beside this one brings: vocabulary, shape, weights and rate."""

    label = "QMS"
    name = "qms"

    def __init__(self, context: Context, parts: Parts | None = None) -> None:
        super().__init__(context)
        self.parts = parts or Parts()
        self.qms = context.options(QMSOptions)
        self.encoder = sentences.auto(self.qms.encoder, self.language, context.options(BartOptions).weights)
        self._own = context.options(BartOptions), context.options(PretrainOptions)
        self._facts: dict[str, float] = {}

    @property
    def mu(self) -> float:
        """Return the threshold of eq. 13 for the encoder in use."""
        return self.qms.mu if self.qms.mu is not None else sentences.MU.get(self.encoder, sentences.PAPER_MU)

    # The module

    def configuration(self, tokens: Any, frame_width: int) -> dict[str, Json]:
        """Return the backbone's shape and the parts there are."""
        return super().configuration(tokens, frame_width) | {"parts": dataclasses.asdict(self.parts)}  # type: ignore[safe-super]

    def library(self, shape: dict[str, Any]) -> Any:
        """Return the backbone with random weights."""
        return random_bart(shape)

    def module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the backbone and what QMS adds."""
        backbone = self.library(configuration["bart"])
        assert self._tokens is not None
        fusion = EntityAware(
            backbone.config.d_model,
            configuration["frame_width"],
            self.parts,
            encoder=picture_encoder(backbone),
            specials=(self._tokens.pad, self._tokens.bos, self._tokens.eos),
            tau=self.qms.tau,
            dropout=self.qms.dropout,
        )
        return self.kind(backbone, fusion, self.objective())

    kind: Callable[..., QMS] = QMS

    def objective(self) -> Objective:
        """Return the settings of the losses."""
        assert self._tokens is not None
        options = DecodeOptions(max_tokens=self.text.query_tokens)
        rules = Rules.of(options, self._tokens.prompt, self._tokens.eos, self._tokens.pad)
        return Objective(
            greedy(rules),
            entity_weight=self.qms.entity_weight,
            entity_loss=self.qms.entity_loss,
            scores=self.qms.scores,
            norm=self.qms.beta if self.qms.regulariser == "norm" else 0.0,
        )

    def warm(self, module: Any) -> None:
        """Put pretrained weights in; a row without transcripts has no text encoder."""
        if self.parts.textual:
            super().warm(module)
            return
        bare = QMS.__new__(QMS)
        nn.Module.__init__(bare)
        bare.bart = self.library(self._config["bart"])  # type: ignore[arg-type]
        super().warm(bare)
        kept = module.bart.state_dict()
        module.bart.load_state_dict({k: v for k, v in bare.bart.state_dict().items() if k in kept})

    # How it is trained

    def rates(self) -> Mapping[str, float]:
        """Let what no pretraining has seen learn at its own rate."""
        return {"fusion.": self.qms.fresh_lr}

    def _plan(self) -> Plan:
        """Decay as eq. 18 has it, in place of ``train.weight_decay``."""
        decay = self.qms.beta if self.qms.regulariser == "decoupled" else 0.0
        return dataclasses.replace(super()._plan(), weight_decay=decay)

    def targets(self, train: Sequence[Video]) -> Targets:
        """Return eq. 14, or a uniform draw in a row without sampling."""
        if not self.parts.sampling:
            return Uniform(self.seed)
        similar = sentences.compare(self.context, self._sentence_key(), train, lambda: self._sentences(train))
        chances = {video_id: probabilities(s, self.mu) for video_id, s in similar.items()}
        self._facts = _facts(similar.values(), chances.values(), self.mu)
        return Sampled(self.seed, {video_id: p.tolist() for video_id, p in chances.items()})

    def _sentence_key(self) -> dict[str, Json]:
        key = {"encoder": self.encoder, **sentences.identity(self.encoder)}
        return {**key, **self._recipe().key()} if self.encoder == "self" else key

    def _sentences(self, train: Sequence[Video]) -> sentences.Encoder:
        if self.encoder == "self":
            return sentences.bart(self_pretrained(self.context, self._recipe(), train), self.device)
        return sentences.bert(sentences.folder(self.encoder), self.device)

    def _recipe(self) -> Recipe:
        return Recipe(*self._own, self.text, self.seed, self.device, self._bf16)

    def prepared(self, train: Sequence[Video], examples: Sequence[Example]) -> Sequence[Example]:
        """Return the examples with entity labels, and keep the queries that U is measured against."""
        assert self._tokens is not None
        if self.parts.unimodal:
            queries = [video.references for video in train]
            self._module.confidence = Confidence(self._tokens.decode, queries)
            self._module.objective = self._short(examples)
        return self._labelled(train, examples)

    def _short(self, examples: Sequence[Example]) -> Objective:
        """Return the objective with decodes of eq. 15 no longer than the longest query: they stay cheap."""
        objective: Objective = self._module.objective
        around = len(objective.rules.prompt) + 1
        longest = (
            max((len(ids) for example in examples for ids in example.targets), default=around + 1) - around
        )
        return dataclasses.replace(objective, rules=dataclasses.replace(objective.rules, max_tokens=longest))

    def _labelled(self, videos: Sequence[Video], examples: Sequence[Example]) -> list[Labelled]:
        labels = self._labels(videos) if self.parts.labels else [[] for _ in videos]
        return [
            Labelled(e.video_id, e.tokens, e.frames, e.targets, labels=known, row=row)
            for row, (e, known) in enumerate(zip(examples, labels, strict=True))
        ]

    def _labels(self, videos: Sequence[Video]) -> list[list[int]]:
        """Return y (eq. 9) for each token of each transcript, specials included."""
        assert self._tokens is not None
        spans = self._tokens.spans([v.transcript for v in videos], self.text.transcript_tokens - 2)
        return [
            [0] * self._tokens.lead
            + token_labels(places, entity_spans(v.transcript, v.references, self.language))
            for v, places in zip(videos, spans, strict=True)
        ]

    def collate(self, pad: int, frame_width: int) -> CollateLabelled:
        """Return batches that carry labels."""
        return CollateLabelled(pad, frame_width)

    def watch(self, val: Sequence[Video]) -> Callable[[], Mapping[str, float]] | None:
        """Return precision, recall and F1 of the entity head on the validation videos that have queries."""
        chosen = [video for video in val[: self.training.validation_videos or None] if video.references]
        if not self.parts.labels or not chosen:
            return None
        from generators.neural.batches import prepare

        assert self._tokens is not None
        examples = self._labelled(chosen, prepare(chosen, self._tokens, self.text)[0])
        batches = [
            self._collate([(example, []) for example in examples[i : i + self.decoding.batch_size]])
            for i in range(0, len(examples), self.decoding.batch_size)
        ]
        return lambda: head_quality(self._module, batches, self.device)

    def _run(self, videos: Sequence[Video], val: Sequence[Video]) -> None:
        """Train, and put first in the log what does not change with the epochs."""
        super()._run(videos, val)
        if self._facts:
            self._log.insert(0, {"epoch": 0.0, **self._facts})

    # What it tells

    def identity(self) -> Mapping[str, Json]:
        """Return the digests of the weights, those that compare queries included."""
        sampled = sentences.identity(self.encoder) if self.parts.sampling else {}
        return {**super().identity(), **sampled}

    def signature(self) -> Mapping[str, str]:
        """Say what compares queries, and from which similarity on they are kept."""
        own: Mapping[str, str] = getattr(super(), "signature", dict)()
        if not self.parts.sampling:
            return own
        return {**own, "queries": f"{sentences.named(self.encoder)}, mu {self.mu:g}"}

    def explain(self, video: Video) -> Mapping[str, Json]:
        """Return the words selected, what each modality writes, how the queries are judged, the summary."""
        if self._tokens is None:
            raise UsageError(f"{self.label} was asked to explain before it was trained or loaded.")
        return Explanation(self, video).all()

    def similar(self, video: Video) -> tuple[str, npt.NDArray[np.float64]]:
        """Return what compares a video's queries, and s_j."""
        name = sentences.named(self.encoder)
        if self.encoder == "self":  # the frozen one is not saved with the model
            assert self._tokens is not None
            encoder = sentences.Encoder(self._tokens, sentences.layer(self._module.bart), self.device)
            name = "the row's own text encoder, trained"
        else:
            encoder = sentences.bert(sentences.folder(self.encoder), self.device)
        return name, sentences.similar(encoder, [video.references])[0]


def _facts(similar: Any, chances: Any, mu: float) -> dict[str, float]:
    """Return the shares of rejected queries and of videos without any other, and the mean entropy."""
    scores = list(similar)
    queries = sum(map(len, scores)) or 1
    return {
        "rejected": sum(int((s < mu).sum()) for s in scores) / queries,
        "all_rejected": sum(bool((s < mu).all()) for s in scores) / (len(scores) or 1),
        "sampling_entropy": sum(map(entropy, chances)) / (len(scores) or 1),
        "mu": mu,
    }


class BartQMS(QMSRow, Bart):
    """QMS (paper, section III)."""

    fusion = "entity-aware"


class TransformerQMS(QMSRow, Transformer):
    """QMS on a Transformer without pretraining (Table VI)."""

    label = "QMS (Transformer)"
    name = "qms-transformer"

"""QMS (paper, section III): the row that a backbone and the parts of QMS make."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.errors import UsageError
from bench.types import Json, Video
from generators.bart.pretraining.recipe import Recipe
from generators.neural.examples import Example, prepare
from generators.neural.options import DecodeOptions
from generators.neural.row import NeuralRow
from generators.neural.targets import Targets, Uniform
from generators.neural.tokens import Tokens
from generators.qms import sentences
from generators.qms.backbones.backbone import Backbone
from generators.qms.confidence import Confidence
from generators.qms.entities import label_transcripts
from generators.qms.options import QMSOptions
from generators.qms.parts import Parts
from generators.qms.sampling import Sampled, describe_sampling, probabilities

if TYPE_CHECKING:
    from torch import nn

    from generators.qms.comparison import Encoder
    from generators.qms.model import CollateLabelled, Labelled, Objective


class QMSRow(NeuralRow):
    """QMS (paper, section III) on a backbone, with all its parts or as an ablation."""

    def __init__(
        self,
        context: Context,
        backbone: Backbone,
        parts: Parts | None = None,
        *,
        name: str = "qms",
        label: str = "QMS",
    ) -> None:
        super().__init__(context)
        self.backbone, self.parts = backbone, parts or Parts()
        self.name, self.label, self.tokens_class = name, label, backbone.tokens_class
        self.reads = ("text",) * self.parts.textual + ("frames",) * self.parts.visual
        self.sections += backbone.sections
        self.qms = self.read_options(QMSOptions)
        self.recipe = Recipe.of(context)
        """How the encoder of ``qms.encoder=self`` is made."""
        self.encoder = sentences.auto(self.qms.encoder, self.language, self.recipe.bart.weights)
        self._facts: dict[str, float] = {}

    @property
    def mu(self) -> float:
        """The threshold of eq. 13 for the encoder in use."""
        return self.qms.mu if self.qms.mu is not None else sentences.MU.get(self.encoder, sentences.PAPER_MU)

    @property
    def reads_both(self) -> bool:
        """Whether no modality is taken away by an ablation."""
        return self.parts.visual and self.parts.textual

    # The module

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build or read the backbone's tokenizer."""
        return self.backbone.vocabulary(train)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the backbone's shape and the parts."""
        return {
            "frame_width": frame_width,
            "bart": self.backbone.shape(tokens),
            "parts": dataclasses.asdict(self.parts),
        }

    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the backbone and what QMS adds."""
        from generators.qms.fusion import EntityAware, Selection
        from generators.qms.model import visual_encoder

        model = self.backbone.build(configuration["bart"])
        selection = Selection(self.tokens.special_ids, tau=self.qms.tau, dropout=self.qms.dropout)
        fusion = EntityAware(visual_encoder(model), configuration["frame_width"], self.parts, selection)
        return self.backbone.module_class()(model, fusion, self._objective())

    def _objective(self) -> Objective:
        from generators.neural.decoding.beams import Rules
        from generators.qms.model import Objective, greedy

        options = DecodeOptions(max_tokens=self.text.query_tokens)
        rules = Rules.of(options, self.tokens.prompt, self.tokens.eos, self.tokens.pad)
        return Objective(
            greedy(rules),
            entity_weight=self.qms.entity_weight,
            entity_loss=self.qms.entity_loss,
            scores=self.qms.scores,
            norm=self.qms.beta if self.qms.regulariser == "norm" else 0.0,
        )

    def load_pretrained(self, module: Any) -> None:
        """Copy the backbone's pretrained weights; a row without transcripts has no text encoder for them."""
        weights = self.backbone.pretrained_weights()
        if weights is None:
            return
        if not self.parts.textual:
            names = module.bart.state_dict()
            weights = {name: weight for name, weight in weights.items() if name in names}
        module.bart.load_state_dict(weights)

    # Training

    @property
    def learning_rate(self) -> float:
        """The backbone's learning rate."""
        return self.backbone.learning_rate

    @property
    def weight_decay(self) -> float:
        """Beta of eq. 18 as decoupled decay, in place of ``train.weight_decay``."""
        return self.qms.beta if self.qms.regulariser == "decoupled" else 0.0

    def lr_multipliers(self) -> Mapping[str, float]:
        """Train what is not pretrained at a separate rate."""
        return {"fusion.": self.qms.fresh_lr}

    def targets(self, train: Sequence[Video]) -> Targets:
        """Draw targets by eq. 14, or uniformly in a row without query sampling."""
        from generators.qms import comparison

        if not self.parts.sampling:
            return Uniform(self.seed)
        key = {"encoder": self.encoder, **sentences.identity(self.encoder, self.context.store)}
        if self.encoder == "self":
            key |= self.recipe.key()
        similar = comparison.compare(self.context, key, train, lambda: self._frozen_encoder(train))
        chances = {video_id: probabilities(s, self.mu) for video_id, s in similar.items()}
        self._facts = describe_sampling([*similar.values()], [*chances.values()], self.mu)
        return Sampled(self.seed, {video_id: p.tolist() for video_id, p in chances.items()})

    def _frozen_encoder(self, train: Sequence[Video]) -> Encoder:
        from generators.bart.pretraining.pretrain import self_pretrained
        from generators.qms import comparison

        if self.encoder == "self":
            return comparison.bart(self_pretrained(self.context, self.recipe, train).folder, self.device)
        return comparison.load(self.encoder, self.context.store, self.device)

    def training_facts(self) -> Mapping[str, float]:
        """Numbers of pretraining and of query sampling, which do not change with the epochs."""
        return {**self.backbone.facts(), **self._facts}

    def add_supervision(self, train: Sequence[Video], examples: Sequence[Example]) -> Sequence[Example]:
        """Add entity labels (eq. 9), and give the module the queries that U (eq. 15) is measured against."""
        if self.parts.unimodal:
            queries = [video.references for video in train]
            self.module.confidence = Confidence(self.tokens.decode, queries)
            self.module.objective = self._limit_decodes(examples)
        return self._label(train, examples)

    def _limit_decodes(self, examples: Sequence[Example]) -> Objective:
        """Limit the decodes of eq. 15 to the length of the longest query, which is faster."""
        objective: Objective = self.module.objective
        rules = objective.rules
        written = (ids[len(rules.prompt) :] for example in examples for ids in example.targets)
        lengths = [len(ids) - (ids[-1:] == [rules.eos]) for ids in written]  # a cut query has no end
        limited = dataclasses.replace(rules, max_tokens=max(lengths, default=1))
        return dataclasses.replace(objective, rules=limited)

    def _label(self, videos: Sequence[Video], examples: Sequence[Example]) -> list[Labelled]:
        from generators.qms.model import Labelled

        labels: list[list[int]] = [[] for _ in videos]
        if self.parts.labels:
            limit = self.text.transcript_tokens - 2
            labels = label_transcripts(videos, self.tokens, limit, self.language)
        return [
            Labelled(e.video_id, e.tokens, e.frames, e.targets, labels=label, row=row)
            for row, (e, label) in enumerate(zip(examples, labels, strict=True))
        ]

    def make_collate(self, pad: int, frame_width: int) -> CollateLabelled:
        """Make the function that makes batches with labels."""
        from generators.qms.model import CollateLabelled

        return CollateLabelled(pad, frame_width)

    def extra_validation_metrics(self, val: Sequence[Video]) -> Callable[[], Mapping[str, float]] | None:
        """Measure precision, recall and F1 of the selected words on validation videos that have queries."""
        from generators.neural.inference import EXAMPLES_AT_ONCE
        from generators.qms.explain import head_quality

        videos = [video for video in val[: self.training.validation_videos or None] if video.references]
        if not self.parts.labels or not videos:
            return None
        examples = self._label(videos, prepare(videos, self.tokens, self.text)[0])
        size = EXAMPLES_AT_ONCE
        batches = [
            self.collate([(example, []) for example in examples[i : i + size]])
            for i in range(0, len(examples), size)
        ]
        return lambda: head_quality(self.module, batches, self.device)

    # What the harness reports of a row

    def identity(self) -> Mapping[str, Json]:
        """Identify all pretrained weights by digests, those of the sentence encoder included."""
        sampled = sentences.identity(self.encoder, self.context.store) if self.parts.sampling else {}
        made = self.recipe.identity() if self.encoder == "self" else {}
        return {**self.backbone.identity(), **made, **sampled}

    def signature(self) -> Mapping[str, str]:
        """Name the source of the weights, the encoder that compares queries, and the threshold mu."""
        weights = self.backbone.signature()
        if not self.parts.sampling:
            return weights
        return {**weights, "queries": f"{sentences.named(self.encoder)}, mu {self.mu:g}"}

    def explain(self, video: Video) -> Mapping[str, Json]:
        """Show a video for `bench explain`; a part that the row does not have is left out.

        These are the selected words, what each modality alone makes the decoder write, and how the queries
        are sampled.
        """
        from generators.neural.batches import to_device
        from generators.qms.explain import Explanation

        if self._tokens is None:
            raise UsageError(f"{self.label} cannot explain a video before it was trained or loaded.")
        examples, _ = prepare([video], self.tokens, self.text)
        batch = to_device(self.collate([(example, []) for example in examples]), self.device)
        seen = Explanation(self.module, self.tokens, batch, video)
        return {
            "video_id": video.video_id,
            "summary": self.summarize([video])[video.video_id],
            "frames": len(video.frames),
            **seen.entities(self.text.transcript_tokens - 2, self.language),
            **seen.modalities(),
            **self._explain_queries(video),
        }

    def _explain_queries(self, video: Video) -> dict[str, Json]:
        from generators.qms.explain import explain_queries

        # a row without transcripts has no text encoder, and the frozen one is not saved with the model
        unknown = self.encoder == "self" and not self.parts.textual
        if not video.references or not self.parts.sampling or unknown:
            return {}
        name, similar = self.similar(video)
        return {"compared_by": name, **explain_queries(video.references, similar, self.mu)}

    def similar(self, video: Video) -> tuple[str, npt.NDArray[np.float64]]:
        """Compare a video's queries: the name of what compares them, and s_j (eq. 12)."""
        from generators.qms import comparison

        name = sentences.named(self.encoder)
        if self.encoder == "self":  # the frozen one is not saved with the model
            encoder = comparison.Encoder(self.tokens, comparison.layer(self.module.bart), self.device)
            name = "the row's own text encoder, trained"
        else:
            encoder = comparison.load(self.encoder, self.context.store, self.device)
        return name, comparison.similar(encoder, [video.references])[0]

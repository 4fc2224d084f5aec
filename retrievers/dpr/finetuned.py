"""The dense retriever fine-tuned on the training split's queries, or on them and a generator's summaries."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.store.files import write_text
from bench.types import Json, Video, VideoId
from bench.weights import quiet_loading
from retrievers.bm25.retriever import BM25
from retrievers.dpr.negatives import mine_negatives
from retrievers.dpr.pairs import Pairs, Ranking, make_ranking, sibling_pairs, summary_pairs
from retrievers.dpr.retriever import PretrainedDPR, Role
from retrievers.dpr.weights import Similarity, Weights, read_folder
from retrievers.options import SUMMARIES, DPRFinetuneOptions, DPRSearchOptions

TRAINING = "training.json"
"""Which epoch the saved towers are."""


class FinetunedDPR(PretrainedDPR):
    """Fine-tunes the pretrained encoder, then ranks as it does.

    Positives are sibling queries of one training video, so that training depends on no generator; with
    ``dpr-ft.positives=summaries``, what one generator wrote for the query's video, so that each generator
    has its model. No test video is seen. Two towers (encoders), one with ``dpr-ft.untied=false``. The best
    on the validation split is taken, or the start where no epoch is better. A native DPR checkpoint is
    refused: sentence-transformers cannot train it.
    """

    label = "DPR (FT)"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tuning = context.options(DPRFinetuneOptions)
        self._seed = context.seed
        self._miner = BM25(context) if self._tuning.hard_negatives else None
        self.per_generator = f"dpr-ft.positives={SUMMARIES}" if self._tuning.positives == SUMMARIES else ""
        self._summaries: Mapping[VideoId, str] = {}
        self._folder: Path | None = None
        self._epoch = 0
        if not self._tuning.untied and self._options.query_weights is not None:
            raise UsageError("dpr.query_weights names a second tower, but dpr-ft.untied=false has one only.")

    def use_summaries(self, summaries: Mapping[VideoId, str]) -> None:
        """Take what a generator wrote for the training and the validation videos, as positives."""
        self._summaries = dict(summaries)

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train on the pairs; goes on from the last checkpoint in the context's scratch folder.

        Raises DataError when the training videos give no pair.
        """
        pairs, ranking = (
            self._by_summaries(train, val) if self.per_generator else self._by_siblings(train, val)
        )
        from retrievers.dpr import training  # torch and the libraries take seconds to import

        folder, count = self._temporary(), self._tuning.hard_negatives
        bm25 = self._miner
        negatives = mine_negatives(pairs, count, bm25, self._seed) if bm25 else [[] for _ in pairs.pairs]
        recipe = training.Recipe(
            start=(self._start(self.query).folder, self._start(self.document).folder),
            prefixes=(self.query.prefix, self.document.prefix),
            similarity=self._similarity(),
            options=self._tuning,
            max_tokens=self._options.max_tokens,
            seed=self._seed,
            device=self._device,
            scratch=self._context.scratch or folder / "checkpoints",
        )
        trained = training.train(recipe, pairs, negatives, ranking)
        with quiet_loading():
            for side in self._sides():
                tower = training.extract_tower(trained.model, side)
                tower.save_pretrained(str(folder / "towers" / side), create_model_card=False)
        write_text(folder / "towers" / TRAINING, json.dumps({"epoch": trained.epoch}))
        self.load(folder / "towers")

    def save(self, folder: Path) -> None:
        """Write the towers, a sentence-transformers folder each. Raises UsageError before `fit`."""
        if self._folder is None:
            raise UsageError("dpr-ft has not been trained: there is nothing to save.")
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)

    def load(self, folder: Path) -> None:
        """Encode with the trained towers in the folder from now on."""
        self._folder = folder
        self._encoders.clear()
        self._epoch = int(json.loads((folder / TRAINING).read_text(encoding="utf-8"))["epoch"])

    def sections_after_fit(self) -> Sequence[str]:
        """Name the options of the search: the towers are the same without them."""
        return [DPRSearchOptions.section]

    def remarks(self) -> Sequence[str]:
        """Report which epoch was selected, or that none was better than the encoder without training."""
        epochs = self._tuning.epochs
        if self._epoch == 0:
            return [
                f"not tuned: none of {epochs} epochs was better on validation than the encoder it starts from"
            ]
        return [f"epoch {self._epoch} of {epochs} kept"]

    def identity(self) -> Mapping[str, Json]:
        """Digest the weights that training starts from, and what mines hard negatives."""
        start = {role.name: self._start(role).digest for role in (self.document, self.query)}
        return {**start, **({"bm25": self._miner.identity()} if self._miner else {})}

    def signature(self) -> Mapping[str, str]:
        """Name the weights, and how they were tuned, for the signature line."""
        tuned = self._tuning
        towers = "two towers" if tuned.untied else "one tower"
        how = f"{towers}, {tuned.epochs} epochs, batch {tuned.batch_size}, lr {tuned.lr:g}"
        hard = f", {tuned.hard_negatives} hard negatives" if tuned.hard_negatives else ""
        pairs = f"pairs {tuned.max_pairs or 'all'}"
        return {**super().signature(), "tuned": f"{how}, {pairs}{hard}, {tuned.positives}"}

    def _by_siblings(self, train: Sequence[Video], val: Sequence[Video]) -> tuple[Pairs, Ranking]:
        pairs, checked = (
            sibling_pairs(videos, self._seed, self._tuning.max_pairs) for videos in (train, val)
        )
        if not pairs.pairs:
            raise DataError("no video of the training split has two different queries: dpr-ft cannot learn.")
        return pairs, make_ranking(checked)

    def _by_summaries(self, train: Sequence[Video], val: Sequence[Video]) -> tuple[Pairs, Ranking]:
        texts, limit = self._summaries, self._tuning.max_pairs
        pairs, checked = (summary_pairs(videos, texts, self._seed, limit) for videos in (train, val))
        if not pairs.pairs:
            raise DataError(
                "no video of the training split has both a query and a summary that is not empty: dpr-ft "
                "cannot learn from this generator's summaries. Use --set dpr-ft.positives=siblings."
            )
        return pairs, make_ranking(checked, [texts.get(video.video_id, "") for video in val])

    def _sides(self) -> tuple[str, ...]:
        return ("query", "document") if self._tuning.untied else ("document",)

    def _similarity(self) -> Similarity:
        """Look up how the two sides are compared. Raises UsageError when their weights disagree."""
        query, document = (self._start(role).similarity for role in (self.query, self.document))
        if query != document:
            raise UsageError(
                f"dpr.query_weights is made for the similarity '{query}' and dpr.weights for '{document}': "
                "dpr-ft trains encoders of one kind. Name two of the same."
            )
        return document

    def _start(self, role: Role) -> Weights:
        weights = super()._weights(role)
        if weights.is_native_dpr:
            raise UsageError(
                f"{role.option}={weights.name!r} is a native DPR checkpoint; dpr-ft trains encoders that "
                "sentence-transformers loads. Use it with dpr-pt, or name other weights."
            )
        return weights

    def _weights(self, role: Role) -> Weights:
        if self._folder is None:
            return self._start(role)
        side = role.name if self._tuning.untied else "document"
        return read_folder(self._folder / side, f"{self._start(role).name} tuned")

    def _signature_weights(self, role: Role) -> Weights:
        # one signature describes the models of all generators: it names the weights they started from
        return self._start(role) if self.per_generator else self._weights(role)

    def _temporary(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="qms-bench-dpr-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

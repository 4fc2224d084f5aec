"""Digests change with what they are of, and with nothing else."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.store.code_digest import MARK, code_digest, source_of
from bench.store.digests import canonical, digest, row_digest, videos_digest
from bench.types import Picture, Video
from tests.conftest import ROOT


def test_a_value_has_one_text() -> None:
    assert canonical({"b": [1, 0.1, None], "a": "ü"}) == '{"a":"ü","b":[1,0.1,null]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1]) != digest(["1"]) != digest([1.0])


def test_numbers_that_json_has_not_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


def test_half_a_surrogate_pair_has_a_digest() -> None:
    assert digest("\ud800") != digest("\ud801")


def test_all_that_a_generator_sees_of_videos_counts() -> None:
    video = Video("v", "words", np.zeros((2, 3), np.float32), ("query",))
    others = [
        replace(video, video_id="w"),
        replace(video, transcript="word"),
        replace(video, references=("queries",)),
        replace(video, frames=np.ones((2, 3), np.float32)),
        replace(video, frames=np.zeros((3, 2), np.float32)),
        replace(video, frames=np.zeros((2, 3), np.float16)),
        replace(video, pictures=(Picture(Path("1.jpg"), "0" * 64),)),
    ]
    digests = [videos_digest([video]), *(videos_digest([other]) for other in others), videos_digest([])]
    assert len({videos_digest([video, video]), *digests}) == len(others) + 3
    assert all(len(text) == 64 for text in digests)
    assert videos_digest([replace(video, frames=np.asfortranarray(video.frames))]) == digests[0]


def test_the_digest_of_a_row_is_of_its_key_and_its_value() -> None:
    assert len({row_digest(b"a", b"b"), row_digest(b"a", b"c"), row_digest(b"b", b"b")}) == 3
    assert len(row_digest(b"a", b"b")) == 16


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a package on the path in which ``entry`` uses ``used`` in every way of importing."""
    folder = tmp_path / "strangers_package"
    (folder / "inner").mkdir(parents=True)
    sources = {
        "__init__.py": "raise ImportError('nobody may import me')\n",
        "entry.py": "import json\nimport strangers_package.plain\nfrom . import sibling\n"
        "from strangers_package.inner import module\ndef later():\n    from .lazy import name\n",
        "plain.py": "import bench.text\n",
        "sibling.py": "",
        "lazy.py": "from .inner.deep import x\n",
        "inner/__init__.py": "",
        "inner/module.py": "",
        "inner/deep.py": "",
        "unused.py": "",
    }
    for name, source in sources.items():
        (folder / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def fresh(module: str = "strangers_package.entry") -> str:
    code_digest.cache_clear()
    return code_digest(module)


@pytest.mark.parametrize(
    "name",
    [
        "entry.py",
        "plain.py",
        "sibling.py",
        "lazy.py",
        "inner/module.py",
        "inner/deep.py",
        "inner/__init__.py",
    ],
)
def test_code_that_is_imported_in_any_way_counts(package: Path, name: str) -> None:
    before = fresh()
    path = package / name
    path.write_text(path.read_text() + "# changed\n")
    assert fresh() != before


def test_code_that_is_not_imported_does_not_count(package: Path) -> None:
    before = fresh()
    (package / "unused.py").write_text("changed = True\n")
    assert fresh() == before


def test_nothing_is_imported(package: Path) -> None:
    fresh()
    assert not [name for name in sys.modules if name.startswith("strangers_package")]


def test_a_module_that_is_not_there_has_no_source(package: Path) -> None:
    assert source_of("strangers_package.nowhere") is None
    assert source_of("no_such_package_at_all.module") is None
    assert source_of("sys") is None
    assert source_of("strangers_package.inner.deep") == package / "inner" / "deep.py"


def test_our_own_modules_are_followed_from_a_strangers(package: Path) -> None:
    (package / "plain.py").write_text("")
    without = fresh()
    (package / "plain.py").write_text("import bench.text\n")
    with_text = fresh()
    (package / "plain.py").write_text("import bench.types\n")
    assert len({without, with_text, fresh()}) == 3


def test_modules_that_carry_values_do_not_count(package: Path) -> None:
    before = fresh()
    (package / "options.py").write_text("__cache_neutral__ = True\nx = 1\n")
    (package / "plain.py").write_text(
        "import bench.text\nfrom . import options\nimport bench.store.artefacts\n"
    )
    carried = fresh()
    assert carried != before  # plain.py itself changed
    (package / "options.py").write_text("__cache_neutral__ = True\nx = 2\n")
    assert fresh() == carried
    (package / "options.py").write_text("__cache_neutral__ = False\nx = 2\n")
    assert fresh() != carried


NEUTRAL = {
    "bench/export/collections.py",
    "bench/export/exporter.py",
    "bench/export/results.py",
    "bench/export/run_files.py",
    "bench/importers/captions.py",
    "bench/importers/cbvs.py",
    "bench/importers/corpora.py",
    "bench/importers/features.py",
    "bench/importers/files.py",
    "bench/importers/imported.py",
    "bench/importers/importer.py",
    "bench/importers/moments.py",
    "bench/importers/msrvtt.py",
    "bench/importers/timed.py",
    "bench/importers/vatex.py",
    "bench/output/attributes.py",
    "bench/report/glossary.py",
    "generators/zero_shot/options.py",
    "bench/prepare/click_log.py",
    "bench/prepare/files.py",
    "bench/prepare/judgements.py",
    "bench/prepare/media/subtitles.py",
    "bench/prepare/options.py",
    "bench/harness/demo.py",
    "bench/harness/determinism.py",
    "bench/summary/markdown.py",
    "bench/summary/run_summary.py",
    "bench/summary/sentences.py",
    "bench/summary/terminal.py",
    "bench/systems/advice.py",
    "bench/systems/extras.py",
    "bench/training_steps.py",
    "bench/__init__.py",
    "bench/context.py",
    "bench/data/options.py",
    "bench/data/synthetic/options.py",
    "bench/errors.py",
    "bench/harness/options.py",
    "bench/harness/stages/stage.py",
    "bench/options.py",
    "bench/scaffold/package.py",
    "bench/store/csv_files.py",
    "bench/store/artefacts.py",
    "bench/store/code_digest.py",
    "bench/store/digests.py",
    "bench/store/files.py",
    "bench/store/json_files.py",
    "bench/store/remote.py",
    "generators/bart/options.py",
    "generators/neural/options.py",
    "generators/options.py",
    "generators/qms/options.py",
    "retrievers/options.py",
}
"""Modules of this project that may change without making cached artefacts anew."""


def test_only_modules_that_compute_no_result_are_left_out_of_keys() -> None:
    sources = [path for name in ("bench", "generators", "retrievers") for path in (ROOT / name).rglob("*.py")]
    marked = [path for path in sources if re.search(rf"^{MARK}\b", path.read_text(encoding="utf-8"), re.M)]
    assert {str(path.relative_to(ROOT)) for path in marked} == NEUTRAL

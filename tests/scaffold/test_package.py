"""``bench new`` writes packages that work; ``examples/`` holds one of each, and they stay what it writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.prepare.media.encoders import encode, identify_encoder, make_encoder
from bench.scaffold.package import GROUPS, start_package
from bench.systems import registry
from tests.conftest import ROOT, Cli
from tests.tiny import Tiny

Install = Callable[[Path], None]


def contents(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix in (".py", ".toml"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a package for the length of a test, as pip would, without a build."""

    def add(source: Path) -> None:
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        site = tmp_path / "site" / source.name
        shutil.copytree(source, site, ignore=shutil.ignore_patterns("__pycache__"))
        info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(header, encoding="utf-8")
        points = [
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
            for group, named in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
        monkeypatch.syspath_prepend(site)
        forget()

    def forget() -> None:
        for known in (registry.entry_points, registry.entries, registry.rivals):
            known.cache_clear()

    yield add
    forget()


@pytest.mark.parametrize("kind", GROUPS)
def test_the_examples_are_what_the_command_writes(kind: str, cli: Cli, tmp_path: Path) -> None:
    done = cli("new", kind, f"my-{kind}", "--out", tmp_path / "new")
    assert done.status == 0, done.err
    assert "pip install -e" in done.out
    assert contents(tmp_path / "new") == contents(ROOT / "examples" / kind)


def test_the_examples_pass_their_own_tests(tmp_path: Path) -> None:
    for kind in GROUPS:
        shutil.copytree(ROOT / "examples" / kind, tmp_path / kind)
    paths = os.pathsep.join([str(ROOT), *(str(tmp_path / kind) for kind in GROUPS)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(GROUPS)} passed" in done.stdout


def test_they_run_together_by_name(install: Install, tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    for kind in GROUPS:
        install(ROOT / "examples" / kind)
    systems = ("--generators", "my-generator", "--retrievers", "my-retriever", "--out", tmp_path / "out")
    done = cli("run", "--data", "my-dataset", *systems)
    assert done.status == 0, done.err
    assert "My retriever" in done.out
    run = tmp_path / "out" / "runs" / "my-generator.my-retriever.trec"
    qrels = ("--qrels", tmp_path / "out" / "qrels.trec", "--format", "csv")
    scored = cli("evaluate", *qrels, "--run", run, "--metrics", "my-metric@10,R@10")
    assert scored.status == 0, scored.err
    header, row = scored.out.splitlines()[:2]
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert values["my-metric@10"] == values["R@10"]  # all relevance is 1
    assert "[my-metric (my_metric.metric:my_metric)]" in cli("list", "metrics").out
    encoder = make_encoder("my-encoder", None)
    assert encode(encoder, np.zeros((2, 9, 16, 3), np.uint8)).shape == (2, encoder.dim)
    assert identify_encoder("my-encoder", encoder)["encoder"] == "my_encoder.encoder:MyEncoder"
    assert "  my-encoder " in cli("list", "encoders").out


def test_names_that_cannot_be_are_refused(cli: Cli, tmp_path: Path) -> None:
    names = ("My_Row", "class", "none", "tests", "video", "json", "bench")
    for kind, name in (*(("generator", name) for name in names), ("metric", "sum")):
        refused = cli("new", kind, name, "--out", tmp_path / "x")
        assert (refused.status, "cannot be a name" in refused.error()) == (2, True), name
    taken = cli("new", "generator", "lead", "--out", tmp_path / "x")
    assert (taken.status, "is taken" in taken.error()) == (2, True)
    full = cli("new", "generator", "never-imported", "--out", tmp_path.parent)
    assert (full.status, "not an empty folder" in full.error()) == (2, True)
    assert not list(tmp_path.iterdir())


def rename(source: Path, name: str) -> None:
    """Give a package another name, so that it is another package that claims the same."""
    path = source / "pyproject.toml"
    text = path.read_text(encoding="utf-8").replace('name = "twice"', f'name = "{name}"', 1)
    path.write_text(text, encoding="utf-8")


def test_two_packages_that_claim_one_name_are_named_and_stop_nobody(
    install: Install, tiny: Tiny, cli: Cli, tmp_path: Path
) -> None:
    for package in ("first-package", "second-package"):
        start_package("generator", "twice", tmp_path / package)
        rename(tmp_path / package, package)
    for package in ("first-package", "second-package"):
        install(tmp_path / package)
    options = ("--data", tiny.folder, "--retrievers", "bm25", "--out", tmp_path / "out")
    both = cli("run", *options, "--generators", "twice,lead")
    assert both.status == 4
    for package in ("first-package", "second-package"):
        assert f"{package} (twice.generator:Twice)" in both.err
    assert "| Lead |" in both.out
    assert cli("run", *options, "--generators", "lead").status == 0
    listed = next(
        line for line in cli("list", "generators").out.splitlines() if line.split()[:1] == ["twice"]
    )
    assert "claimed by" in listed


def test_a_package_that_claims_a_built_in_name_is_listed_and_ignored(
    install: Install, cli: Cli, tmp_path: Path
) -> None:
    start_package("generator", "other", tmp_path / "other")
    path = tmp_path / "other" / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("\nother =", "\nlead ="), encoding="utf-8")
    install(tmp_path / "other")
    [line] = [line for line in cli("list", "generators").out.splitlines() if line.split()[:1] == ["lead"]]
    assert "other (other.generator:Other) claims this name, too" in line
    assert registry.load("generators", "lead").__module__ == "generators.lead"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return float('nan')", "measure 'broken' returned nan"),
        ("return None", "measure 'broken' failed: TypeError"),
        ("raise KeyError('no')", "measure 'broken' failed: KeyError"),
    ],
)
def test_a_measure_that_returns_nonsense_is_named(
    body: str, message: str, install: Install, cli: Cli, tmp_path: Path
) -> None:
    for name in ("broken", "broken.metric"):  # of the case before
        sys.modules.pop(name, None)
    start_package("metric", "broken", tmp_path / "broken")
    path = tmp_path / "broken" / "broken" / "metric.py"
    path.write_text(f"def broken(gains, ideal, k):\n    {body}\n", encoding="utf-8")
    install(tmp_path / "broken")
    (tmp_path / "q.trec").write_text("q 0 d 1\n", encoding="utf-8")
    (tmp_path / "r.trec").write_text("q Q0 d 1 1.0 r\n", encoding="utf-8")
    files = ("--qrels", tmp_path / "q.trec", "--run", tmp_path / "r.trec")
    done = cli("evaluate", *files, "--metrics", "broken")
    assert message in done.error()
    assert cli("evaluate", *files, "--metrics", "R@1").status == 0

"""Imports flow one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

OURS = ("bench", "generators", "retrievers")
OPEN_TO_SYSTEMS = {
    f"bench.{name}"
    for name in (
        "types",
        "metrics.cider",
        "exchange",
        "neural",
        "protocols",
        "errors",
        "text",
        "options",
        "context",
        "store",
        "weights",
        "training_steps",
        "systems.ensemble",  # how a retriever made of others gets them without naming a sibling
    )
}
HEAVY = {
    "torch", "transformers", "sentence_transformers", "faiss", "jnius", "jnius_config", "pandas", "scipy",
    "statsmodels", "pycocoevalcap", "pyserini", "jieba", "accelerate", "tokenizers", "jinja2", "psutil",
    "ray",
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports anywhere in it, with the names taken from packages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package: str) -> list[Path]:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths
    return paths


def of(package: str, path: Path) -> set[str]:
    return {name for name in imports(path) if name.partition(".")[0] == package}


def test_bench_names_no_generator_and_no_retriever() -> None:
    for path in modules("bench"):
        assert not of("generators", path) | of("retrievers", path), path


@pytest.mark.parametrize("package", ["generators", "retrievers"])
def test_systems_import_from_bench_only_what_is_open_to_them(package: str) -> None:
    other = {"generators": "retrievers", "retrievers": "generators"}[package]
    for path in modules(package):
        assert not of(other, path), path
        for name in of("bench", path):
            assert any(name == allowed or name.startswith(f"{allowed}.") for allowed in OPEN_TO_SYSTEMS), (
                path,
                name,
            )


def test_nothing_imports_the_tests() -> None:
    for package in OURS:
        for path in modules(package):
            assert not of("tests", path), path


SCRIPT = """
import json, sys
from bench.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["--version"],
        ["list"],
        ["list", "options"],
        ["run", "--generators", "nobody"],
    ],
    ids=" ".join,
)
def test_asking_loads_nothing_heavy(
    arguments: list[str], process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = process("-c", SCRIPT.format(arguments=arguments))
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & HEAVY
    if arguments[-1] == "--help":
        assert not loaded & {"numpy", "pydantic", "yaml"}
    assert "bench" in loaded


def test_importing_bench_loads_nothing_heavy(
    process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = process(
        "-c", "import bench, sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    assert not set(json.loads(done.stdout)) & (HEAVY | {"numpy", "yaml", "pydantic"})


def test_systems_options_and_groups_are_light(
    process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "from importlib.metadata import entry_points as e; import sys, json\n"
        "for g in ('options', 'generators', 'retrievers', 'generator_groups', 'retriever_groups'):\n"
        "    [p.load() for p in e(group='bench.' + g)]\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = process("-c", code)
    assert not set(json.loads(done.stdout)) & HEAVY

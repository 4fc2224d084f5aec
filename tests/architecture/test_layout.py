"""The layout that docs/architecture.md describes: layers, sizes of packages, what documents say of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOP = ("bench", "generators", "retrievers")
LIMIT = 13
"""Modules in a package, ``__init__.py`` among them."""
FORWARDING = {ROOT / "bench" / "__init__.py", ROOT / "bench" / "store" / "__init__.py"}
"""The public names, and the old address of Store for one release."""


def packages() -> list[Path]:
    """Return the folder of every package, parents first."""
    return sorted(path.parent for top in TOP for path in (ROOT / top).rglob("__init__.py"))


def dotted(folder: Path) -> str:
    return ".".join(folder.relative_to(ROOT).parts)


def purpose(folder: Path) -> str:
    """Return the first line of a package's docstring."""
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def test_imports_point_downwards() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", packages(), ids=dotted)
def test_a_package_is_small_and_says_what_it_is_for(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= LIMIT
    assert purpose(folder).endswith(".")
    if folder / "__init__.py" not in FORWARDING:
        body = ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body
        assert [type(node) for node in body] == [ast.Expr], "an __init__.py is one docstring: no re-exports"


def test_the_build_takes_every_package() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert set(build["packages"]) == {*map(dotted, packages()), "bench.paper.data"}


def test_the_tree_in_the_readme_is_the_real_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [line for line in map(tree_line, packages()) if line not in readme.splitlines()]
    assert not missing, "README.md, code layout, lacks:\n" + "\n".join(missing)


def tree_line(folder: Path) -> str:
    """Return the line of a package in the README: its path and its purpose."""
    return f"{'/'.join(folder.relative_to(ROOT).parts) + '/':<28} {purpose(folder)}"


def test_documents_name_only_files_that_exist() -> None:
    named = re.compile(r"`((?:bench|generators|retrievers|tests|results|docs|benchmarks)/[\w./-]+)`")
    for document in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        for path in named.findall((ROOT / document).read_text(encoding="utf-8")):
            # results/runs is made by users
            assert path.startswith("results/runs") or (ROOT / path).exists(), f"{document}: {path}"

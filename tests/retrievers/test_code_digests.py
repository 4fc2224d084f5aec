"""The modules whose code enters the key of a cache, named by strings, exist."""

from __future__ import annotations

import ast
from pathlib import Path

import retrievers
from bench.store.code_digest import source_of


def named_modules() -> list[str]:
    names = []
    for path in Path(retrievers.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "code_digest":
                names += [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
    return names


def test_every_module_that_is_named_for_its_digest_has_a_source() -> None:
    names = named_modules()
    assert names
    assert [name for name in names if source_of(name) is None] == []

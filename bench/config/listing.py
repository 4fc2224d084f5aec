"""What ``bench list options`` prints of each option: values, default, meaning, source."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_type_hints

from bench.options import Section, describe_type, format_value


@dataclass(frozen=True)
class OptionInfo:
    """One option that ``--set`` can reach."""

    key: str
    allowed: str
    default: str
    meaning: str


def list_options(sections: Mapping[str, type[Section]]) -> Iterator[OptionInfo]:
    """Yield what is known about each option of the sections; nothing is imported that they do not import."""
    for name, kind in sections.items():
        meanings = field_docs(kind)
        hints = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            default = format_value(field.default) or "empty"
            meaning = meanings.get(field.name, "")
            yield OptionInfo(f"{name}.{field.name}", describe_type(hints[field.name]), default, meaning)


def field_docs(kind: type) -> dict[str, str]:
    """Read the text after each field of a dataclass, which describes the option; {} without its source.

    Fields that it inherits are described where they are declared.
    """
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        docs |= _own_field_docs(base)
    return docs


def _own_field_docs(kind: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, SyntaxError, TypeError):
        return {}
    docs: dict[str, str] = {}
    assert isinstance(tree.body[0], ast.ClassDef)
    for field, following in itertools.pairwise(tree.body[0].body):
        if isinstance(field, ast.AnnAssign) and isinstance(following, ast.Expr):
            assert isinstance(field.target, ast.Name)
            assert isinstance(following.value, ast.Constant)
            docs[field.target.id] = " ".join(str(following.value.value).replace("``", "").split())
    return docs

"""A YAML loader for options: the safe one without what silently changes or multiplies values."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml


class OptionsLoader(yaml.SafeLoader):
    """Load plain YAML; refuse a key given twice and aliases; dates, octal and sexagesimal numbers stay text.

    PyYAML takes the last of two equal keys without a word, and nested aliases make a few hundred bytes
    stand for gigabytes. Raises yaml.YAMLError with the line.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse an alias before it is followed."""
        if self.check_event(yaml.AliasEvent):
            loader: Any = self
            mark = loader.peek_event().start_mark
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are not supported; write the value", mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that the mapping already has."""
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if key is not None and key in lines:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {key[:80]!r} is given twice (first in line {lines[key]})",
                    key_node.start_mark,
                )
            lines[key] = line
        return super().construct_mapping(node, deep=deep)


_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_OTHERS = (_INT, _FLOAT, "tag:yaml.org,2002:timestamp")
OptionsLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHERS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# numbers as YAML 1.2 has them: to PyYAML 1:30 is 90, and 010 is 8
OptionsLoader.add_implicit_resolver(_INT, re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
OptionsLoader.add_implicit_resolver(
    _FLOAT,
    re.compile(
        r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
    list("-+.0123456789"),
)

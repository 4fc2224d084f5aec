"""What the constructor of a plug-in takes: its context, and what ``--set NAME.key=value`` gives it."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from bench.context import Context
from bench.errors import UsageError
from bench.options import Allowed, Arguments, Section, describe_type, plain_number, split_list
from bench.systems.given import is_given, load_given
from bench.systems.registry import cell_name, entries, is_plug_in, load

Factory: TypeAlias = Callable[..., Any]
_SCALARS = (bool, int, float, str, Path)
_ITEMS = {bool: "true or false", int: "whole numbers", float: "numbers", str: "texts"}
"""What a list may hold, in words."""


@dataclasses.dataclass(frozen=True)
class _Signature:
    """The parameter that takes the context, and those that are arguments, with their types."""

    context: str | None
    arguments: Mapping[str, tuple[Any, inspect.Parameter]]
    not_settable: Sequence[str] = ()
    """Required parameters of which no text can be a value."""

    @property
    def required(self) -> list[str]:
        return [name for name, (_, one) in self.arguments.items() if one.default is one.empty]


def argument_sections(
    keys: Iterable[str], known: Mapping[str, type[Section]], words: Mapping[str, Sequence[str]]
) -> dict[str, type[Arguments]]:
    """Build a section for each plug-in without one whose arguments are set, of ``{group: words of a run}``.

    Plug-ins are imported only here: where a key begins with their name. Raises BenchError where one has no
    such arguments, with those that it has.
    """
    wanted: dict[str, list[str]] = {}
    for key in keys:
        name, _, argument = key.partition(".")
        if name not in known:
            wanted.setdefault(name, []).append(argument)
    sections: dict[str, type[Arguments]] = {}
    for group in words if wanted else ():
        plug_ins = [name for name, point in entries(group).items() if is_plug_in(point)]
        for word in dict.fromkeys([*filter(is_given, words[group]), *plug_ins]):
            if (name := cell_name(word)) in wanted and name not in sections:
                sections[name] = _section(group, word, wanted[name])
    return sections


def build(factory: Factory, context: Context, name: str) -> Any:
    """Call a factory with the context if it takes one, and with the arguments that are set for its name.

    Raises UsageError where one is missing.
    """
    signature = _read_signature(factory)
    if signature.not_settable:
        raise UsageError(
            f"'{name}' is built with {', '.join(signature.not_settable)}, which --set cannot give: it gives "
            "numbers, texts, paths and lists of them by name. Add a default, or pass an object to bench.run."
        )
    values = {
        key: list(value) if isinstance(signature.arguments[key][1].default, list) else value
        for key, value in context.arguments(name).items()
        if key not in signature.required or value is not None
    }
    if missing := [key for key in signature.required if key not in values]:
        needed = " ".join(f"--set {name}.{key}=VALUE" for key in missing)
        raise UsageError(f"'{name}' is built with {_describe(signature)}; give it {needed}.")
    if signature.context is None:
        context.use_everything()  # it does not say what it depends on
        return factory(**values)
    if signature.context:
        return factory(**{signature.context: context}, **values)
    return factory(context, **values)


def _section(group: str, word: str, keys: Sequence[str]) -> type[Arguments]:
    """Make the section of a system from the parameters of its constructor."""
    name = cell_name(word)
    given = load_given(group, word) if is_given(word) else None
    if given is not None and given.is_object:
        raise UsageError(f"--set {name}.{keys[0]}: '{name}' is an object; construct it with the argument.")
    signature = _read_signature(given.value if given else load(group, word))
    for key in keys:
        if key not in signature.arguments:
            raise UsageError(
                f"--set {name}.{key}: '{name}' has no argument that is called so and can be set; it takes "
                f"{_describe(signature)}."
            )
    fields: list[Any] = []
    for key, (hint, one) in signature.arguments.items():
        needed = one.default is one.empty
        hint = _with_lists(hint)
        default = tuple(one.default) if isinstance(one.default, list) else one.default  # fields share it
        fields.append((key, hint | None if needed else hint, None if needed else default))
    made: Any = dataclasses.make_dataclass(
        name, fields, bases=(Arguments,), frozen=True, kw_only=True, namespace={"section": name}
    )
    section: type[Arguments] = made
    return section


def _read_signature(factory: Factory) -> _Signature:
    """Read the parameters; the context is called so or is annotated so. Without a type, they are texts."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return _Signature(None, {})
    hints = _hints(factory)
    arguments: dict[str, tuple[Any, inspect.Parameter]] = {}
    context: str | None = None
    not_settable: list[str] = []
    for one in parameters:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        hint = hints.get(one.name, _type_of_default(one.default))
        if one.name == "context" or hint is Context:
            context = "" if one.kind is one.POSITIONAL_ONLY else one.name
        elif one.kind is not one.POSITIONAL_ONLY and _is_settable(hint) and _is_plain(one.default):
            arguments[one.name] = (hint, one)
        elif one.default is one.empty:
            not_settable.append(one.name)
    return _Signature(context, arguments, not_settable)


def _hints(factory: Factory) -> Mapping[str, Any]:
    try:
        constructor = vars(factory).get("__init__", factory) if isinstance(factory, type) else factory
        return get_type_hints(constructor, include_extras=True)
    except Exception:  # an annotation that cannot be evaluated is no reason not to build
        return {}


def _type_of_default(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return str
    if isinstance(default, (list, tuple)):
        kinds = {type(item) for item in default} or {str}
        kind: Any = kinds.pop() if len(kinds) == 1 else object
        return list[kind] if isinstance(default, list) else tuple[kind, ...]
    return type(default) if isinstance(default, _SCALARS) else (str | None if default is None else object)


def _is_plain(default: Any) -> bool:
    """Check whether a default can be written to a manifest; a parameter without one can, too."""
    if isinstance(default, (list, tuple)):
        return all(type(item) in _ITEMS for item in default)
    return default is inspect.Parameter.empty or isinstance(default, (*_SCALARS, type(None)))


def _is_settable(hint: Any) -> bool:
    """Check whether a text can be read as a value of a type."""
    if get_origin(hint) is Annotated:
        return _is_settable(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return all(kind is type(None) or _is_settable(kind) for kind in get_args(hint))
    return get_origin(hint) is Literal or hint in _SCALARS or _item_of(hint) is not None


def _item_of(hint: Any) -> Any:
    """Look up what a list holds, of a type of lists of numbers or texts; None of another type."""
    if hint in (list, tuple, Sequence):
        return str
    items = get_args(hint)
    is_list = get_origin(hint) in (list, Sequence) or (get_origin(hint) is tuple and items[1:] == (...,))
    return items[0] if is_list and items[0] in _ITEMS else None


def _with_lists(hint: Any) -> Any:
    """Let a type of lists take comma-separated text."""
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(map(_with_lists, get_args(hint)))]  # noqa: UP007 - made of a list of types
    if (item := _item_of(hint)) is None:
        return hint
    from pydantic import BeforeValidator

    read = BeforeValidator(partial(_read_items, item))
    kind = {list: list[str], tuple: tuple[str, ...], Sequence: Sequence[str]}.get(hint, hint)
    return Annotated[kind, Allowed(_describe_argument(hint)), read]


def _read_items(item: type, value: Any) -> Any:
    """Split a text; raises ValueError for digits that no option takes."""
    items = split_list(value) if isinstance(value, str) else value
    return [plain_number(one) if item in (int, float) else one for one in items]


def _describe_argument(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(_describe_argument, get_args(hint)))
    item = _item_of(hint)
    return f"{_ITEMS[item]}, comma-separated" if item else describe_type(hint)


def _describe(signature: _Signature) -> str:
    texts = [f"{name} ({_describe_argument(hint)})" for name, (hint, _) in signature.arguments.items()]
    return ", ".join(texts) or "no arguments that can be set"

"""An option of a run: a field of `RunConfig` that also knows its flag, its help and what users may pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_type_hints, overload

from bench.options import describe_type, format_value, parse_value

Given_contra = TypeVar("Given_contra", contravariant=True)
Value = TypeVar("Value")
Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


class Option(Generic[Given_contra, Value]):
    """One option of a run, as the field ``name: Option[Given, Value] = Option(...)`` of a dataclass.

    The dataclass accepts a ``Given`` and holds the checked ``Value``; type checkers see both. ``read``
    turns what is given into what the value's annotation describes; ``recorded`` options repeat a run,
    the others say where and how it is made. Without a metavar, the option is a switch.
    """

    def __init__(
        self,
        default: Value,
        metavar: str = "",
        *,
        help: str,
        default_text: str = "",
        read: Callable[[Any], Any] | None = None,
        recorded: bool = True,
    ) -> None:
        self.default, self.metavar, self.read, self.recorded = default, metavar, read, recorded
        self._help, self._default_text = help, default_text

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self._owner = name, owner

    @overload
    def __get__(self, instance: None, owner: type) -> Value: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Value:
        if instance is None:  # here dataclasses read the default
            return self.default
        value: Value = vars(instance)[self.name]
        return value

    def __set__(self, instance: object, value: Given_contra) -> None:
        vars(instance)[self.name] = value if value is self.default else self._check(value)

    def _check(self, value: Any) -> Any:
        _, hint = self.annotations
        return parse_value(self.name, value, hint, self.read)

    @property
    def annotations(self) -> tuple[Any, Any]:
        """The types of what may be given and of what is held."""
        given, value = get_args(_hints(self._owner)[self.name])
        return given, value

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return f"--{self.name.replace('_', '-')}"

    def describe(self, help: str = "") -> str:
        """Write the help text of a flag: meaning, choices, default; ``help`` replaces the meaning."""
        _, hint = self.annotations
        words = describe_type(hint)
        choices = f": {words.removeprefix('one of ')}" if words.startswith("one of ") else ""
        default = self._default_text or _default_text(self.default)
        return f"{help or self._help}{choices}{f' (default: {default})' if default and not help else ''}"


@cache
def _hints(owner: type) -> Mapping[str, Any]:
    return get_type_hints(owner, include_extras=True)


def options_of(config: type) -> Mapping[str, Option[Any, Any]]:
    """Collect the options that a dataclass declares, by name, in the order of its fields."""
    return {name: value for name, value in vars(config).items() if isinstance(value, Option)}


def keywords_of(
    config: Callable[Parameters, Any],
) -> Callable[[Callable[..., Returned]], Callable[Parameters, Returned]]:
    """Show the keywords of a dataclass as those of a function of ``**options``, in signature and help."""

    def decorate(function: Callable[..., Returned]) -> Callable[Parameters, Returned]:
        assert isinstance(config, type)
        options = options_of(config).values()
        parameters = [
            inspect.Parameter(
                option.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=option.annotations[0],
            )
            for option in options
        ]
        signature = inspect.signature(function)
        function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        lines = "\n".join(f"    {option.name}: {option.describe()}" for option in options)
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nKeywords:\n{lines}\n"
        return function

    return decorate


def _default_text(value: Any) -> str:
    if value is None or value is False:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else format_value(value)

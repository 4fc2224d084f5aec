"""What the author of a plug-in reads where it lacks something, or returns something else: what to write."""

from __future__ import annotations

import json
import numbers
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from bench.errors import BenchError, MissingError, shorten, third_party_errors
from bench.protocols import Generator, Retriever
from bench.types import Json

__cache_neutral__ = True

T = TypeVar("T")

_LARGEST = 2**63 - 1
"""Limit of counts that a plug-in reports: what other readers of JSON can hold."""

_LINES = {
    "label": '    label = "{kind}"  # its name in the tables',
    "summarize": (
        "    def summarize(self, videos):  # the text that is searched, for each video\n"
        "        return {{video.video_id: video.transcript[:80] for video in videos}}"
    ),
    "index": ("    def index(self, summaries):  # {{video id: text}}\n        self.summaries = summaries"),
    "search": (
        "    def search(self, queries, k):  # {{query id: text}}\n"
        "        hits = {{query: [(video, 1.0) for video in self.summaries] for query in queries}}\n"
        "        return bench.Run.from_hits(hits, tuple(self.summaries), k)"
    ),
}
"""What to write for each member that a generator or a retriever must have."""


def missing_methods(kind: str, name: str, system: object, protocol: type) -> MissingError:
    """Name what a system lacks of its protocol, and show the lines to write."""
    needed = [member for member in _LINES if member in {*dir(protocol), *protocol.__annotations__}]
    missing = [member for member in needed if not hasattr(system, member)]
    names = " and ".join("label" if member == "label" else f"{member}()" for member in missing)
    lines = "\n".join(_LINES[member].format(kind=type(system).__name__) for member in missing)
    return MissingError(
        f"{kind} '{name}': {type(system).__qualname__} lacks {names} of bench.{protocol.__name__}. "
        f"Add to the class:\n{lines}"
    )


def check_label(kind: str, name: str, system: Generator | Retriever) -> None:
    """Refuse a label that no table can hold, before anything is made. Raises MissingError."""
    label: object = system.label
    is_text = isinstance(label, str) and label.strip() and not re.search("[\ud800-\udfff]", label)
    if not is_text or len(str(label).splitlines()) > 1:
        raise MissingError(
            f"{kind} '{name}': its label is {shorten(label)}; a name for the tables is needed, in one line, "
            "as 'Lead'."
        )


def ask(name: str, system: object, method: str, take: Callable[[Any], T], expected: str) -> T:
    """Call a method that describes a system, and take what it returned, checked.

    Otherwise it would be noticed only where all systems are written to one file, and spoil it. Raises
    BenchError naming the system, the method and what it must return.
    """
    with third_party_errors(f"'{name}': {method}() failed"):
        returned = getattr(system, method)()
    try:
        return take(returned)
    except (TypeError, ValueError) as error:
        raise BenchError(
            f"'{name}': {method}() returned {shorten(returned)}; it must return {expected}."
        ) from error


def take_count(value: object) -> int:
    """Take a whole number from 0, also one of NumPy. Raises TypeError, ValueError."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError("no whole number")
    count = int(value)
    if not 0 <= count <= _LARGEST:
        raise ValueError("out of range")
    return count


def _take_whole(value: object) -> int:
    if not isinstance(value, numbers.Integral):
        raise TypeError("nothing that JSON can hold")
    return int(value)


def take_counts(value: object) -> dict[str, int]:
    """Take whole numbers by name. Raises TypeError, ValueError."""
    return {_take_text(key): take_count(count) for key, count in _take_mapping(value).items()}


def take_texts(value: object) -> list[str]:
    """Take a list of texts; a text alone is none, though its letters could be listed. Raises TypeError."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError("no list")
    return [_take_text(one) for one in value]


def take_settings(value: object) -> dict[str, str]:
    """Take texts by name. Raises TypeError, ValueError."""
    return {_take_text(key): _take_text(text) for key, text in _take_mapping(value).items()}


def take_json(value: object) -> dict[str, Json]:
    """Take values that JSON can hold by name, NumPy's whole numbers too. Raises TypeError, ValueError."""
    text = json.dumps(dict(_take_mapping(value)), default=_take_whole, allow_nan=False)
    taken: dict[str, Json] = json.loads(text)
    return taken


def _take_mapping(value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("no mapping")
    return value


def _take_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    value.encode()  # half of a surrogate pair is in no file
    return str(value)


@cache
def report_no_identity(name: str, kind: str) -> None:
    """Report once that what a plug-in makes is reused by no other process, and what to write."""
    print(
        f"bench: '{name}': {kind} has no identity(): nothing that it makes is reused by another process, "
        "because a file that it reads may have changed. Add\n"
        "    def identity(self):\n"
        "        return {}  # the digest of each file that decides the output\n"
        "(bench.protocols.Identified).",
        file=sys.stderr,
    )


@cache
def report_no_source(name: str, kind: str) -> None:
    """Report once that the code of a system is in no file, so that what it makes is not reused."""
    print(
        f"bench: '{name}': the code of {kind} is in no file (a notebook?), so that a change of it cannot be "
        "noticed: nothing that it makes is reused. Put it into a file and name it: file.py:Class.",
        file=sys.stderr,
    )

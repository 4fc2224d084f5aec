"""What the author of a plug-in reads where it lacks something: the lines to write."""

from __future__ import annotations

import re
import sys
from functools import cache

from bench.errors import MissingError, shorten
from bench.protocols import Generator, Retriever

__cache_neutral__ = True

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
    if not is_text:
        raise MissingError(
            f"{kind} '{name}': its label is {shorten(label)}; a name for the tables is needed, as 'Lead'."
        )


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

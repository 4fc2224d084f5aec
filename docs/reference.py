"""The pages of the documentation that are generated from the code: command line, options, Python."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import bench
from bench.cli.main import build_parser
from bench.config.listing import list_options
from bench.systems.registry import option_sections

_WIDTH = "100"
"""Columns of help texts, whatever the terminal of the build."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages; MkDocs calls this hook."""
    pages = {"cli": write_command_line(), "options": write_options(), "api": write_api()}
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def write_command_line() -> str:
    """Write each verb with its help text."""
    os.environ["COLUMNS"] = _WIDTH
    parts = ["# Command line\n\nMade from `bench VERB --help`."]
    parts += [
        f"## {parser.prog}\n\n```text\n{parser.format_help().strip()}\n```"
        for parser in _verbs(build_parser())
    ]
    return "\n\n".join(parts) + "\n"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Go through a parser's verbs, and through the actions of verbs that have some."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb
                yield from _verbs(verb)


def write_options() -> str:
    """Write a table of all options that ``--set`` and ``--config`` take."""
    lines = [
        "# Options",
        "",
        "What `--set KEY=VALUE` and the keys of a `--config` file reach (as `bench list options`).",
        "",
        "| key | values | default | meaning |",
        "|---|---|---|---|",
    ]
    for option in list_options(option_sections()):
        cells = (f"`{option.key}`", option.allowed, f"`{option.default}`", option.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write_api() -> str:
    """Write an entry for each public name of the package, filled from its docstring."""
    entries = [f"::: bench.{name}" for name in sorted(bench.__all__) if name != "run"]
    return "\n\n".join(["# Python", "::: bench.run", *entries]) + "\n"

"""``bench list``: everything that can be named."""

from __future__ import annotations

import argparse

from bench.cli.common import Verbs, add_verb

KINDS = ("generators", "retrievers", "datasets", "presets", "metrics", "claims")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "list",
        what="List what can be named, plug-ins too, and where each comes from.",
        example="bench list generators",
        run=_run,
    )
    parser.add_argument(
        "kind", nargs="?", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}; all"
    )


def _run(chosen: argparse.Namespace) -> int:
    for kind in [chosen.kind] if chosen.kind else KINDS:
        rows = _rows(kind)
        width = max((len(name) for name, _ in rows), default=0)
        print(f"{kind}:")
        for name, text in rows:
            print(f"  {name:<{width}}  {text}".rstrip())
    return 0


def _rows(kind: str) -> list[tuple[str, str]]:
    if kind == "presets":
        from bench.config.run_config import preset_names, preset_text

        return [(name, preset_text(name).partition("\n")[0].lstrip("# ")) for name in preset_names()]
    if kind == "claims":
        from bench.paper.published import claims

        return [(claim.id, f"{claim.statement}  [{claim.section}]") for claim in claims()]
    if kind == "metrics":
        from bench.metrics.names import METRICS

        return list(METRICS.items())
    from bench.systems.registry import entries, listing

    rows = [(line.name, f"{line.summary}  [{line.source}]") for line in listing(kind)]
    groups = entries(f"{kind.rstrip('s')}_groups")
    return rows + [(name, _group(kind, name)) for name in sorted(groups)]


def _group(kind: str, name: str) -> str:
    from bench.errors import BenchError
    from bench.systems.registry import members

    try:
        return f"group: {', '.join(members(kind, name))}"
    except BenchError as error:  # listing goes on with the others
        return str(error)

"""``bench doctor``: what is on this machine, and the line that mends what is missing."""

from __future__ import annotations

import argparse

from bench.cli.common import Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    add_verb(
        verbs,
        "doctor",
        what="Check versions, Java, FAISS, GPU and weights; each problem comes with the line that mends it.",
        example="bench doctor",
        run=_run,
    )


def _run(chosen: argparse.Namespace) -> int:
    from bench.errors import MissingError
    from bench.systems.doctor import examine

    checks = examine()
    for check in checks:
        state = "ok" if check.ok else "MISSING" if check.needed else "none"
        print(f"{state:<7}  {check.name}: {check.found}")
        if check.mend:
            print(f"         mend: {check.mend}")
    return 0 if all(check.ok or not check.needed for check in checks) else MissingError.exit_status

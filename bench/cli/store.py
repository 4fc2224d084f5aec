"""``bench store``: what the store holds, whether it is undamaged, and what can be removed."""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_number, add_path, add_verb
from bench.errors import GateError, UsageError

if TYPE_CHECKING:
    from bench.store.artefacts import Store


def add(verbs: Verbs) -> None:
    """Add the verb ``store`` and its actions to the command line's parser."""
    parser = add_verb(
        verbs, "store", what="List, check and prune cached artefacts.", example="bench store list", run=_list
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (run, what, example) in _ACTIONS.items():
        action = add_verb(actions, name, what=what, example=example, run=run)
        add_path(action, "--store", "DIR", "default: $BENCH_STORE, or qms-bench in the user's cache folder")
        if name == "prune":
            add_number(action, "--older-than", "DAYS", "artefacts not used for so many days", float)
            action.add_argument("--dry-run", action="store_true", help="print what would be removed")


def _path(args: argparse.Namespace) -> int:
    from bench.store.artefacts import default_root

    print((args.store or default_root()).absolute())
    return 0


def _list(args: argparse.Namespace) -> int:
    from bench.store.maintenance import entries

    counts: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    store = _open(args)
    for entry in entries(store):
        counts[entry.kind] += 1
        sizes[entry.kind] += entry.size()
    for kind in counts:
        print(f"{kind:<16} {counts[kind]:>7,}  {_megabytes(sizes[kind]):>14}")
    print(f"{'total':<16} {sum(counts.values()):>7,}  {_megabytes(sum(sizes.values())):>14}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from bench.store.maintenance import entries, find_damaged

    store = _open(args)
    damaged = list(find_damaged(store))
    for entry, problem in damaged:
        print(f"{entry.kind}/{entry.path.name}: {problem}")
    count = sum(1 for entry in entries(store) if entry.is_artefact or entry.is_vector_cache)
    if damaged:
        raise GateError(
            f"{len(damaged)} of {count} artefacts in {store.root} are damaged (listed above). "
            "A run that needs one makes it again."
        )
    print(f"{count:,} artefacts in {store.root} are undamaged.")
    return 0


def _prune(args: argparse.Namespace) -> int:
    from bench.store.maintenance import is_used_within, prune

    days = args.older_than
    if days is not None and not days >= 0:  # nan, too
        raise UsageError(f"--older-than {days}: a number of days, 0 or more, is expected.")
    keep = is_used_within(days) if days is not None else lambda entry: True
    removed = prune(_open(args), keep, dry_run=args.dry_run)
    for entry, size in removed:
        print(f"{entry.kind}/{entry.path.name}  {_megabytes(size)}")
    total = _megabytes(sum(size for _, size in removed))
    print(f"{'would remove' if args.dry_run else 'removed'}: {len(removed):,}, {total}")
    return 0


def _open(args: argparse.Namespace) -> Store:
    from bench.store.artefacts import Store, default_root
    from bench.store.maintenance import refuse_other_folder

    root = args.store or default_root()
    refuse_other_folder(root)
    return Store(root)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


_ACTIONS = {
    "list": (_list, "List the kinds of artefacts, with counts and sizes.", "bench store list"),
    "verify": (
        _verify,
        "Check the digest of every file; exit 5 if an artefact is damaged.",
        "bench store verify",
    ),
    "prune": (
        _prune,
        "Remove what killed runs left, and artefacts that are no longer used.",
        "bench store prune --older-than 30 --dry-run",
    ),
    "path": (_path, "Print the folder of the store.", "bench store path"),
}
"""The function of each action, what it does, and its example."""

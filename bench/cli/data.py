"""``bench data``: check a data folder, describe it, make a synthetic one."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb with its actions."""
    parser = add_verb(
        verbs,
        "data",
        what="Check a data folder, print its statistics, make a synthetic one.",
        example="bench data stats demo",
        run=_validate,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_validate(actions)
    _add_stats(actions)
    _add_synth(actions)


def _add_validate(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "validate",
        what="Check a data folder against every rule; list each problem with file:line.",
        example="bench data synth --videos 60 --out tiny && bench data validate tiny",
        run=_validate,
    )
    parser.add_argument("data", metavar="NAME|DIR")
    parser.add_argument("--strict", action="store_true", help="warnings fail, too (exit 5)")
    _add_store(parser)


def _add_stats(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "stats",
        what="Print a dataset's statistics beside the paper's.",
        example="bench data stats demo",
        run=_stats,
    )
    parser.add_argument("data", metavar="NAME|DIR")
    parser.add_argument(
        "--features", metavar="NAME", help="which visual features are counted (default: the first)"
    )
    add_format(parser)
    _add_store(parser)


def _add_synth(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "synth",
        what="Make a synthetic dataset folder.",
        example="bench data synth --videos 600 --lang en --seed 1 --out synthetic-600",
        run=_synth,
    )
    parser.add_argument("--videos", type=int, default=1200, metavar="N", help="default: %(default)s")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KNOB=VALUE", help="any knob of the world, repeatable"
    )


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="DIR", help="where registered datasets are kept")


def _folder(chosen: argparse.Namespace) -> Path:
    from bench.data.registered import dataset_folder
    from bench.store.artefacts import default_root

    return dataset_folder(chosen.data, (chosen.store or default_root()) / "datasets")


def _validate(chosen: argparse.Namespace) -> int:
    from bench.data.validation import validate

    findings = validate(_folder(chosen))
    print(findings.to_text(), end="")
    findings.raise_for_status(strict=chosen.strict)
    return 0


def _stats(chosen: argparse.Namespace) -> int:
    from bench.data.reader import read_dataset
    from bench.paper.table2 import statistics_table
    from bench.tables.build import RENDERERS

    dataset = read_dataset(_folder(chosen), features=chosen.features)
    print(RENDERERS[chosen.format](statistics_table(dataset)), end="")
    return 0


def _synth(chosen: argparse.Namespace) -> int:
    from bench.data.synthetic.writer import SynthOptions, synthesize
    from bench.errors import unknown
    from bench.options import assignments, convert, field_names

    knobs = assignments(chosen.set)
    for name in knobs:
        if name not in field_names(SynthOptions):
            raise unknown("knob", name, field_names(SynthOptions))
    values = {name: convert(SynthOptions, name, value, name) for name, value in knobs.items()}
    sizes = {"videos": chosen.videos, "language": chosen.lang, "seed": chosen.seed}
    synthesize(chosen.out, SynthOptions(**{**sizes, **values}))
    print(f"a synthetic dataset is in {chosen.out}")
    return 0

"""``bench data``: check a data folder, describe it, make one: synthetic, of others' files, of raw videos."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_number, add_path, add_verb, dataset_of
from bench.options import expand_home


def add(verbs: Verbs) -> None:
    """Add the verb ``data`` with its actions to the command line's parser."""
    parser = add_verb(
        verbs,
        "data",
        what="Check a data folder, print its statistics, make one: synthetic, imported, of raw videos.",
        example="bench data stats demo",
        run=_validate,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_validate(actions)
    _add_stats(actions)
    _add_synth(actions)
    _add_import(actions)
    _add_prepare(actions)


def _add_validate(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "validate",
        what="Check a data folder; list each problem with file:line.",
        example="bench data synth --videos 60 --out tiny && bench data validate tiny",
        run=_validate,
    )
    parser.add_argument("data", metavar="NAME|DIR")
    parser.add_argument("--strict", action="store_true", help="warnings fail too (exit 5)")
    add_path(parser, "--store", "DIR", "where registered datasets are stored")


def _add_stats(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "stats",
        what="Print a dataset's statistics, with --paper beside those of the QMS paper.",
        example="bench data stats demo",
        run=_stats,
    )
    parser.add_argument("data", metavar="NAME|DIR")
    parser.add_argument(
        "--features", metavar="NAME", help="visual features that are counted (default: the first)"
    )
    parser.add_argument("--paper", action="store_true", help="beside each the paper's figure for QMV-Kwai")
    add_format(parser, aligned=True)
    add_path(parser, "--store", "DIR", "where registered datasets are stored")


def _add_synth(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "synth",
        what="Make a synthetic dataset folder.",
        example="bench data synth --videos 600 --lang en --seed 1 --out synthetic-600",
        run=_synth,
    )
    parser.add_argument("--like", choices=("demo", "qmv-kwai"), help="whose sizes (default: demo)")
    parser.add_argument("--videos", metavar="N", help="default: 1,200; like qmv-kwai, 60,096")
    parser.add_argument("--lang", choices=("en", "zh"), help="default: en; like qmv-kwai, zh")
    parser.add_argument("--seed", default=0, metavar="S", help="default: %(default)s")
    add_path(parser, "--out", "DIR", "folder that is made", required=True)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any option of the dataset, repeatable",
    )


def _add_import(actions: Verbs) -> None:
    parser = add_verb(
        actions,
        "import",
        what="Make a dataset folder of a known dataset's files, or of a table.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench export out --format beir --to beir && "
        "bench data import beir --from beir/lead --out leads",
        run=_import,
    )
    parser.add_argument("name", metavar="NAME", help="a format: bench list importers")
    add_path(parser, "--from", "PATH", "the owner's files: a folder or a file", dest="source", required=True)
    add_path(parser, "--out", "DIR", "folder that is made", required=True)
    parser.add_argument("--recipe", help="which protocol (default: the first in bench list importers)")
    add_path(parser, "--features", "PATH", "a folder of <video id>.npy, or an HDF5 file")
    add_path(parser, "--transcripts", "FILE", "JSON lines or a table with id and transcript")
    add_number(parser, "--val", "N", "turn N training videos into validation videos", int, default=0)
    parser.add_argument("--language", metavar="CODE", help="of csv, coco, beir and ir_datasets (default: en)")


def _add_prepare(actions: Verbs) -> None:
    from bench.prepare.options import PrepareOptions

    parser = add_verb(
        actions,
        "prepare",
        what="Make a dataset folder of raw videos, and of a file of queries or clicks.",
        example="bench data prepare --videos videos --queries queries.csv --out mine",
        run=_prepare,
    )
    add_path(parser, "--videos", "DIR", "folder of video files, subfolders too", required=True)
    # without either, the folder is for bench summarize
    relevance = parser.add_mutually_exclusive_group()
    relevance.add_argument(
        "--queries", metavar="FILE", type=expand_home, help="CSV or JSON lines: query, video [, relevance]"
    )
    relevance.add_argument(
        "--log", metavar="FILE", type=expand_home,
        help="click log, CSV: query, video, watch_time, duration, and user or clicks",
    )  # fmt: skip
    add_path(parser, "--out", "DIR", "folder that is made", required=True)
    for name, (metavar, text) in _PREPARE_FLAGS.items():
        default = getattr(PrepareOptions, name)
        shown = f"; default: {default:.3g}" if isinstance(default, float) else f"; default: {default}"
        text += "" if default is None else shown
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar=metavar, help=text)
    parser.add_argument("--ocr", action="store_true", help="read the text on screen, too (extra ocr)")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_path(parser, "--store", "DIR", "where finished videos are kept, to continue from")


_PREPARE_FLAGS = {
    "language": ("CODE", "language of speech and queries"),
    "encoder": ("NAME", "frame encoder: efficientnet-lite0, clip, chinese-clip, resnet50, a plug-in's"),
    "encoder_weights": ("DIR|ID", "folder or hub id of the encoder's weights"),
    "speech": ("packaged|none|DIR|ID", "Whisper model, by folder or hub id"),
    "subtitles": ("DIR", "subtitles named as the videos (.srt, .vtt, .json), in place of recognition"),
    "names": ("FILE", "CSV: file, id [, split]"),
    "split": ("SPLIT", "split of videos that --names gives none"),
    "max_frames": ("N", "frames of a video, at most, one a second"),
    "keep_frames": ("N", "pictures of a video that are kept as JPEG, for vlm and caption"),
    "max_speech_seconds": ("N", "seconds of sound that are transcribed"),
    "jobs": ("N", "videos at once, 0: as many as cores"),
    "log_users": ("N", "click log: keep pairs that more users clicked"),
    "log_watch": ("SHARE", "click log: keep pairs watched for this share in the mean"),
    "log_queries": ("N", "click log: keep videos with this many queries"),
}
"""Fields of `bench.prepare.options.PrepareOptions`: the placeholder of the value, and its purpose."""


def _validate(args: argparse.Namespace) -> int:
    from bench.data.registered import is_beir
    from bench.data.validation import validate

    findings = validate(dataset_of(args))
    if is_beir(args.data):  # rewritten in the store, whose paths say nothing
        findings = replace(findings, folder=Path(args.data))
    print(findings.to_text(), end="")
    findings.raise_for_status(strict=args.strict)
    return 0


def _stats(args: argparse.Namespace) -> int:
    from bench.choices import ALL_QUERIES, ONE_QUERY_PER_VIDEO, Protocol
    from bench.cli.answer import print_table
    from bench.config.run_config import configure
    from bench.data.reader import read_dataset
    from bench.data.registered import is_beir
    from bench.paper.table2 import statistics_table

    dataset = read_dataset(dataset_of(args), features=args.features)
    is_collection = is_beir(configure({"data": args.data}).data)
    protocol: Protocol = ALL_QUERIES if is_collection else ONE_QUERY_PER_VIDEO  # as bench run evaluates them
    print_table(statistics_table(dataset, with_paper=args.paper, protocol=protocol), args.format)
    return 0


def _synth(args: argparse.Namespace) -> int:
    from bench.data.synthetic.options import TWIN, SynthOptions
    from bench.data.synthetic.writer import synthesize
    from bench.errors import unknown
    from bench.options import assignments, convert, field_names

    flags = {"like": args.like, "videos": args.videos, "language": args.lang, "seed": args.seed}
    given = {name: value for name, value in flags.items() if value is not None} | assignments(args.set)
    if given.get("like") == "qmv-kwai":
        given = {**TWIN, **given}
    for name in given:
        if name not in field_names(SynthOptions):
            raise unknown("option", name, field_names(SynthOptions))
    values = {name: convert(SynthOptions, name, value, name) for name, value in given.items()}
    synthesize(args.out, SynthOptions(**values))
    print(f"synthetic dataset: {args.out}")
    return 0


def _import(args: argparse.Namespace) -> int:
    from bench.data.validation import validate
    from bench.importers.importer import Additions, import_dataset

    additions = Additions(args.features, args.transcripts, args.val, args.language)
    for note in import_dataset(args.name, args.source, args.out, args.recipe, additions):
        print(f"bench: {note}", file=sys.stderr)
    findings = validate(args.out)
    print(findings.to_text(), end="")
    findings.raise_for_status(strict=False)
    return 0


def _prepare(args: argparse.Namespace) -> int:
    from bench.options import convert
    from bench.prepare.options import PrepareOptions
    from bench.prepare.prepare import prepare
    from bench.store.artefacts import default_root

    given = {name: getattr(args, name) for name in _PREPARE_FLAGS if getattr(args, name) is not None}
    options = PrepareOptions(
        ocr=args.ocr,
        **{
            name: convert(PrepareOptions, name, v, f"--{name.replace('_', '-')}") for name, v in given.items()
        },
    )
    report = prepare(
        args.videos, args.out, options, store=args.store or default_root(),
        queries=args.queries, log=args.log, quiet=args.quiet,
    )  # fmt: skip
    print(report.to_text(), end="")
    return 0

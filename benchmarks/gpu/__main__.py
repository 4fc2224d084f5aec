"""Measure one device, print the table and write it to results/benchmarks/gpu.csv.

Usage: python -m benchmarks.gpu DATASET [--device cuda] [--shape bart-base] [--steps 60] [--encoder FOLDER]
       [--only generation|retrieval] [--out FILE]

DATASET is a folder, such as ``bench data synth --like qmv-kwai --lang en --videos 12000 --out DATASET``
makes. FOLDER holds a text encoder for sentence-transformers, MiniLM of the package unless it is named. The
use of the GPU is what NVML reports, sampled ten times a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.systems.arithmetic import configure_torch
from benchmarks.gpu.generation import compare_generation
from benchmarks.gpu.measured import write_table
from benchmarks.gpu.retrieval import compare_retrieval
from benchmarks.gpu.world import SHAPES, read_world

OUT = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "gpu.csv"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shape", choices=SHAPES, default="bart-base")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--only", choices=("generation", "retrieval"))
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    configure_torch()  # as in a run, for what torch reads when it is first used
    rows = []
    for row in measured(args):
        rows.append(row)
        write_table(rows, args.out)


def measured(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the lines of both parts, or of the one that was named."""
    if args.only != "generation":
        yield from compare_retrieval(args.dataset, args.device, args.encoder)
    if args.only != "retrieval":
        yield from compare_generation(read_world(args.dataset, args.device, args.shape, args.steps))


if __name__ == "__main__":
    main()

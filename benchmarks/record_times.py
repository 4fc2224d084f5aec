"""Record what each system of a finished run took: the estimates of ``--dry-run`` on a store that is empty.

Usage: python benchmarks/record_times.py OUT > bench/config/preset_files/times.csv

OUT is the output folder of ``bench run`` with the preset on the demo, from an empty store. Columns: preset,
system, seconds of its training, seconds an item (video of a generator, query of a retriever; the median over
generators), peak MB.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from bench.output.manifest import read_manifest


def main(out: Path) -> None:
    """Print a line for each system."""
    manifest = read_manifest(out)
    machine, commit = manifest.machine, str(manifest.code["commit"])[:7]
    print(
        f"# {machine['cores']} CPU cores ({machine['processor']}), commit {commit}, {manifest.dataset.name}"
    )
    print("preset,system,fit_s,seconds_per_item,peak_mb")
    systems: dict[str, list[tuple[float, float, float]]] = {}
    for cell, cost in manifest.cells.items():
        items = manifest.evaluation.queries if "." in cell else manifest.evaluation.pool
        name = cell.rpartition(".")[2]
        systems.setdefault(name, []).append((cost.fit_s or 0.0, cost.seconds / items, cost.peak_mb))
    for name, costs in systems.items():
        fit, per_item, peak = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f"{manifest.settings['preset']},{name},{fit:.1f},{per_item:.6f},{peak:.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

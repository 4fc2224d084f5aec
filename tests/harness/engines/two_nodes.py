"""Run a command on a Ray cluster of two nodes and kill one when a file appears: ``STORE GLOB ARGUMENT…``.

A program of its own, because Ray opens connections that the tests forbid.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path


def main(store: Path, appears: str, arguments: list[str]) -> int:
    """Return the status of the command, or 99 if it ended before the node was killed."""
    from ray.cluster_utils import Cluster

    from bench.cli.main import main as bench

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    killed = threading.Event()

    def kill() -> None:
        while not list(store.glob(appears)):
            time.sleep(0.005)
        cluster.remove_node(node, allow_graceful=False)
        killed.set()

    if appears:
        threading.Thread(target=kill, daemon=True).start()
    try:
        status = bench(arguments)
        return 99 if appears and not killed.is_set() else status
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))

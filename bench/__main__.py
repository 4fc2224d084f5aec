"""``python -m bench``."""

import sys
from pathlib import Path

import bench
from bench.cli.main import main

HIDDEN = ("generators", "retrievers")


def unhide() -> None:
    """Take the working directory off the path where a folder of it hides a package of this project."""
    here, home = Path.cwd().resolve(), Path(bench.__file__).resolve().parents[1]
    hiding = [name for name in HIDDEN if (here / name).is_dir() and here != home]
    if hiding and sys.path and Path(sys.path[0]).resolve() == here:
        del sys.path[0]
        print(
            f"bench: the folder '{hiding[0]}' here has the name of a package of bench; modules of {here} are "
            "not imported.",
            file=sys.stderr,
        )


unhide()
raise SystemExit(main())

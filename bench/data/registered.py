"""Find the folder of what ``--data`` names: a registered dataset or a folder."""

from __future__ import annotations

from pathlib import Path

from bench.errors import DataError, UsageError, suggestions, third_party_errors
from bench.systems.registry import entries, load


def dataset_folder(name: str, cache: Path) -> Path:
    """Resolve ``--data``: a registered dataset (made in ``cache`` at first use) or a folder.

    A BEIR folder is rewritten as a dataset in ``cache``, once for each content of its files. A registered
    name wins over a folder of the same name; write ``./demo`` for the folder. Raises UsageError when there is
    neither.
    """
    if name in entries("datasets"):
        return _make(name, cache)
    folder = Path(name)
    if is_beir(name):
        return Path(load("foreign_datasets", "beir")(folder, cache))
    if folder.is_dir():
        return folder
    known = sorted(entries("datasets"))
    near = suggestions(name, known)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(
        f"{name}: neither a registered dataset ({', '.join(known)}) nor a folder that exists.{hint}"
    )


def is_beir(name: str) -> bool:
    """Check whether ``--data`` is the folder of a BEIR collection: no registered name, no dataset folder."""
    folder = Path(name)
    has_documents = (folder / "corpus.jsonl").is_file() and not (folder / "dataset.json").is_file()
    return has_documents and name not in entries("datasets")


def _make(name: str, cache: Path) -> Path:
    make = load("datasets", name)
    with third_party_errors(f"dataset '{name}' could not be made", DataError):
        return Path(make(cache))

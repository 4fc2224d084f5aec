"""Copies of artefacts in object storage or on another file system, for machines that share no folder."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from bench.errors import MissingError, UsageError, reason_of, shorten

__cache_neutral__ = True

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.+")


class RemoteStore:
    """A place such as ``s3://bucket/prefix`` with one tar file for each artefact, ``KIND/DIGEST.tar``.

    Machines that name the same place use what others made. The store of each machine remains the one that
    is read: `load` fetches into it, `save` copies from it. Any address that fsspec knows will do. What is
    fetched is checked by its digests like everything in a store, and is data alone: no code is run. Whoever
    can write to the place decides what it holds, as with a store folder that several people share.

    When the place cannot be reached during a run, this is reported once and the run goes on without it.
    Raises UsageError for what is no address, MissingError when the place cannot be reached at the start.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._files, self._root = _connect(address)
        self._lost = False

    def load(self, name: str, folder: Path) -> bool:
        """Fetch an artefact ``KIND/DIGEST`` into an empty folder; False where the place has none."""
        if self._lost:
            return False
        with tempfile.TemporaryFile(dir=folder.parent) as copy:
            try:
                with self._files.open(self._path(name), "rb") as source:
                    shutil.copyfileobj(source, copy, 1 << 20)
            except FileNotFoundError:
                return False
            except Exception as error:  # each implementation has its own
                self._lose(error)
                return False
            copy.seek(0)
            # what a damaged archive lacks shows by the digests of the artefact
            with (
                contextlib.suppress(tarfile.TarError, ValueError, EOFError),
                tarfile.open(fileobj=copy) as archive,
            ):
                archive.extractall(folder, filter="data")
        return True

    def save(self, name: str, folder: Path) -> None:
        """Copy a finished artefact to the place, in one piece."""
        if self._lost:
            return
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as spare:
            packed = Path(spare) / "artefact.tar"
            try:
                with tarfile.open(packed, "w") as archive:
                    for path in sorted(folder.rglob("*")):
                        archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
                self._put(packed, self._path(name))
            except Exception as error:
                self._lose(error)

    def _put(self, packed: Path, target: str) -> None:
        # a reader never sees half an upload: object stores show whole objects, file systems rename
        part = f"{target}.{secrets.token_hex(4)}.part"
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._files.put_file(str(packed), part)
        self._files.mv(part, target)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}.tar"

    def _lose(self, error: Exception) -> None:
        self._lost = True
        print(
            f"bench: the remote store {self.address} cannot be used ({reason_of(error)}); the run goes on "
            "with the store of this machine alone.",
            file=sys.stderr,
        )


def _connect(address: str) -> tuple[Any, str]:
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"--remote-store {shorten(address)} is no address; name one such as s3://bucket/prefix or "
            "file:///mnt/share/prefix."
        )
    try:
        import fsspec
    except ImportError as error:
        raise MissingError(
            "--remote-store needs the package fsspec, which is not installed. Install it with: "
            "pip install -c constraints.txt -e '.[remote]'"
        ) from error
    try:
        files, root = fsspec.core.url_to_fs(address, use_listings_cache=False)
        if missing := _missing_bucket(files, str(root)):
            raise MissingError(
                f"--remote-store {shorten(address)}: there is no '{missing}', or this user may not see it. "
                "Buckets are not made here; check the name."
            )
        files.makedirs(root, exist_ok=True)
        files.exists(f"{root}/artefact.tar")
    except MissingError:
        raise
    except ValueError as error:
        raise UsageError(f"--remote-store {shorten(address)}: {reason_of(error)}.") from error
    except ImportError as error:
        raise MissingError(
            f"--remote-store {shorten(address)} needs another package: {reason_of(error)}."
        ) from error
    except Exception as error:  # each implementation has its own
        raise MissingError(
            f"--remote-store {shorten(address)} cannot be reached ({reason_of(error)})."
        ) from error
    return files, str(root).rstrip("/")


def _missing_bucket(files: Any, root: str) -> str:
    """Name the bucket of object storage where it does not exist; empty otherwise.

    Some implementations make a bucket with a folder in it, and so one for each misspelt name. Paths of file
    systems begin with ``/``.
    """
    bucket = root.partition("/")[0]
    return bucket if bucket and not files.exists(bucket) else ""

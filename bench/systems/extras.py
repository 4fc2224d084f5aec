"""Which extra installs a module that a system lacks: the light core has no torch and no Java."""

from __future__ import annotations

import re

from bench.errors import MissingError
from bench.store.environment import declared_requirements

__cache_neutral__ = True

_EXTRAS = {"encoders": "prepare", "retrievers": "dense", "generators": "train"}
"""What is installed for systems of each group that need more than the core."""


def missing_extra(group: str, name: str, error: ImportError) -> MissingError | None:
    """Explain a failed import of a built-in system by the extra that installs it.

    Returns None where no extra of this package has the module.
    """
    module = (error.name or "").partition(".")[0]
    if _plain(module) not in _optional_modules():
        return None
    return MissingError(
        f"{group.rstrip('s')} '{name}' needs the package {module}, which is not installed. Install it with: "
        f"pip install -c constraints.txt -e '.[{_EXTRAS.get(group, 'all')}]'"
    )


def _optional_modules() -> set[str]:
    """List what the extras require, by the names of the modules: a hyphen is an underscore in them."""
    required = declared_requirements()
    return {_plain(one.name) for one in required if one.marker and "extra" in str(one.marker)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()

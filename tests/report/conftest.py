"""The run whose texts try to break out of every format."""

from tests.hostile_run import copy, world

__all__ = ["copy", "world"]

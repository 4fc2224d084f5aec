"""What the system refuses becomes an error with the path, a remedy and an exit status of its kind."""

from __future__ import annotations

import ast
import errno
import os

import pytest

from bench.errors import DataError, MissingError, error_of_system, reason_of, shorten


@pytest.mark.parametrize(
    ("number", "kind", "remedy"),
    [
        (errno.ENOSPC, MissingError, "Free some space"),
        (errno.EACCES, MissingError, "permissions"),
        (errno.EROFS, MissingError, "disk that can be written"),
        (errno.EISDIR, DataError, "not a folder"),
        (errno.ENAMETOOLONG, DataError, "shorter path"),
        (errno.EIO, MissingError, "error"),
    ],
)
def test_what_the_system_refuses_has_a_path_and_a_remedy(number: int, kind: type, remedy: str) -> None:
    error = error_of_system(OSError(number, os.strerror(number), "some/file"))
    assert type(error) is kind
    assert str(error).startswith(f"some/file: {os.strerror(number)}.")
    assert remedy in str(error)


def test_a_file_that_is_renamed_is_named_by_its_goal() -> None:
    error = error_of_system(OSError(errno.ENOSPC, "No space left on device", "a.tmp", None, "a"))
    assert str(error).startswith("a: No space left on device.")


def test_a_lack_of_memory_is_an_error_of_this_machine() -> None:
    assert isinstance(error_of_system(MemoryError()), MissingError)


@pytest.mark.parametrize("error", [ValueError("x"), OSError("a library's own error"), KeyError("x")])
def test_other_errors_are_not_the_systems(error: Exception) -> None:
    assert error_of_system(error) is None


def test_a_value_is_cut_in_length_and_depth() -> None:
    assert shorten("text") == "'text'"
    assert len(shorten("x" * 10**6)) <= 80
    deep: list[object] = []
    for _ in range(50):
        deep = [deep] * 9
    assert len(shorten(deep)) <= 80
    assert "digits" in shorten(10**5000)


def test_the_reason_of_an_error_is_the_same_in_each_process() -> None:
    with pytest.raises(ValueError, match="malformed") as caught:
        ast.literal_eval("f()")
    assert " at 0x" in str(caught.value)
    assert " at 0x" not in reason_of(caught.value)
    assert "malformed node" in reason_of(caught.value)
    assert reason_of(KeyboardInterrupt()) == "'KeyboardInterrupt'"

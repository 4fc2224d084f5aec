"""Typed sections that ``--set`` can reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from bench.data.options import DataOptions
from bench.errors import UsageError
from bench.options import Section, assignments, build_sections, flatten, split_list


@dataclass(frozen=True)
class Sample(Section):
    section: ClassVar[str] = "sample"
    flag: bool = False
    count: int = 1
    share: float = 0.5
    name: str = "x"
    limit: int | None = None
    folder: str | None = None
    layers: Literal[1, 2, "all"] | None = 1
    path: Path = Path("a")

    def __post_init__(self) -> None:
        if self.share > 1:
            raise ValueError(f"option sample.share={self.share} is above 1.")


def built(**values: Any) -> Sample:
    section = build_sections({"sample": Sample}, {f"sample.{key}": value for key, value in values.items()})[
        "sample"
    ]
    assert isinstance(section, Sample)
    return section


def test_an_option_that_is_not_given_has_its_default() -> None:
    assert built() == Sample()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("flag", "true", True), ("flag", "No", False), ("flag", "1", True), ("flag", False, False),
        ("count", "7", 7), ("count", 7, 7), ("count", "-3", -3),
        ("share", "0.25", 0.25), ("share", "1e-3", 0.001), ("share", 1, 1.0), ("share", "1", 1.0),
        ("name", "true", "true"), ("name", "", ""), ("name", "a=b", "a=b"), ("name", 5, "5"),
        ("limit", "none", None), ("limit", "null", None), ("limit", None, None), ("limit", "3", 3),
        ("folder", "none", None), ("folder", "/a b", "/a b"),
        ("layers", "2", 2), ("layers", 2, 2), ("layers", "all", "all"), ("layers", "none", None),
    ],
)  # fmt: skip
def test_a_value_becomes_the_type_of_its_field(field: str, value: object, expected: object) -> None:
    converted = getattr(built(**{field: value}), field)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flag", "maybe"), ("flag", "2"), ("flag", None), ("count", "1.5"), ("count", 1.5), ("count", True),
        ("count", "many"), ("count", ""), ("count", "none"), ("share", "half"), ("share", True),
        ("share", {"a": 1}), ("count", [1]), ("name", ["a"]), ("name", {"a": 1}), ("limit", "x"),
        ("share", "inf"), ("count", "1_0"), ("count", "\u0661\u0662"), ("share", "1_0.5"), ("limit", "1_0"),
        ("share", float("nan")), ("share", 1e400), ("count", "9" * 5000),
        pytest.param("count", 10**5000, id="digits"), ("name", "a\0"), ("name", "\ud800"),
        ("folder", [[["a"] * 999] * 999] * 999),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"option sample.{field}=.* is not allowed: expected "):
        built(**{field: value})


def test_an_unknown_key_suggests_the_near_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown option 'sample.coutn'. Did you mean sample.count"):
        built(coutn=3)
    with pytest.raises(UsageError, match=r"Did you mean sample.count"):
        build_sections({"sample": Sample}, {"smaple.count": 1})


def test_a_section_may_check_its_values() -> None:
    with pytest.raises(UsageError, match="above 1"):
        built(share=2)
    with pytest.raises(UsageError, match=r"data\.max_frames"):
        build_sections({"data": DataOptions}, {"data.max_frames": 0})


def test_assignments_are_split_at_the_first_sign() -> None:
    assert assignments(["a.b=c=d", " x.y = 1 "]) == {"a.b": "c=d", "x.y": "1"}
    assert assignments("a.b=") == {"a.b": ""}
    assert assignments({"a.b": 1}) == {"a.b": 1}
    assert assignments(["a.b=1", "a.b=2"]) == {"a.b": "2"}


@pytest.mark.parametrize("text", ["bm25.k1", "=3", "  =3"])
def test_an_assignment_without_key_or_sign_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="key=value"):
        assignments([text])


def test_flat_has_every_key_with_its_value() -> None:
    assert flatten({"sample": built(count=4)}) == {
        "sample.flag": False, "sample.count": 4, "sample.share": 0.5, "sample.name": "x",
        "sample.limit": None, "sample.folder": None, "sample.layers": 1, "sample.path": "a",
    }  # fmt: skip


def test_a_comma_in_brackets_does_not_end_a_word_of_a_list() -> None:
    assert split_list("lead, oracle,,", "qms") == ["lead", "oracle", "qms"]
    assert split_list("nDCG(dcg='log2',judged_only=True)@10,R@5") == [
        "nDCG(dcg='log2',judged_only=True)@10",
        "R@5",
    ]
    assert split_list("a(b,c") == ["a(b", "c"]

"""Synthetic datasets that the tests of this folder share."""

from __future__ import annotations

import pytest

from tests.data.synthetic.made import Made, make


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "en", videos=1200)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "zh", videos=1200, language="zh")


@pytest.fixture(params=["english", "chinese"])
def made(request: pytest.FixtureRequest) -> Made:
    value: Made = request.getfixturevalue(request.param)
    return value

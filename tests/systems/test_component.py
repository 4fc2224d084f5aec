"""Keys: two names that make different things never share an artefact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.config.run_config import configure
from bench.errors import MissingError
from bench.harness.plan import Plan, make_plan
from bench.store.digests import digest
from bench.systems.component import make_generator, make_retriever
from bench.systems.registry import entries
from tests.tiny import Tiny


@pytest.fixture
def plan(tiny: Tiny, tmp_path: Path) -> Plan:
    """Return a plan whose weights are all on this machine."""
    given = {"data": tiny.folder, "generators": "lead", "retrievers": "bm25", "store": tmp_path / "store"}
    return make_plan(configure(given))


def test_no_two_generators_share_a_key(plan: Plan) -> None:
    keys = {}
    for name in entries("generators"):
        try:
            keys[name] = digest(dict(make_generator(name, plan.context()).key))
        except MissingError:
            assert name == "qms-mt5", "every other row is built without a model hub"
    assert {"qms", "qms-wo-visual", "qms-wo-scores", "qms-unit-scores", "bart-mm"} <= keys.keys()
    assert Counter(keys.values()).most_common(1)[0][1] == 1, keys


def test_no_two_retrievers_share_a_key(plan: Plan) -> None:
    keys = [digest(dict(make_retriever(name, plan.context()).key)) for name in entries("retrievers")]
    assert len(set(keys)) == len(keys)


def test_a_name_keeps_its_key(plan: Plan) -> None:
    one, other = (make_generator("qms-wo-visual", plan.context()) for _ in range(2))
    assert digest(dict(one.key)) == digest(dict(other.key))

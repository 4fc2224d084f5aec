"""Keys: two names that make different things never share an artefact."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench import protocols
from bench.config.run_config import configure
from bench.context import Context
from bench.errors import MissingError
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.fit import Fit
from bench.harness.stages.summarize import Summarize
from bench.protocols import is_fitted_per_generator
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.systems.component import make_generator, make_retriever
from bench.systems.registry import entries
from bench.types import Run, Video
from generators.groups import PACKAGES as GENERATOR_PACKAGES
from generators.groups import ZERO_SHOT
from retrievers.groups import PACKAGES as RETRIEVER_PACKAGES
from tests.conftest import ROOT
from tests.tiny import Tiny


@pytest.fixture
def plan(tiny: Tiny, tmp_path: Path) -> Plan:
    """Return a plan whose weights are all on this machine."""
    given = {"data": tiny.folder, "generators": "lead", "retrievers": "bm25", "store": tmp_path / "store"}
    return make_plan(configure(given))


def test_no_two_generators_share_a_key(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    keys = {}
    for name in entries("generators"):
        try:
            keys[name] = digest(dict(make_generator(name, plan.context()).key))
        except MissingError:
            assert name in ("qms-mt5", *ZERO_SHOT), "all others need no model hub and no endpoint"
    assert {"qms", "qms-wo-visual", "qms-wo-scores", "qms-unit-scores", "bart-mm"} <= keys.keys()
    assert Counter(keys.values()).most_common(1)[0][1] == 1, keys


def test_no_two_retrievers_share_a_key(plan: Plan) -> None:
    with_weights = [name for name in entries("retrievers") if name not in ("rerank", "splade")]
    keys = [digest(dict(make_retriever(name, plan.context()).key)) for name in with_weights]
    assert len(set(keys)) == len(keys)


def test_a_name_keeps_its_key(plan: Plan) -> None:
    one, other = (make_generator("qms-wo-visual", plan.context()) for _ in range(2))
    assert digest(dict(one.key)) == digest(dict(other.key))


class Old:
    """A retriever as plug-ins for version 0.1 have them."""

    label = "Old"
    follows = "by nature"

    def index(self, summaries: Mapping[str, str]) -> None: ...

    def search(self, queries: Mapping[str, str], k: int) -> Run:
        raise NotImplementedError

    def follow(self, summaries: Mapping[str, str]) -> None:
        self.summaries = dict(summaries)

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None: ...

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...


def test_the_names_of_version_0_1_still_work_and_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point = EntryPoint("old", f"{__name__}:Old", "bench.retrievers")
    monkeypatch.setattr("bench.systems.registry.entries", lambda group: {"old": point})
    monkeypatch.setattr("bench.systems.component.entries", lambda group: {"old": point})
    retriever = make_retriever("old", Context())
    assert is_fitted_per_generator(retriever.system)
    before = retriever.key
    retriever.use_summaries({"v1": "text"})
    assert retriever.key != before
    assert "per_generator and use_summaries" in capsys.readouterr().err
    with pytest.warns(DeprecationWarning, match="FitPerGenerator"):
        assert protocols.Following is protocols.FitPerGenerator
    with pytest.raises(AttributeError):
        _ = protocols.Nothing


def test_every_protocol_is_read_by_the_bench() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench").rglob("*.py"))
    declared = re.findall(r"^class (\w+)\(Protocol\)", Path(protocols.__file__).read_text("utf-8"), re.M)
    assert [name for name in declared if len(re.findall(rf"\b{name}\b", source)) == 1] == []


def test_versions_of_declared_packages_enter_the_key(plan: Plan) -> None:
    versions = {
        make(name, plan.context()).name: make(name, plan.context()).key["versions"]
        for make, name in ((make_generator, "lead"), (make_retriever, "bm25"))
    }
    assert versions["lead"] == installed_versions(["numpy", *GENERATOR_PACKAGES])
    assert versions["bm25"] == installed_versions(["numpy", *RETRIEVER_PACKAGES])


@pytest.mark.parametrize(("choose", "is_reused"), [("loss", True), ("last", True), ("cider", False)])
def test_a_model_is_used_again_with_another_search_unless_the_search_selects_the_epoch(
    tiny: Tiny, tmp_path: Path, choose: str, is_reused: bool
) -> None:
    given = {"data": tiny.folder, "generators": "mdvc", "retrievers": "bm25", "store": tmp_path / "store"}
    keys = []
    for beams in (1, 4):
        plan = make_plan(configure({**given, "set": {"train.choose": choose, "decode.beams": beams}}))
        generator = make_generator("mdvc", plan.context())
        keys.append((digest(Fit(plan, generator).key()), digest(Summarize(plan, generator).key())))
    (model, summaries), (other_model, other_summaries) = keys
    assert (model == other_model) == is_reused
    assert summaries != other_summaries

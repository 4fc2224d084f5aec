"""``bench doctor`` looks up what is required and what each optional extra holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.systems import doctor

ROOT = Path(__file__).parents[2]


def test_a_package_that_an_extra_lacks_is_optional_and_the_fix_installs_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = [
        Requirement("numpy>=2"),
        Requirement("absent-package>=1; extra == 'yake'"),
        Requirement("numpy>=9999; extra == 'ray'"),
        Requirement("qms-bench[dense]; extra == 'prepare'"),
    ]
    monkeypatch.setattr("bench.store.environment.declared_requirements", lambda: declared)
    monkeypatch.setattr(doctor, "entries", lambda group: [])
    checks = {check.name: check for check in doctor.run_checks()}
    assert checks["numpy"].ok
    yake = checks["extra yake"]
    assert (yake.ok, yake.needed, yake.found) == (False, False, "absent-package (not installed)")
    assert yake.fix == "pip install -c constraints.txt -e '.[yake]'"
    assert "but numpy>=9999 is required" in checks["extra ray"].found
    assert checks["extra prepare"].ok


def test_every_extra_is_looked_up_but_those_of_developers_and_those_with_a_check() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {*doctor.EXTRAS, "all", "cpu", "gpu", "lucene", "dev", "docs", "test"} == set(extras)

"""Every threat that SECURITY.md lists has the test that it names."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

THREATS = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")][1:]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_has_its_test(threat: str) -> None:
    names = re.findall(r"`(test_\w+)`", threat)
    assert names
    assert all(f"def {name}(" in TESTS for name in names)

"""Audit the arithmetic of a results table: the paper's, ours or anybody's.

file → (`csvform`, `markdown`, `latex`) → `grid` → `tables` → `rules` → `report`.
"""

from __future__ import annotations

from bench.lint.report import LintReport, lint, lint_table
from bench.lint.rules import Violation

__all__ = ["LintReport", "Violation", "lint", "lint_table"]

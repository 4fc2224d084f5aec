"""The paper's numbers are complete, and are read from a checkout and from an installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.paper import published
from bench.paper.claims import _CHECKS
from bench.paper.scores import SCORED, paper_scores

ROOT = Path(__file__).parents[2]


def printed(table: str, group: str, row: str, column: str) -> str:
    """Look a cell up in the CSV text itself."""
    header, *lines = [line.split(",") for line in published.csv_text(table).splitlines()]
    (line,) = [line for line in lines if row in line and (not group or line[0] == group)]
    return line[header.index(column)]


def test_every_table_has_a_source_with_unit() -> None:
    assert set(published.sources()) == set(published.TABLES)
    assert all(source.unit and "Table" in source.source for source in published.sources().values())


@pytest.mark.parametrize(
    ("table", "count"), [("table3", 54), ("table4", 36), ("table5", 264), ("table6", 18), ("table7", 18)]
)
def test_every_score_is_read(table: str, count: int) -> None:
    assert len(paper_scores(table)) == count


def test_each_misprint_quotes_the_cell_it_is_about() -> None:
    for misprint in published.misprints():
        if misprint.printed.endswith("(text)") or misprint.table == "table2":
            continue
        assert printed(misprint.table, misprint.group, misprint.row, misprint.column) == misprint.printed


def test_the_audit_finds_every_misprint_that_breaks_arithmetic_and_no_cell_besides() -> None:
    arithmetic = {"impossible", "miscalculated"}
    for table in published.TABLES:
        known = {
            f"{m.group}/{m.row}, {m.column}".removeprefix("/").replace("Total (text)", "Total")
            for m in published.misprints(table)
            if m.kind in arithmetic
        }
        assert {v.cell for v in published.lint_paper_table(table).violations} == known


def test_cells_printed_with_one_true_decimal_are_those_of_table_3() -> None:
    for misprint in published.misprints():
        if misprint.kind == "rounded":
            assert printed("table3", "", "QMS", misprint.column).rstrip("*") == misprint.likely
            assert abs(float(misprint.printed) - float(misprint.likely)) <= 0.05 + 1e-9


def test_every_row_and_retriever_of_the_scores_has_a_name() -> None:
    scores = paper_scores(*SCORED)
    assert {"lead", "qms", "qms-wo-entity", "qms-mt5", "qms[i3d]"} <= set(scores["generator"])
    assert set(scores["retriever"]) == {"", "bm25", "dpr-pt", "dpr-ft"}


def test_claims_have_unique_ids_a_known_kind_and_names_that_the_tables_have() -> None:
    claims = published.claims()
    assert len({claim.id for claim in claims}) == len(claims) > 30
    generators = set(paper_scores()["generator"])
    for claim in claims:
        assert claim.kind in _CHECKS
        assert claim.in_paper in ("holds", "does not hold", "not testable")
        if claim.kind != "retriever":
            assert set(claim.subjects.split()) | set(claim.others.split()) <= generators


def test_claims_are_read_by_table() -> None:
    assert {claim.table for claim in published.claims("table4")} == {"table4"}


def test_an_unknown_table_is_wrong_use_and_suggests() -> None:
    with pytest.raises(UsageError, match="table5"):
        published.csv_text("tabel5")


def test_an_installed_package_finds_the_tables_where_the_build_puts_them(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "results" / "paper", tmp_path / "bench" / "paper" / "data")
    code = "from bench.paper import published as p; print(p.data_folder()); print(len(p.claims()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    folder, count = done.stdout.split()
    assert Path(folder) == tmp_path / "bench" / "paper" / "data"
    assert int(count) == len(published.claims())


def test_the_build_takes_the_tables_from_where_a_checkout_has_them() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "bench.paper.data" in build["packages"]
    assert ROOT / build["package-dir"]["bench.paper.data"] == published.data_folder()


def test_tables_claims_and_audit_load_nothing_heavy() -> None:
    code = (
        "import sys; from bench.paper import published; published.claims();"
        "published.lint_paper_table('table5'); print(sorted({'pandas', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

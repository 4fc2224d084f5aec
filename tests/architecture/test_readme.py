"""What README.md shows is what the project is and what its recorded run measured."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from bench.harness.demo import recorded_run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_table_has_the_scores_of_the_recorded_run() -> None:
    _, _, rest = README.partition("<!-- made by docs/make_pictures.py -->\n")
    rows = [line.split("|")[1:-1] for line in rest.partition("<!-- end -->")[0].splitlines()[2:]]
    shown = {(re.sub(r"[*\s]|\[.*", "", score), cider.strip()) for _, score, _, cider, _ in rows}
    scores = recorded_run()["scores"].values()
    assert shown == {(f"{100 * of['R@10']:.1f}", f"{100 * of['CIDEr']:.1f}") for of in scores}, (
        "run 'bench demo --out OUT' and 'python docs/make_pictures.py OUT'"
    )
    assert len(rows) == len(recorded_run()["generators"])


def test_badges_are_true() -> None:
    badges = re.findall(r"img\.shields\.io/badge/(\S+)-blue", README)
    needed, licence = PROJECT["project"]["requires-python"], PROJECT["project"]["license"]
    assert badges == [
        f"python-{needed.removeprefix('>=')}%2B", f"licence-{licence.replace('-', '--')}", "mypy-strict",
    ]  # fmt: skip
    assert PROJECT["tool"]["mypy"]["strict"] is True


def test_pictures_and_files_that_it_links_exist() -> None:
    links = re.findall(r'(?:\]\(|src(?:set)?=")(?!https?:|#)([^)"]+)', README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]

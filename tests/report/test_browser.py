"""The page in a real browser: drawn, sorted, searched, reached by keyboard, readable, silent."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from bench.report.page import open_sources, render
from tests.hostile_run import HOSTILE, QUERIES, World

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE, NARROW = 1440, 390


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield the browser that is installed; its profile is a fresh one that goes with it."""
    program = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium or Chrome on this machine (apt-get install chromium, or set CHROME)")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


def visit(browser: Browser, path: Path, width: int = WIDE, scheme: Any = "light") -> tuple[Page, list[str]]:
    """Open a page, wait for its plots, and return it with what it complained of or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("request", lambda asked: _local(asked.url) or troubles.append(f"request: {asked.url}"))
    page.goto(path.as_uri())
    page.wait_for_function("document.documentElement.dataset.plots === 'drawn'")
    return page, troubles


def _local(address: str) -> bool:
    return address.startswith(("file:", "data:"))


@pytest.fixture(scope="module")
def seen(browser: Browser, world: World) -> Page:
    return visit(browser, world.out / "report.html")[0]


def column(page: Page, table: str, number: int) -> list[float]:
    cells: Locator = page.locator(f"#{table} tbody tr td:nth-of-type({number})")
    # a significant one has a star, one without value a dash
    return [float(text.rstrip("*")) for text in cells.all_inner_texts() if text != "–"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_and_readable_everywhere(browser: Browser, world: World, width: int, scheme: str) -> None:
    page, troubles = visit(browser, world.out / "report.html", width, scheme)
    for plot in page.locator(".plot").all():
        assert plot.locator("svg").count() == 1
        assert plot.locator("svg path").count() > 3
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    grave = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in grave] == []
    assert page.evaluate("window.broken") is None
    assert troubles == []
    page.close()


def test_a_page_of_several_runs_is_as_sound(browser: Browser, world: World, tmp_path: Path) -> None:
    path = tmp_path / "comparison.html"
    path.write_text(render(open_sources([world.out, world.other]), world.store), encoding="utf-8")
    page, troubles = visit(browser, path, NARROW)
    assert page.locator("#differences tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert troubles == []
    page.close()


def test_dark_and_light_differ(browser: Browser, world: World) -> None:
    page, _ = visit(browser, world.out / "report.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.close()


def test_a_heading_sorts_by_its_column(seen: Page) -> None:
    heading = seen.locator("#generation thead button", has_text="B-1")
    heading.click()
    falling = column(seen, "generation", 1)
    assert falling == sorted(falling, reverse=True)
    heading.click()
    assert column(seen, "generation", 1) == falling[::-1]
    assert heading.locator("xpath=..").get_attribute("aria-sort") == "ascending"


def test_intervals_stand_where_mouse_and_keyboard_reach_them(seen: Page) -> None:
    detail = seen.locator("#detail-retrieval")
    cells = seen.locator("#retrieval td[data-detail]")
    cells.nth(3).hover()
    assert "95 % interval" in detail.inner_text()
    cells.first.focus()
    first = detail.inner_text()
    seen.keyboard.press("ArrowRight")
    assert "ties:" in detail.inner_text()
    assert detail.inner_text() != first
    assert seen.locator("#retrieval td[tabindex='0']").count() == 1


def test_the_keyboard_alone_reaches_everything(browser: Browser, world: World) -> None:
    page, _ = visit(browser, world.out / "report.html")
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        what = page.evaluate(
            "(() => { const e = document.activeElement;"
            " return e.id || e.name || e.closest('[id]')?.id || e.tagName; })()"
        )
        reached.add(what)
        if what == "BODY":
            break
    assert {
        "generation",
        "retrieval",
        "cost",
        "figure-heat",
        "figure-cost",
        "words",
        "kind",
        "found",
    } <= reached
    page.close()


def test_searching_shows_summaries_references_and_ranks(seen: Page) -> None:
    assert f"{QUERIES} queries found" in seen.locator("#count").inner_text()
    seen.locator("#words").fill("number5 how")
    assert seen.locator("#count").inner_text() == "1 queries found."
    shown = seen.locator("#example").inner_text()
    assert "paper plane number5 how to" in shown
    assert "look at the paper plane number5" in shown
    assert "Rank, BM25" in shown
    seen.locator("input[value=videos]").check()
    seen.locator("#words").fill("v07")
    assert "Asked: tea pot number7" in seen.locator("#example").inner_text()


def test_texts_of_a_run_are_shown_as_they_are(seen: Page) -> None:
    seen.locator("input[value=queries]").check()
    seen.locator("#words").fill("</script>")
    assert HOSTILE in seen.locator("#example h3").inner_text()
    assert seen.evaluate("window.broken") is None
    assert seen.locator("img").count() == 0


def test_a_plot_tells_its_numbers(seen: Page) -> None:
    numbers = seen.locator("details.data").first
    numbers.locator("summary").click()
    numbers.locator("tbody tr").nth(3).wait_for()


def test_a_reader_chooses_the_metric_of_the_grid(seen: Page) -> None:
    place = seen.locator("#plot-heat")
    shown = place.locator("svg text", has_text="P@5")
    assert shown.count() == 0
    place.locator("select").select_option("P@5")
    shown.wait_for()

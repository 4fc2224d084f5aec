"""The page in a real browser: drawn, sorted, filtered, used by keyboard, accessible, without errors."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

import bench
from bench.report.page import open_sources, render
from tests.hostile_run import HOSTILE, QUERIES, World
from tests.report.large_run import enlarge

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE, NARROW = 1440, 390
EXAMPLE_RETRIEVER = Path(__file__).parents[2] / "examples/retriever/my_retriever/retriever.py"
CUT_WORDS = """(place) => {
  const { left, right } = place.getBoundingClientRect();
  const isCut = (box) => box.width && (box.left < left - 1 || box.right > right + 1);
  const texts = [...place.querySelectorAll("text")];
  return texts.filter((text) => isCut(text.getBoundingClientRect())).map((text) => text.textContent);
}"""


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


def visit(
    browser: Browser, path: Path, width: int = WIDE, scheme: Any = "light", hash_: str = ""
) -> tuple[Page, list[str]]:
    """Open a page and return it with its console messages, errors and requests to the network."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("request", lambda sent: _local(sent.url) or troubles.append(f"request: {sent.url}"))
    page.goto(path.as_uri() + hash_)
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    return page, troubles


def draw_plots(page: Page) -> None:
    """Open every fold and scroll to each plot, so that all are drawn."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.plot')].every((e) => e.dataset.state === 'drawn')"
    )


def _local(address: str) -> bool:
    return address.startswith(("file:", "data:"))


@pytest.fixture(scope="module")
def seen(browser: Browser, world: World) -> Page:
    return visit(browser, world.out / "report.html")[0]


def test_bold_is_who_shares_a_letter_with_the_highest(browser: Browser, world: World, tmp_path: Path) -> None:
    html = (world.out / "report.html").read_text(encoding="utf-8")
    head, _, rest = html.partition('<script type="application/json" id="data">')
    data, _, tail = rest.partition("</script>")
    page_data = json.loads(data)
    ranked = [i for i, system in enumerate(page_data["systems"]) if not system["reference"]]
    for letters, score, place in zip(("a b", "c d"), (90, 80), ranked, strict=False):
        page_data["board"]["cells"]["R@10"][place][0][:4] = [score, score - 5, score + 5, letters]
    text = json.dumps(page_data).replace("<", "\\u003c")
    path = tmp_path / "report.html"
    path.write_text(
        f'{head}<script type="application/json" id="data">{text}</script>{tail}', encoding="utf-8"
    )
    page, _ = visit(browser, path, hash_="#m=R@10")
    cells = page.locator("#board .ranked tr td.score:nth-of-type(1) a")
    bold = {float(cell.inner_text()): "best" in (cell.get_attribute("class") or "") for cell in cells.all()}
    assert (bold[90], bold[80]) == (True, False)


def scores(page: Page) -> list[float]:
    """Return the ranked scores of the leaderboard from top to bottom."""
    return [float(text) for text in page.locator("#board .ranked td a").all_inner_texts()]


def names(page: Page, body: str = "ranked") -> list[str]:
    return page.locator(f"#board .{body} th[scope=row]").all_inner_texts()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_and_readable_everywhere(browser: Browser, world: World, width: int, scheme: str) -> None:
    page, troubles = visit(browser, world.out / "report.html", width, scheme)
    draw_plots(page)
    for plot in page.locator(".plot").all():
        assert plot.locator("svg").count() == 1
        assert plot.locator("svg path").count() > 3
        assert plot.evaluate(CUT_WORDS) == []
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
    draw_plots(page)
    assert (
        "The same for every query: Lead × BM25, Transcript × BM25." in page.locator("#summary").inner_text()
    )
    assert page.locator("#settings-that-differ tbody").inner_text().count("bm25.k1") == 1
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert troubles == []
    page.close()


def test_dark_and_light_differ(browser: Browser, world: World) -> None:
    page, _ = visit(browser, world.out / "report.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.close()


def test_plots_are_drawn_when_they_come_into_view(browser: Browser, world: World) -> None:
    page, _ = visit(browser, world.out / "report.html")
    last = page.locator(".plot").last
    assert last.locator("svg").count() == 0
    last.scroll_into_view_if_needed()
    last.locator("svg").wait_for()
    page.close()


@pytest.mark.parametrize("width", [1024, WIDE])
def test_the_first_screen_holds_the_answer_and_the_leaderboard(
    browser: Browser, world: World, width: int
) -> None:
    page, _ = visit(browser, world.out / "report.html", width)
    shown = page.evaluate(
        "[...document.querySelectorAll('#summary p, #board tr')]"
        ".filter((e) => e.getBoundingClientRect().bottom <= innerHeight).map((e) => e.innerText).join(' ')"
    )
    for answer in ("With BM25, ", "p = ", "Searching the raw transcript", "Seconds per"):
        assert answer in shown
    assert all(name in shown for name in names(page))
    page.close()


def test_the_leaderboard_sorts_and_a_third_click_restores(seen: Page) -> None:
    heading = seen.locator("#board thead button").first
    before = names(seen)
    heading.click()
    falling = scores(seen)
    assert falling == sorted(falling, reverse=True)
    heading.click()
    assert scores(seen) == sorted(falling)
    assert seen.locator("#board th[aria-sort]").get_attribute("aria-sort") == "ascending"
    assert names(seen, "references") == ["Transcript"]
    heading.click()
    assert names(seen) == before
    assert seen.locator("#board th[aria-sort]").count() == 0


def test_a_table_sorts_inside_its_blocks_and_a_third_click_restores(seen: Page) -> None:
    seen.locator("#all-metrics > summary").click()
    heading = seen.locator("#retrieval thead button", has_text="R@10")
    rows = seen.locator("#retrieval tbody tr")
    before = rows.all_inner_texts()
    heading.click()
    numbers = [float(text) for text in seen.locator("#retrieval tbody td:nth-child(5)").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    heading.click()
    heading.click()
    assert rows.all_inner_texts() == before


def test_the_leaderboard_shows_another_metric(seen: Page) -> None:
    first = scores(seen)
    seen.locator("#metric").select_option("P@5")
    assert scores(seen) != first
    assert "P@5:" in seen.locator("#board-note").inner_text()
    seen.locator("#metric").select_option("R@10")
    assert scores(seen) == first


def test_the_leaderboard_shows_one_retriever_or_all(browser: Browser, world: World, tmp_path: Path) -> None:
    second = f"{EXAMPLE_RETRIEVER}:MyRetriever"
    bench.run(
        data=world.data, generators=["lead", "transcript"], retrievers=["bm25", second],
        protocol="all-queries", out=tmp_path / "out", store=world.store.root, quiet=True,
        set={"bm25.engine": "bm25s"},
    )  # fmt: skip
    page, troubles = visit(browser, tmp_path / "out" / "report.html")
    buttons = page.locator("#retrievers button")
    every, bm25, other = buttons.all_inner_texts()

    def columns(page: Page) -> list[str]:
        return page.locator("#board thead button").all_inner_texts()

    assert columns(page) == [bm25, other]
    buttons.nth(2).click()
    assert columns(page) == [other]
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    reopened, _ = visit(browser, tmp_path / "out" / "report.html", hash_=page.evaluate("location.hash"))
    assert columns(reopened) == [other]
    page.get_by_role("button", name=every, exact=True).click()
    assert columns(page) == [bm25, other]
    assert troubles == []
    page.close()
    reopened.close()


def test_an_address_opens_the_page_in_the_same_state(browser: Browser, world: World) -> None:
    page, _ = visit(browser, world.out / "report.html")
    page.locator("#metric").select_option("P@5")
    page.locator("#board thead button").first.click()
    page.locator("#preset").select_option("all")
    page.locator("#words").fill("number5 how")
    page.locator("#list button").first.click()
    page.locator("#cost .legend button").first.click()
    other, _ = visit(browser, world.out / "report.html", hash_=page.evaluate("location.hash"))
    for one in (page, other):
        assert one.locator("#metric").input_value() == "P@5"
        assert one.locator("#board th[aria-sort=descending]").count() == 1
        assert one.locator("#preset").input_value() == "all"
        assert one.locator("#list button").count() == 1
        assert one.locator("#example h3").inner_text() == "paper plane number5 how to"
        assert one.locator("#cost .legend button[aria-pressed=true]").count() == 1
    page.close()
    other.close()


def test_a_score_leads_to_the_queries_that_were_missed(seen: Page) -> None:
    seen.locator("#board .ranked td a").first.click()
    assert seen.locator("#preset").input_value() == "missed"
    system = seen.locator("#system-a").input_value()
    ranks = seen.locator("#list small").all_inner_texts()
    assert ranks
    assert all("not in the first" in text or int(text.rpartition(" ")[2]) > 10 for text in ranks)
    assert f"a={system.partition(':')[0]}" in seen.evaluate("location.hash")


def test_groups_of_failures_hold_what_they_say(seen: Page) -> None:
    seen.locator("#preset").select_option("beats")
    seen.locator("#system-a").select_option("transcript")
    seen.locator("#system-b").select_option("lead")
    texts = seen.locator("#list small").all_inner_texts()
    for text in texts:
        ours, theirs = text.split(" · ")
        assert int(ours.rpartition(" ")[2]) <= 10
        assert "not in the first" in theirs or int(theirs.rpartition(" ")[2]) > 10
    seen.locator("#preset").select_option("all")
    assert f"{QUERIES} of {QUERIES} queries" in seen.locator("#count").inner_text()


def test_a_query_shows_summaries_ranks_first_results_and_its_words(seen: Page) -> None:
    seen.locator("#preset").select_option("all")
    seen.locator("#words").fill("number5 how")
    assert seen.locator("#count").inner_text().startswith(f"1 of {QUERIES} queries")
    shown = seen.locator("#example").inner_text()
    assert "paper plane number5 how to" in shown
    assert "look at the paper plane number5" in shown
    assert "rank 1" in shown
    assert "number5" in seen.locator("#example mark").all_inner_texts()
    seen.locator("#words").fill("")


def test_intervals_are_shown_to_mouse_and_keyboard(seen: Page) -> None:
    seen.evaluate("document.getElementById('all-metrics').open = true")
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
        name = page.evaluate(
            "(() => { const e = document.activeElement;"
            " return e.id || e.name || e.closest('[id]')?.id || e.tagName; })()"
        )
        reached.add(name)
        if name == "BODY":
            break
    controls = {"metric", "board", "board-table", "preset", "system-a", "words", "list", "example"}
    assert controls | {"figure-cost", "figure-curve", "generation-metrics", "settings"} <= reached
    page.close()


def test_texts_of_a_run_are_shown_as_they_are(seen: Page) -> None:
    seen.locator("#preset").select_option("all")
    seen.locator("#words").fill("</script>")
    assert HOSTILE in seen.locator("#example h3").inner_text()
    assert seen.evaluate("window.broken") is None
    assert seen.locator("img").count() == 0
    seen.locator("#words").fill("")


def test_an_address_cannot_bring_markup_into_the_page(browser: Browser, world: World) -> None:
    image = "%3Cimg%20src%3Dx%20onerror%3Dwindow.broken%3D1%3E"
    hostile = f"#m={image}&f=__proto__&a=%3Cscript%3E&w={image}&q=%22&l={image}"
    page, troubles = visit(browser, world.out / "report.html", hash_=hostile)
    assert page.locator("#metric").input_value() == "R@10"
    assert page.locator("#board .ranked tr").count() == 2
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 0
    assert troubles == []
    page.close()


def test_a_legend_lists_the_systems_of_its_plots_alone(
    browser: Browser, world: World, tmp_path: Path
) -> None:
    html = (world.out / "report.html").read_text(encoding="utf-8")
    head, _, rest = html.partition('<script type="application/json" id="specs">')
    text, _, tail = rest.partition("</script>")
    specs = json.loads(text)
    values = specs["cost"]["data"]["values"]
    specs["cost"]["data"]["values"] = [row for row in values if row["series"] != "Transcript"]
    path = tmp_path / "report.html"
    mark = '<script type="application/json" id="specs">'
    path.write_text(
        head + mark + json.dumps(specs).replace("<", "\\u003c") + "</script>" + tail, encoding="utf-8"
    )
    page, _ = visit(browser, path)
    assert "Transcript" not in page.locator("#cost .legend button").all_inner_texts()
    assert "Transcript" in page.locator("#depth .legend button").all_inner_texts()
    page.close()


def test_the_axis_of_costs_names_the_selected_cost(seen: Page) -> None:
    place = seen.locator("#plot-cost")
    place.scroll_into_view_if_needed()
    place.locator("svg text", has_text="seconds per 1,000 summaries (log scale)").wait_for()
    place.locator("select").first.select_option("search, ms (median)")
    place.locator("svg text", has_text="search, ms (median) (log scale)").wait_for()


def test_a_plot_shows_its_numbers(seen: Page) -> None:
    numbers = seen.locator("details.data").first
    numbers.locator("summary").click()
    numbers.locator("tbody tr").nth(2).wait_for()


def test_a_reader_selects_the_metric_of_the_curves(seen: Page) -> None:
    place = seen.locator("#plot-curve")
    place.scroll_into_view_if_needed()
    place.locator("svg").wait_for()
    assert place.locator("svg text", has_text="P@k").count() == 0
    place.locator("select").first.select_option("P")
    place.locator("svg text", has_text="P@k").wait_for()


def test_a_page_of_100_000_queries_is_small_and_usable(
    browser: Browser, world: World, tmp_path: Path
) -> None:
    bench.run(
        data=world.data, generators=["lead", "transcript"], retrievers=["bm25"], protocol="all-queries",
        out=tmp_path / "out", store=world.store.root, quiet=True, set={"bm25.engine": "bm25s"},
    )  # fmt: skip
    enlarge(tmp_path / "out", queries=100_000, videos=20_000)
    path = tmp_path / "page.html"
    path.write_text(render(open_sources([tmp_path / "out"]), world.store), encoding="utf-8")
    assert path.stat().st_size <= 3_000_000
    page, troubles = visit(browser, path)
    assert page.locator("#list button").count() == 50
    assert "of 100,000 queries" in page.locator("#failures").inner_text()
    page.locator("#preset").select_option("all")
    assert page.locator("#count").inner_text().startswith("300 of 300 queries")
    assert troubles == []
    page.close()

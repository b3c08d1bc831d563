"""The page in a real browser: widths, themes, contrast, keyboard, requests, sliders and filters."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)
DRAWN = "[...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.ready)"


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on the path: the page is not tried in a browser")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=FLAGS.split(), timeout=120_000)
        yield started
        started.close()


class Visit:
    """The page in a browser, with everything it complained of or asked for."""

    def __init__(self, browser, path: Path, width: int, scheme: str, unfold: bool):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.complaints, self.requests = [], []
        self.view = self.context.new_page()
        self.view.set_default_timeout(120_000)
        self.view.on("console", lambda message: self._heard(message.type, message.text))
        self.view.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.view.route(re.compile("^(?!file:|data:|blob:)"), self._refuse)
        self.view.goto(path.as_uri())
        if unfold:
            self.view.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            self.view.wait_for_function(DRAWN)

    def _heard(self, kind, text):
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _refuse(self, route):
        self.requests.append(route.request.url)
        route.abort()

    def paths(self, figure):
        """Where the marks of a figure are."""
        return self.view.evaluate(
            f"[...document.querySelectorAll('#{figure} .chart .points path')].map((mark) => mark.getAttribute('transform'))"
        )


@pytest.fixture
def visit(browser, finished):
    visits = []

    def begin(width=1400, scheme="light", unfold=True):
        visits.append(Visit(browser, finished, width, scheme, unfold))
        return visits[-1]

    yield begin
    for each in visits:
        each.context.close()


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (channels(colour)[3] > 0) return colour;
    }
    return "white";
  };
  const ratio = (colour, element) => {
    const [a, b] = [luminance(colour), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const lines = {};
  for (const line of document.querySelectorAll(".chart .trace .js-line")) {
    const {opacity} = getComputedStyle(line.closest(".trace"));
    const own = getComputedStyle(line).stroke;
    if (opacity === "1" && own !== "none") lines[own] = ratio(own, line);
  }
  const found = {};
  for (const [selector, property] of [
    ["main p", "color"], [".source", "color"], [".kicker", "color"], ["td .printed", "color"], ["td.partial", "color"],
    [".badge.reproduced", "color"], [".badge.not-reproduced", "color"], [".badge.undecided", "color"], ["nav a", "color"],
    [".caution", "color"], [".card .reason", "color"], ["figcaption", "color"], [".wrong", "color"], [".right", "color"],
    [".hint", "color"], [".notes", "color"], [".counts td", "color"], [".title", "color"],
    ["#figure5 .xtick text", "fill"], ["#figure5 .legendtext", "fill"], ["#figure1 svg text", "fill"],
  ]) {
    const element = document.querySelector(selector);
    found[selector] = ratio(getComputedStyle(element)[property], element);
  }
  return [found, lines];
}"""


SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
STICKING_OUT = """[...document.querySelectorAll("body *")].filter((each) =>
  each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll, .main-svg, .hidden")
).map((each) => each.outerHTML.slice(0, 80))"""
WIDER_THAN_THEIR_PLACE = """[...document.querySelectorAll(".scroll")].flatMap((place, number) =>
  place.scrollWidth > place.clientWidth + 1 ? [number] : [])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1200])
def test_a_browser_shows_it_without_complaint_request_or_sideways_scrolling(visit, width, scheme):
    shown = visit(width, scheme)
    assert not shown.view.evaluate(SIDEWAYS)
    assert shown.view.evaluate(STICKING_OUT) == []
    assert shown.view.locator(".chart svg.main-svg").count() >= 5
    text, lines = shown.view.evaluate(CONTRASTS)
    assert {selector: ratio for selector, ratio in text.items() if ratio < 4.5} == {}
    assert len(lines) > 5
    assert {colour: ratio for colour, ratio in lines.items() if ratio < 3} == {}
    assert shown.complaints == []
    assert shown.requests == []


@pytest.mark.parametrize("width", [390, 768, 1200])
def test_what_is_wider_than_its_place_says_so_and_scrolls_by_keyboard(visit, width):
    shown = visit(width)
    wide = shown.view.evaluate(WIDER_THAN_THEIR_PLACE)
    assert len(wide) > 3 or width > 390
    for place in (shown.view.locator(".scroll").nth(number) for number in wide):
        assert place.evaluate(
            "(own) => own.nextElementSibling.matches('.hint') && own.nextElementSibling.checkVisibility()"
        )
        assert place.evaluate("(own) => getComputedStyle(own).borderRightWidth") == "2px"
        place.focus()
        place.press("ArrowRight")
        shown.view.wait_for_function("(own) => own.scrollLeft > 0", arg=place.element_handle())
    for number in range(shown.view.locator(".hint").count()):
        if number not in wide:
            assert not shown.view.locator(".hint").nth(number).is_visible()


def test_sections_are_folded_on_a_narrow_screen_and_links_open_them(visit):
    shown = visit(390, unfold=False)
    assert not shown.view.evaluate(SIDEWAYS)
    assert shown.view.evaluate("document.documentElement.scrollHeight") < 6000
    claim = shown.view.locator("#claim-T1-A128-test")
    assert not claim.is_visible()
    shown.view.evaluate("location.hash = '#claim-T1-A128-test'")
    claim.wait_for()
    shown.view.get_by_text("Contents").click()
    shown.view.get_by_role("button", name="Open every section").click()
    shown.view.wait_for_function(DRAWN)
    assert shown.view.locator("#figure5 .chart svg.main-svg").first.is_visible()
    assert shown.complaints == []


@pytest.mark.parametrize("figure", ["figure3", "figure6"])
def test_the_slider_moves_the_picture(visit, figure):
    shown = visit()
    before = shown.paths(figure)
    slider = shown.view.locator(f"#slider-{figure}")
    slider.press("Home")
    first = slider.evaluate("(element) => element.parentElement.querySelector('output').textContent")
    shown.view.wait_for_function(
        f"(before) => document.querySelectorAll('#{figure} .chart .points path')[0].getAttribute('transform') !== before",
        arg=before[0],
    )
    assert first == "0"
    slider.press("End")
    shown.view.wait_for_function(
        f"(before) => document.querySelectorAll('#{figure} .chart .points path')[0].getAttribute('transform') === before",
        arg=before[0],
    )
    assert shown.complaints == []


def test_the_theme_button_and_the_filters_of_the_ledger_work(visit):
    shown = visit(scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = shown.view.evaluate(ground)
    for _ in range(2):
        shown.view.locator("#theme").click()
    assert shown.view.evaluate(ground) != light
    assert shown.view.locator("#theme").inner_text() == "Theme: dark"
    rows = shown.view.locator(".ledger tbody tr")
    assert [row.is_visible() for row in rows.all()] == [True] * 3
    shown.view.get_by_label("not reproduced (1)").check()
    assert [row.is_visible() for row in rows.all()] == [True, False, False]
    shown.view.get_by_label("reproduced (2)", exact=True).check()
    shown.view.get_by_label("reduced").check()
    assert [row.is_visible() for row in rows.all()] == [False, True, False]

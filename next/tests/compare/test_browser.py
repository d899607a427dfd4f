"""The page in a real browser: nothing requested, no errors, readable on a phone and in dark mode."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compare.test_report import write_nasty

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Headless Chromium, the system's own; CHROMIUM names another one."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "these tests need Chromium: apt-get install chromium, or CHROMIUM=path"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser) -> Iterator:
    """Return a function that opens a file; at the end, no page must have logged, asked or requested anything."""
    events: list[str] = []
    files: list[Path] = []

    def open_file(file: Path, **options: object):
        page = browser.new_context(**options).new_page()
        page.on("console", lambda message: events.append(message.text))
        page.on("pageerror", lambda error: events.append(str(error)))
        page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: events.append(request.url))
        page.goto(file.as_uri())
        files.append(file)
        return page

    yield open_file
    assert [event for event in events if not event.startswith("data:")] == [file.as_uri() for file in files]


def test_a_click_or_a_key_sorts(open_page, written):
    page = open_page(written / "report.html")
    head = page.locator("#performance thead th", has_text="accuracy")

    def values() -> list[float]:
        cells = page.locator("#performance tbody tr td:nth-of-type(2)").all_inner_texts()
        return [float(text.split()[0]) for text in cells]

    head.locator("button").click()
    assert values() == sorted(values()) and head.get_attribute("aria-sort") == "ascending"
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert values() == sorted(values(), reverse=True) and head.get_attribute("aria-sort") == "descending"
    # Rows without a value are last in both directions.
    for _ in range(2):
        page.locator("#performance thead th", has_text="parameters").locator("button").click()
        assert page.locator("#performance tbody tr td:nth-of-type(12)").last.inner_text() == ""


def test_details_open_and_the_command_is_copied(open_page, written):
    page = open_page(written / "report.html", permissions=["clipboard-read", "clipboard-write"])
    details = page.locator("details", has=page.locator("summary", has_text="bert-mean"))
    assert details.locator("svg").first.is_hidden()
    details.locator("summary").click()
    assert details.locator("svg").count() == 3 and details.locator("svg").first.is_visible()
    details.get_by_role("button", name="Copy").click()
    details.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith(
        "bbc-classifier train --output_dir=runs/bert-mean"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_on_a_phone_and_in_the_dark(open_page, written, scheme, width):
    page = open_page(written / "report.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.1) == (scheme == "dark")
    colors = page.evaluate(
        "[...document.querySelectorAll('p, td, th, dd, dt, a, figcaption, caption, summary')]"
        ".map(element => getComputedStyle(element).color)"
    )
    assert min(contrast(color, paper) for color in set(colors)) >= 4.5
    ink = page.evaluate("getComputedStyle(document.querySelector('#performance svg text')).fill")
    assert contrast(ink, paper) >= 4.5
    # Text of figures is not scaled below what can be read.
    heights = page.evaluate(
        "[...document.querySelectorAll('#performance svg text')].map(text => text.getBoundingClientRect().height)"
    )
    assert min(heights) >= 8


def test_markup_in_labels_is_shown_as_text(open_page, tmp_path):
    write_nasty(tmp_path)
    page = open_page(tmp_path / "report.html")
    assert page.locator("#classes").get_by_text("<script>alert(1)</script>").count() >= 1


def luminance(color: str) -> float:
    """Return the relative luminance of a CSS color (WCAG 2.2)."""
    channels = [int(part) / 255 for part in color.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colors (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

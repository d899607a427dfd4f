"""The page in a real browser: nothing requested, no errors, readable on a phone and in dark mode."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compare.test_report import write_nasty

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page() -> Iterator:
    """Return a function that opens a file in Chromium (CHROMIUM names another one than the system's).

    At the end, the page must not have logged, asked or requested anything but itself.
    """
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "these tests need Chromium: apt-get install chromium, or CHROMIUM=path"
    events: list[str] = []

    def open_file(file: Path, **options: object):
        page = browser.new_context(**options).new_page()
        for kind, attribute in (
            ("console", "text"),
            ("pageerror", "message"),
            ("dialog", "message"),
            ("request", "url"),
        ):
            page.on(kind, lambda event, attribute=attribute: events.append(getattr(event, attribute)))
        page.goto(file.as_uri())
        return page

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield open_file
        browser.close()
    assert len([event for event in events if not event.startswith("data:")]) == 1, events


def test_tables_are_sorted_details_open_and_commands_are_copied(open_page, written):
    page = open_page(written / "report.html", permissions=["clipboard-read", "clipboard-write"])
    for column, name in ((2, "accuracy"), (12, "parameters")):
        for descending in (False, True):
            page.locator("#performance thead th", has_text=name).locator("button").click()
            texts = page.locator(f"#performance tbody tr td:nth-of-type({column})").all_inner_texts()
            values = [float(text.split()[0].replace(",", "")) for text in texts if text]
            assert values == sorted(values, reverse=descending) and not any(texts[len(values) :])
    details = page.locator("details", has=page.locator("summary", has_text="bert-mean"))
    details.locator("summary").click()
    assert details.locator("svg").count() == 3 and details.locator("svg").first.is_visible()
    details.get_by_role("button", name="Copy").click()
    details.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("bbc-classifier train --output_dir=runs/bert")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_on_a_phone_and_in_the_dark(open_page, tmp_path, scheme, width):
    write_nasty(tmp_path)
    page = open_page(tmp_path / "report.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    background, text = (f"getComputedStyle(document.body).{name}" for name in ("backgroundColor", "color"))
    assert (page.evaluate(background) == "rgb(255, 255, 255)") == (scheme == "light")
    figure_text = "document.querySelector('#performance svg text')"
    assert page.evaluate(f"getComputedStyle({figure_text}).fill") == page.evaluate(text)
    assert page.evaluate(f"{figure_text}.getBoundingClientRect().height") >= 8

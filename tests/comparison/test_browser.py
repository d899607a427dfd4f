"""The page in a real browser: chosen, sorted, switched, copied out of; nothing fetched and nothing complained about."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bbc_classifier.comparison.page import page as html_page
from bbc_classifier.records import read_json

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A headless Chromium, the system's own: CHROMIUM names another one."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "these tests need Chromium: apt-get install chromium, or CHROMIUM=path"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page, and everything that went wrong or out from it."""

    def __init__(self, browser, file: Path, **options: object):
        self.complaints: list[str] = []
        self.requests: list[str] = []
        context = browser.new_context(accept_downloads=True, **options)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.file = file

    def check_silence(self) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith(("data:", "blob:"))] == [self.file.as_uri()]


@pytest.fixture
def opened(browser, compared) -> Iterator[Opened]:
    opened = Opened(browser, compared / "report.html", viewport={"width": 1280, "height": 900})
    yield opened
    opened.check_silence()
    opened.page.context.close()


def column(page, number: int) -> list[str]:
    return page.locator(f"#performance-table tbody tr td:nth-of-type({number})").all_inner_texts()


def test_a_configuration_that_is_not_chosen_is_hidden(opened):
    page = opened.page
    rows = page.locator("#performance-table tbody tr")
    assert rows.count() == 6
    page.locator("#chooser input").first.uncheck()
    assert rows.first.is_hidden() and rows.nth(1).is_visible()
    page.get_by_role("button", name="None", exact=True).click()
    assert all(rows.nth(number).is_hidden() for number in range(6))
    page.get_by_role("button", name="All", exact=True).click()
    assert all(rows.nth(number).is_visible() for number in range(6))


def test_a_click_or_a_key_sorts(opened):
    page = opened.page
    head = page.locator("#performance-table thead th", has_text="accuracy")

    def values() -> list[float]:
        return [float(text.split()[0]) for text in column(page, 2)]

    head.locator("button").click()
    assert values() == sorted(values()) and head.get_attribute("aria-sort") == "ascending"
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert values() == sorted(values(), reverse=True) and head.get_attribute("aria-sort") == "descending"
    # Numbers sort as numbers, and what has none stands last.
    page.locator("#performance-table").get_by_role("button", name="parameters", exact=True).click()
    assert column(page, 12)[-1] == ""


def test_one_configuration_is_shown_view_by_view_also_by_keyboard(opened):
    page = opened.page
    page.locator("#detail").select_option(label="tiny-bert-pooler")
    shown = page.locator(".detail:visible")
    assert shown.count() == 1 and shown.get_attribute("aria-label") == "tiny-bert-pooler"
    tabs = shown.get_by_role("tab")
    assert tabs.all_inner_texts() == ["Confusion matrix", "Curves", "Calibration", "Configuration", "Code"]
    assert shown.get_by_role("tabpanel").count() == 1
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    assert shown.get_by_role("tabpanel").locator("svg").get_attribute("aria-label").startswith("Loss and validation")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert tabs.last.get_attribute("aria-selected") == "true"


def test_the_code_is_copied_and_downloaded_whole(opened, tmp_path):
    page = opened.page
    page.locator("#detail").select_option(label="tiny-distilbert-cls")
    shown = page.locator(".detail:visible")
    shown.get_by_role("tab", name="Code").click()
    with page.expect_download() as download:
        shown.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "tiny-distilbert-cls.py"
    download.value.save_as(tmp_path / "script.py")
    code = (tmp_path / "script.py").read_text(encoding="utf-8")
    compile(code, "script.py", "exec")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.get_by_role("button", name="Copy").click()
    shown.get_by_role("status").get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == code


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_on_a_phone_and_in_the_dark(browser, compared, scheme, width):
    opened = Opened(browser, compared / "report.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    spans = page.locator("caption span").all()
    assert spans
    for span in spans:
        box = span.bounding_box()
        assert box is None or box["width"] <= width
    colours = page.evaluate(
        "[...document.querySelectorAll('p, td, th, dd, dt, a, figcaption, caption, label')]"
        ".map(element => getComputedStyle(element).color)"
    )
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.1) == (scheme == "dark")
    assert min(contrast(colour, paper) for colour in set(colours)) >= 4.5
    ink = page.evaluate("getComputedStyle(document.querySelector('#performance svg text')).fill")
    assert contrast(ink, paper) >= 4.5
    opened.check_silence()


def test_on_paper_everything_is_there(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".detail:visible").count() == 6
    assert opened.page.locator(".view:visible").count() == opened.page.locator(".view").count()


def test_labels_that_are_markup_are_shown_as_text(browser, nasty, tmp_path):
    (tmp_path / "report.html").write_text(html_page(nasty, {}), encoding="utf-8")
    opened = Opened(browser, tmp_path / "report.html")
    assert opened.page.locator("#classes").get_by_text("<script>alert(1)</script>").count() >= 1
    opened.check_silence()


def test_every_row_of_the_results_is_in_the_table(opened, compared):
    names = opened.page.locator("#performance-table tbody th").all_inner_texts()
    assert names == [row["name"] for row in read_json(compared / "results.json")["configurations"]]


def luminance(colour: str) -> float:
    """Return the relative luminance of a CSS colour (WCAG 2.2)."""
    channels = [int(part) / 255 for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

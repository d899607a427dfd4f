"""The demo page in Chromium: a label, its reasons, a file; texts are escaped and requests to other hosts are none."""

import shutil
import socket

import pandas as pd
import pytest

from bbc_classifier.config import DemoArguments
from bbc_classifier.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def page_url(tiny_model_dir):
    pytest.importorskip("gradio")
    from bbc_classifier.demo import build_page

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    args = DemoArguments(model=str(tiny_model_dir), min_confidence=0.0, max_characters=200, max_rows=3, device="cpu")
    page = build_page(args)
    _, url, _ = page.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


@pytest.fixture
def browser_page(page_url):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.foreign = []
        page.on("request", lambda request: page.foreign.append(request.url) if "127.0.0.1" not in request.url else None)
        page.goto(page_url)
        page.get_by_label("Text", exact=True).wait_for()
        yield page
        browser.close()


def test_text_reasons_and_file(browser_page, tmp_path):
    page = browser_page
    page.get_by_label("Text", exact=True).fill("The team scored <img src=x onerror=alert(1)> twice.")
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_text("Probabilities").wait_for()
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("Words for").wait_for()
    assert page.locator("img[src='x']").count() == 0
    page.get_by_role("tab", name="File").click()
    rows = tmp_path / "rows.csv"
    pd.DataFrame({"text": ["A goal.", "=1+1", "The budget."]}).to_csv(rows, index=False)
    page.locator("input[type=file]").first.set_input_files(rows)
    page.get_by_role("button", name="Classify the rows").click()
    page.get_by_text("3 rows:").wait_for()
    with page.expect_download() as download:
        page.locator("a[download]").last.click()
    table = pd.read_csv(download.value.path())
    assert len(table) == 3 and table["text"][1] == "'=1+1" and "prediction" in table
    assert [url for url in page.foreign if url.startswith("http")] == []


def test_limits(browser_page, tmp_path):
    page = browser_page
    page.get_by_role("tab", name="File").click()
    rows = tmp_path / "rows.csv"
    pd.DataFrame({"text": ["A goal."] * 4}).to_csv(rows, index=False)
    page.locator("input[type=file]").first.set_input_files(rows)
    page.get_by_role("button", name="Classify the rows").click()
    page.get_by_text("at most 3 are accepted").wait_for()


def test_an_absent_classifier_is_a_sentence(tmp_path):
    from bbc_classifier.demo import build_page

    with pytest.raises(UserError, match="absent"):
        build_page(DemoArguments(model=str(tmp_path / "absent")))

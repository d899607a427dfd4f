"""The page in a real browser: no request, no error, every choice followed, readable on a phone and in the dark."""

import numpy as np
import pytest

from tests.compare.test_report import write_nasty

pytestmark = pytest.mark.browser
SCORES = ("precision", "recall", "f1")
EVENTS = {"console": "text", "pageerror": "message", "dialog": "message", "request": "url"}


@pytest.fixture
def open_page(chromium):
    """Return a function that opens a file; at the end the page must have logged, asked and requested only itself."""
    events = []

    def open_file(file, **options):
        page = chromium.new_context(**options).new_page()
        for kind, attribute in EVENTS.items():
            page.on(kind, lambda event, attribute=attribute: events.append(getattr(event, attribute)))
        page.goto(file.as_uri())
        return page

    yield open_file
    assert len([event for event in events if not event.startswith("data:")]) == 1, events


def test_tables_are_sorted(open_page, written):
    page = open_page(written / "report.html")
    for column, name in ((2, "accuracy"), (12, "parameters")):
        for descending in (False, True):
            page.locator("#performance thead th", has_text=name).locator("button").click()
            texts = page.locator(f"#performance tbody tr td:nth-of-type({column})").all_inner_texts()
            values = [float(text.split()[0].replace(",", "")) for text in texts if text]
            assert values == sorted(values, reverse=descending) and not any(texts[len(values) :])


def test_choosing_a_pooling_switches_the_page(open_page, written, results):
    options = {"viewport": {"width": 1280, "height": 800}, "permissions": ["clipboard-read", "clipboard-write"]}
    page = open_page(written / "report.html", **options)
    assert page.locator("#performance .scroll").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.get_by_role("button", name="distil", exact=True).click()
    for name, encoder, pooling, source in (
        ("distil-mean", "distil", "mean", "class Mean(Pooling)"),
        ("bert-cls", "bert", "cls", "class Cls(Pooling)"),  # distil has no cls
        ("bert-mean", "bert", "mean", "class Mean(Pooling)"),
    ):
        page.get_by_role("button", name=pooling, exact=True).press("Enter")
        pressed = page.locator("[aria-pressed=true]").evaluate_all("all => all.map(b => Object.values(b.dataset)[0])")
        assert sorted(pressed) == sorted([name, encoder, pooling])
        assert page.locator("tr[aria-current=true] th").inner_text() == name
        assert source in page.locator("[data-show=source]").inner_text()
        row = next(row for row in results["configurations"] if row["name"] == name)
        counts = [str(count) for counts in row["confusion_matrix"]["counts"] for count in counts]
        assert page.locator("#matrix td").all_inner_texts() == counts
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("bbc-classifier train --output_dir=runs/bert-mean")
    page.locator("button[data-name=tfidf-svm]").click()
    assert "baseline" in page.locator("[data-show=where]").inner_text()
    assert page.locator("[data-show=source]").is_hidden()


def test_the_walk_ends_at_the_macro_averages(open_page, written, results):
    page = open_page(written / "report.html")
    row = next(row for row in results["configurations"] if not row["baseline"])
    scores = row["per_class"]["b"]
    page.locator("#class").select_option("b")
    page.locator("#next").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    marked = {kind: sum(map(int, page.locator(f"#matrix .{kind}").all_inner_texts())) for kind in ("tp", "fp", "fn")}
    assert marked == {kind: scores[kind] for kind in ("tp", "fp", "fn")}
    macro = {score: np.mean([each[score] for each in row["per_class"].values()]) for score in SCORES}
    for score in SCORES:
        assert f"= {scores[score]:.4f}" in page.locator("#steps").inner_text()
    page.keyboard.press("ArrowRight")
    shown = page.locator("#macro tr").last.locator("td").all_inner_texts()
    assert shown == [f"{value:.4f}" for value in macro.values()]
    own = ", ".join(f"{row['mean'][f'macro_{score}']:.4f}" for score in macro)
    sentence = f"Counts are summed over 2 seeds; the mean of each seed's macro averages is {own}."
    assert sentence in page.locator("#steps").inner_text()


def test_curves_are_chosen_and_read(open_page, written):
    page = open_page(written / "report.html")
    loss = page.locator("#charts figure").first
    loss.locator("svg").hover()
    assert "epoch 0.5 (step 2): 1.5" in loss.locator("output").inner_text()
    validation = page.locator("#charts figure", has_text="Validation accuracy")
    validation.locator("svg").press("ArrowRight")
    assert "seed 43, epoch 1 (step 4): 0.7" in validation.locator("output").inner_text()
    lines = page.locator("#charts figure").first.locator("path:not(.grid)")
    before = lines.count()
    page.get_by_label("distil-mean, 20 rows").check()
    assert lines.count() == before + 2  # a line per seed
    assert page.locator("#charts figure", has_text="training rows").locator("path:not(.grid)").count() == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_on_a_phone_and_in_the_dark(open_page, tmp_path, scheme, width):
    write_nasty(tmp_path)
    page = open_page(tmp_path / "report.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    page.locator("#next").press("ArrowRight")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    background, text = (f"getComputedStyle(document.body).{name}" for name in ("backgroundColor", "color"))
    assert (page.evaluate(background) == "rgb(255, 255, 255)") == (scheme == "light")
    figure_text = "document.querySelector('#charts svg text')"
    assert page.evaluate(f"getComputedStyle({figure_text}).fill") == page.evaluate(text)
    assert page.evaluate(f"{figure_text}.getBoundingClientRect().height") >= 8

"""The page and its Markdown: whole, small, without any address to fetch, and whatever a label says stands as text."""

import csv
import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np

from bbc_classifier.comparison.drawings import draw_accuracy
from bbc_classifier.comparison.markdown import markdown
from bbc_classifier.comparison.page import page, walkthrough
from bbc_classifier.comparison.report import table
from bbc_classifier.comparison.reproduction import command, script
from bbc_classifier.comparison.sentences import seeds_text
from bbc_classifier.markdown import escape_markdown
from bbc_classifier.records import read_json


class Ids(HTMLParser):
    """Collects ids, references to them, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("aria-controls", "aria-labelledby", "for"):
                self.references.add(value or "")


def parsed(html: str) -> Ids:
    parser = Ids()
    parser.feed(html)
    return parser


def test_whatever_a_label_says_stands_as_text(nasty):
    html = page(nasty, {})
    assert "alert(1)" in html and "<script>alert" not in html and "<img" not in html and "<b>bold" not in html
    assert parsed(html).tags.count("script") == 1
    text = markdown(nasty)
    assert "<script>" not in text.partition("## How to reproduce")[0]


def test_the_real_page_is_whole_and_fetches_nothing(compared):
    html = (compared / "report.html").read_text(encoding="utf-8")
    assert len(html.encode()) < 6_000_000
    # Addresses stand in it only as names: of SVG's own vocabulary.
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+[\w/.-]*", html)) - {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not {address for address in addresses if address.startswith("http")}
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", html.replace("xlink:href", ""))
    there = parsed(html)
    assert len(there.ids) == len(set(there.ids))
    assert there.references <= set(there.ids)
    assert "default-src 'none'" in html


def test_every_figure_of_the_table_is_in_the_page_the_markdown_and_the_csv(compared):
    content = read_json(compared / "results.json")
    html, text = ((compared / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    rows = list(csv.DictReader(io.StringIO((compared / "results.csv").read_text(encoding="utf-8"))))
    assert len(rows) == sum(len(row["per_seed"]) for row in content["configurations"])
    for row in content["configurations"]:
        shown = f"{100 * row['mean']['accuracy']:.2f}"
        assert shown in html and shown in text
        mine = [each for each in rows if each["configuration"] == row["name"]]
        assert [float(each["accuracy"]) for each in mine] == [seed["metrics"]["accuracy"] for seed in row["per_seed"]]


def test_the_walkthrough_puts_the_models_own_counts_into_the_formulas():
    first = walkthrough(np.array([[8, 2], [1, 0]]), ["a", "b"])[0]
    assert (first["tp"], first["fp"], first["fn"]) == (8, 1, 2)
    assert (
        first["precision"] == "8 / 9 = 0.8889"
        and first["recall"] == "8 / 10 = 0.8000"
        and first["f1"] == "16 / 19 = 0.8421"
    )
    nothing = walkthrough(np.array([[3, 0], [0, 0]]), ["a", "b"])[1]
    assert nothing["precision"] == "0 / 0, counted as 0"


def test_markdown_of_a_name_is_the_name():
    assert escape_markdown("a|b*c_d\n<e>") == r"a\|b\*c\_d \<e\>"


def test_the_csv_of_names_with_commas_reads_back(nasty):
    rows = list(csv.DictReader(io.StringIO(table(nasty))))
    assert "<b>bold</b>-cls" in {row["configuration"] for row in rows}


def test_the_script_and_the_command_are_complete_and_say_every_option_that_is_set(compared):
    row = next(r for r in read_json(compared / "results.json")["configurations"] if r["name"] == "tiny-bert-pooler")
    code = script(row["name"], row["configuration"])
    compile(code, "script.py", "exec")
    line = command(row["name"], row["configuration"])
    for said in ("max_length", "learning_rate", "pooling", "per_device_train_batch_size"):
        assert f"{said}=" in code and f"--{said}=" in line
    assert "fold" not in code and "train_samples" not in code


def test_a_report_needs_neither_torch_nor_transformers(compared, tmp_path):
    code = (
        "import sys; from pathlib import Path; from bbc_classifier.comparison.report import write_report; "
        f"write_report([Path({str(compared)!r})], Path({str(tmp_path)!r}), reproduce='x'); "
        "print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert read_json(tmp_path / "results.json")["pairs"] == read_json(compared / "results.json")["pairs"]


def test_the_axis_begins_with_the_configurations_and_the_majority_is_a_number():
    def row(name: str, low: float, high: float) -> dict:
        seed = {"metrics": {"accuracy": (low + high) / 2}, "intervals": {"accuracy": [low, high]}}
        return {
            "name": name,
            "letters": "a",
            "baseline": name == "majority",
            "mean": seed["metrics"],
            "per_seed": [seed],
        }

    far = row("majority", 0.2, 0.25)
    (axes,) = draw_accuracy([row("one", 0.96, 0.98), row("two", 0.9, 0.94), far]).axes
    left, right = axes.get_xlim()
    assert 89 < left < 90 and 98 < right < 100
    assert [text.get_text() for text in axes.texts] == ["◂ 22.50"]
    # Alone it has the axis to itself.
    (axes,) = draw_accuracy([far]).axes
    assert axes.get_xlim()[0] < 20 and not axes.texts


def test_seeds_are_counted_from_the_fewest_to_the_most():
    def rows(*counts: int) -> list[dict]:
        return [{"seeds": list(range(count)), "baseline": False} for count in counts] + [
            {"seeds": [0], "baseline": True}
        ]

    assert [seeds_text(rows(*counts)) for counts in ((1,), (3, 3), (1, 2))] == ["1 seed", "3 seeds", "1 to 2 seeds"]

"""The report: complete, self-contained, everything in it escaped, made without torch."""

import csv
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bbc_classifier.compare.report import report, train_command, write_report
from bbc_classifier.compare.results import load_runs
from bbc_classifier.config import ReportArguments
from bbc_classifier.errors import UserError
from tests.compare.synthetic import write_run


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)


def write_nasty(path: Path) -> str:
    """Write the report of runs whose labels and names are markup; return report.html."""
    labels = ["<script>alert(1)</script>", "a|b`c*", '"quoted" & $x$']
    write_run(path / "runs", [0, 4], encoder="<b>bold</b>", labels=labels)
    write_run(path / "runs", [3], baseline="tfidf-svm", labels=labels)
    write_report([path], path, command="bbc-classifier compare")
    return (path / "report.html").read_text()


def test_all_text_is_escaped(written, tmp_path):
    for html in ((written / "report.html").read_text(), write_nasty(tmp_path)):
        assert "alert(" in html and "<script>alert" not in html and "<img" not in html and "<b>bold" not in html
        assert Tags(html).tags.count("script") == 1
    text = (tmp_path / "report.md").read_text()
    assert r"\<b\>bold\</b\>-cls" in text


def test_the_page_requests_nothing(written):
    html = (written / "report.html").read_text()
    addresses = set(re.findall(r"https?://[\w./-]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", html.replace("xlink:href", ""))
    assert "default-src 'none'" in html and len(html) < 2_000_000
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_every_file_has_the_same_accuracies(written, results):
    assert {"report.html", "report.md", "results.csv", "results.json", "figures"} <= {p.name for p in written.iterdir()}
    assert {path.name for path in (written / "figures").iterdir()} == {"accuracy.png", "learning_curves.png"}
    html, text = ((written / name).read_text() for name in ("report.html", "report.md"))
    rows = list(csv.DictReader(io.StringIO((written / "results.csv").read_text())))
    assert len(rows) == sum(len(row["per_seed"]) for row in results["configurations"])
    for row in results["configurations"]:
        shown = f"{100 * row['mean']['accuracy']:.2f}"
        assert shown in html and shown in text
        mine = [float(each["accuracy"]) for each in rows if each["name"] == row["name"]]
        assert mine == [seed["metrics"]["accuracy"] for seed in row["per_seed"]]


def test_content_of_the_page(written, results):
    html = (written / "report.html").read_text()
    assert html.index(results["summary"][0]) < html.index("<table")
    for content in (
        "18 / 20 = 0.9000",  # step by step from the confusion matrix
        "Title 2 &lt;script&gt;",
        "Not applicable: distil-pooler: distil supports cls, mean",
        "Failed: gpt-cls-seed42: out of memory &lt;img",
        "bbc-classifier train --output_dir=runs/bert-cls --encoder=bert",
        "sign-flip",
        "Student's t",
    ):
        assert content in html, content
    # A failure that a later call mended, a local path, a commit that is not known.
    assert list(results["failed"]) == ["gpt-cls-seed42"]
    assert "/home/me" not in html and "--encoders bert" in html
    assert "commits" not in html and "None" not in html and "-0.00" not in html


def test_equal_values_are_not_marked_as_best(written, tmp_path):
    # In the synthetic comparison all trained configurations are equal.
    assert 'class="best"' not in (written / "report.html").read_text()
    write_run(tmp_path, [0])
    write_run(tmp_path, [0, 1], pooling="mean")
    write_run(tmp_path, [0, 1], pooling="max")
    write_report([tmp_path], tmp_path, command="")
    best = re.findall(r'class="best" title="best">([^<]+)<', (tmp_path / "report.html").read_text())
    assert best[0] == "96.67" and "3.0" not in best  # all took the same seconds


def test_the_command_has_what_differs_from_the_defaults(written):
    options = load_runs([written / "runs" / "bert_mean_seed43_None_None"])[0].record["options"]
    options["training"]["trainer_kwargs"] = {"optim": "adafactor"}
    options["data"]["label_map"] = ["0=a", "1=b"]
    assert train_command(options, "x") == (
        "bbc-classifier train --output_dir=runs/x --encoder=bert --dataset=mine --label_map 0=a 1=b --seed=43 "
        "--learning_rate=1e-05 --optim=adafactor"
    )


def test_reports_of_several_machines_are_merged(written, results, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for number, run in enumerate(sorted((written / "runs").iterdir())):
        shutil.copytree(run, (first, second)[number % 2] / "runs" / run.name)
    merged, path = report(ReportArguments(output_dir=str(tmp_path / "report")), [first, second])
    assert merged["pairs"] == results["pairs"] and merged["learning_curves"] == results["learning_curves"]
    assert (path / "report.html").is_file()
    with pytest.raises(UserError, match="--overwrite"):
        report(ReportArguments(output_dir=str(path)), [first, second])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        report(ReportArguments(output_dir=str(tmp_path / "mine"), overwrite=True), [first])


def test_a_report_needs_no_torch():
    code = "import sys, bbc_classifier.compare.report; print({'torch', 'transformers', 'datasets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

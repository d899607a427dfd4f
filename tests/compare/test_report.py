"""The report: complete, self-contained, everything in it escaped, made without torch."""

import csv
import inspect
import shutil

import pytest

from bbc_classifier.compare.report import pooling_sources, report, write_report
from bbc_classifier.config import ReportArguments
from bbc_classifier.errors import UserError
from bbc_classifier.model import POOLINGS
from tests.compare.conftest import write_run


def write_nasty(path):
    """Write the report of runs whose labels and names are markup; return report.html."""
    labels = ["<script>alert(1)</script>", "a|b`c*", '"quoted" & $x$']
    write_run(path / "runs", [0, 4], encoder="<b>bold</b>", labels=labels)
    write_run(path / "runs", [3], baseline="tfidf-svm", labels=labels)
    write_report([path], path, command="bbc-classifier compare")
    return (path / "report.html").read_text()


def test_all_text_is_escaped(written, tmp_path):
    for html in ((written / "report.html").read_text(), write_nasty(tmp_path)):
        assert "alert(" in html and "<img" not in html and "<b>bold" not in html
        assert html.count("<script") == html.count("</script") == 2  # the data of the page, and its code
    assert r"\<b\>bold\</b\>-cls" in (tmp_path / "report.md").read_text()


def test_every_file_has_the_same_accuracies(written, results):
    assert {path.name for path in (written / "figures").iterdir()} == {"accuracy.png", "learning_curves.png"}
    html, text = ((written / name).read_text() for name in ("report.html", "report.md"))
    rows = list(csv.DictReader((written / "results.csv").open()))
    assert len(rows) == sum(len(row["per_seed"]) for row in results["configurations"])
    for row in results["configurations"]:
        shown = f"{100 * row['mean']['accuracy']:.2f}"
        assert shown in html and shown in text
        in_csv = [float(each["accuracy"]) for each in rows if each["name"] == row["name"]]
        assert in_csv == [seed["metrics"]["accuracy"] for seed in row["per_seed"]]


def test_content_of_the_page(written, results):
    html = (written / "report.html").read_text()
    assert html.index(results["summary"][0]) < html.index("<table") and results["vs_baseline"]["better"] == []
    for content in (
        ">54.25<br><small>ECE 0.2000</small></td>",  # by text length
        "18 / 20 = 0.9000",  # step by step from the confusion matrix
        "Title 2 &lt;script&gt;",
        "Not applicable: distil-pooler: distil supports cls, mean",
        "Failed: gpt-1.5-seed42: out of memory &lt;img",
        "bbc-classifier train --output_dir=runs/bert-cls --encoder=bert",
    ):
        assert content in html, content
    # A failure that a later call mended, a local path, a commit that is not known.
    assert list(results["failed"]) == ["gpt-1.5-seed42"]
    assert "/home/me" not in html and "--encoders bert" in html
    assert "commits" not in html and "None" not in html and "-0.00" not in html
    assert 'class="best"' not in html  # all trained configurations are equal
    assert len(html) < 200_000  # small enough to be sent by mail, and without a library of figures


def test_the_source_of_every_pooling_is_that_of_this_version(tmp_path):
    sources = pooling_sources()
    for name, pooling in POOLINGS.items():
        if pooling.__module__.startswith("bbc_classifier."):
            assert sources[name]["source"].endswith(inspect.getsource(pooling).rstrip())
            assert sources[name]["formula"] == inspect.getdoc(pooling)
    write_run(tmp_path, pooling="mine", seen=3)
    write_report([tmp_path], tmp_path, command="")
    html = (tmp_path / "report.html").read_text()
    assert "The pooling mine is registered by another module" in html and "Optimistic: bert was trained on" in html


def test_reports_of_several_machines_are_merged(written, results, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for number, run in enumerate(sorted((written / "runs").iterdir())):
        shutil.copytree(run, (first, second)[number % 2] / "runs" / run.name)
    merged, path = report(ReportArguments(output_dir=str(tmp_path / "report")), [first, second])
    assert merged["pairs"] == results["pairs"] and merged["learning_curves"] == results["learning_curves"]
    assert (path / "report.html").is_file()
    with pytest.raises(UserError, match="--overwrite"):
        report(ReportArguments(output_dir=str(path)), [first, second])
    with pytest.raises(UserError, match="other files"):
        report(ReportArguments(output_dir=str(first), overwrite=True), [first])

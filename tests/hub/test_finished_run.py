"""A run is shown to others only with a record that is about these very weights."""

from pathlib import Path

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.hub.contents import contents, left_over
from bbc_classifier.hub.finished_run import open_finished_run
from bbc_classifier.hub.load_check import check_it_loads
from bbc_classifier.provenance import settings_sha256
from bbc_classifier.records import read_json, write_json


def test_a_run_as_training_left_it_is_opened(trained: Path):
    opened = open_finished_run(str(trained))
    assert opened.name == "tiny-run" and opened.record == read_json(trained / "record.json")
    check_it_loads(opened, contents(opened, ""))


def flip_a_bit(folder: Path) -> None:
    weights = folder / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


CASES = {
    "a changed weight": (flip_a_bit, "model.safetensors is .* but record.json describes .* belongs to another run"),
    "no record": (lambda folder: (folder / "record.json").unlink(), "is no finished run"),
    "no weights": (lambda folder: (folder / "model" / "model.safetensors").unlink(), "has no model/model.safetensors"),
    "a record of a baseline": (
        lambda folder: write_json(folder / "record.json", {"model": {}}),
        "is damaged: .* missing",
    ),
    "a record that is no JSON": (lambda folder: (folder / "record.json").write_text("{"), "is damaged: Expecting"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_not_whole_is_refused(run: Path, case: str):
    change, message = CASES[case]
    change(run)
    with pytest.raises(InputError, match=message):
        open_finished_run(str(run))


def test_other_labels_than_the_records_are_refused(run: Path):
    record = run / "record.json"
    record.write_text(record.read_text(encoding="utf-8").replace('"business"', '"other"'), encoding="utf-8")
    with pytest.raises(InputError, match="name different labels"):
        load(run)


def test_other_answers_than_the_records_are_refused(run: Path):
    record = read_json(run / "record.json")
    assert len(record["examples"]) == 5
    first = record["examples"][0]["probabilities"]
    label = next(iter(first))
    record["examples"][0]["probabilities"] = {**first, label: first[label] - 0.1}
    write_json(run / "record.json", record)
    with pytest.raises(InputError, match=r"differs by 0\.100 from the probabilities"):
        load(run)


def test_what_is_checked_are_the_files_that_will_be_published(run: Path):
    opened = open_finished_run(str(run))
    files = {path: content for path, content in contents(opened, "").items() if path != "tokenizer.json"}
    with pytest.raises(InputError, match=r"lacks tokenizer.json, which record.json describes"):
        check_it_loads(opened, files)


def load(run: Path) -> None:
    opened = open_finished_run(str(run))
    check_it_loads(opened, contents(opened, ""))


def test_whatever_a_tokenizer_calls_its_files_they_are_published(run: Path):
    record = read_json(run / "record.json")
    (run / "model" / "emoji.json").write_text("{}", encoding="utf-8")
    (run / "model" / "of_somebody.json").write_text("{}", encoding="utf-8")
    record["model"]["settings_sha256"] = settings_sha256(run / "model")
    del record["model"]["settings_sha256"]["of_somebody.json"]
    write_json(run / "record.json", record)
    opened = open_finished_run(str(run))
    published = contents(opened, "")
    assert "emoji.json" in published and "of_somebody.json" not in published
    check_it_loads(opened, published)
    assert set(record["model"]["settings_sha256"]) <= set(published)


def test_what_the_version_before_described_goes_and_what_others_put_there_stays():
    there = ["config.json", "emoji.json", "vocab.txt", "mine.txt", "mine/emoji.json"]
    files, ours = {"config.json": b"{}"}, {"config.json", "emoji.json"}
    assert left_over(there, files, another=False, described=ours) == ["emoji.json", "vocab.txt"]
    assert left_over(there, files, another=False) == ["vocab.txt"]

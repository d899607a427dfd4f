"""A classifier opens from a run folder or a model folder; whatever is wrong with one is said in one sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.inference.checkpoint import checkpoint_weights, has_vocabulary, open_checkpoint, unreadable
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.provenance import file_sha256, settings_sha256
from bbc_classifier.records import write_json

WEIGHTS = "model.safetensors"


def edit_config(**changes: object) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        values = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(values))

    return edit


def hashes(folder: Path) -> dict[str, object]:
    return {"weights_sha256": file_sha256(folder / WEIGHTS), "settings_sha256": settings_sha256(folder)}


def edit_json(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def name_an_unknown_special_token(folder: Path) -> None:
    # The library in Rust panics.
    file = folder / "tokenizer.json"
    file.write_text(
        file.read_text().replace('"SpecialToken": {\n          "id": "[SEP]"', '"SpecialToken": {"id": "[X]"', 1)
    )
    assert "[X]" in file.read_text()


def write(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def cut_weights(keep: slice) -> Callable[[Path], object]:
    return lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[keep])


def drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors["classifier.bias"]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def name_a_tokenizer_without_files(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')


DAMAGE = {
    "configuration gone": (remove("config.json"), "no classifier at"),
    "configuration no JSON": (write("config.json", "not json"), "not a valid JSON file"),
    "configuration empty": (write("config.json", "{}"), "type 'unknown', not a 'pooled_encoder' classifier"),
    "configuration a list": (write("config.json", "[]"), "cannot be loaded"),
    "another model": (edit_config(model_type="bert"), "type 'bert', not a 'pooled_encoder' classifier"),
    "another model with code": (edit_config(model_type="other"), "type 'other', not a 'pooled_encoder' classifier"),
    "unknown pooling": (edit_config(pooling="maximum"), "pooling 'maximum' is not one of cls, mean"),
    "labels that are numbers": (edit_config(id2label={"0": 1, "1": 2}), "the names of labels are text, not"),
    "a list for a size": (
        edit_config(encoder_config=[]),
        "a value in its files is of another kind than is meant there",
    ),
    "other labels": (edit_config(id2label={"0": "a", "1": "b"}), "lacks tensors that fit its config.json, classifier"),
    "weights gone": (remove(WEIGHTS), "no file named model.safetensors"),
    "weights empty": (cut_weights(slice(0)), "header too small"),
    "weights cut in the header": (cut_weights(slice(1000)), "invalid header length"),
    "weights cut at the end": (cut_weights(slice(-1000)), "not fully covered"),
    "tensor gone": (drop_tensor, "lacks tensors that fit its config.json, classifier.bias among them"),
    "tokenizer gone": (remove("tokenizer.json", "tokenizer_config.json"), "has no tokenizer that can be read"),
    "tokenizer vocabulary gone": (remove("tokenizer.json"), "has no tokenizer that can be read"),
    "tokenizer settings gone": (remove("tokenizer_config.json"), "no tokenizer with a vocabulary and a padding token"),
    "tokenizer no JSON": (write("tokenizer.json", "{"), "has no tokenizer that can be read"),
    "tokenizer with a limit that is text": (
        lambda folder: edit_json(folder / "tokenizer_config.json", model_max_length="16"),
        "has no tokenizer that can be read",
    ),
    "tokenizer with half a character": (
        lambda folder: edit_json(folder / "tokenizer_config.json", cls_token="\ud800"),
        "no tokenizer that can be read",
    ),
    "tokenizer with a special token that is not there": (
        name_an_unknown_special_token,
        "no tokenizer that can be read",
    ),
    "tokenizer of special tokens only": (name_a_tokenizer_without_files, "no tokenizer with a vocabulary"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_an_input_error_of_one_sentence(model_folder, damage):
    harm, expected = DAMAGE[damage]
    harm(model_folder)
    with pytest.raises(InputError) as caught:
        open_checkpoint(str(model_folder))
    message = str(caught.value)
    assert message.startswith("--model: ") and str(model_folder) in message
    assert expected in message
    assert "\n" not in message and "Traceback" not in message and "trust_remote_code" not in message
    assert len(message) < 500


@pytest.mark.parametrize(
    "name", ["nowhere", "./nowhere/at/all", "../x/y", "~/x", "/no/such/folder", "a/b/c", "", "owner/"], ids=repr
)
def test_what_is_neither_a_folder_nor_a_hub_id_is_an_input_error(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^--model: "):
        open_checkpoint(name)


def test_a_file_is_no_classifier(model_folder):
    with pytest.raises(InputError, match="no classifier at"):
        open_checkpoint(str(model_folder / "config.json"))


def test_a_hub_id_without_a_network_is_the_worlds_fault_and_says_what_to_do():
    with pytest.raises(WorldError) as caught:
        open_checkpoint("nobody/nothing")
    assert str(caught.value) == (
        "--model: 'nobody/nothing' is not on this machine and the Hub cannot be reached; give the folder of a "
        "classifier, or train one with: bbc-classifier train"
    )


def test_a_name_that_no_hub_id_can_have_is_an_input_error():
    with pytest.raises(InputError, match=r"^--model: 'a b/c d' cannot be loaded: Repo id must use"):
        open_checkpoint("a b/c d")


def test_a_folder_by_another_name_is_compared_with_its_record_too(model_folder, monkeypatch):
    write_json(model_folder.parent / "record.json", {"schema": 1, "model": hashes(model_folder)})
    (model_folder / "config.json").write_bytes((model_folder / "config.json").read_bytes() + b" ")
    monkeypatch.chdir(model_folder)
    for name in (".", "../model", "..", str(model_folder)):
        with pytest.raises(InputError, match=r"config.json is .*, but record.json describes"):
            open_checkpoint(name)


@pytest.mark.parametrize("inner", ["", "model"])
def test_a_run_folder_and_its_model_folder_open_the_same_classifier(model_folder, inner):
    model, tokenizer = open_checkpoint(str(model_folder.parent / inner))
    saved = load_file(model_folder / WEIGHTS)
    assert torch.equal(model.classifier.weight, saved["classifier.weight"])
    assert not model.training and model.dtype == torch.float32
    assert has_vocabulary(tokenizer)


def test_weights_of_lower_precision_open_in_float32(model_folder):
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(model_folder / WEIGHTS).items()}
    save_file(tensors, model_folder / WEIGHTS, metadata={"format": "pt"})
    model, _ = open_checkpoint(str(model_folder))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_code_beside_the_weights_never_runs(model_folder):
    for source in model_folder.glob("*.py"):
        source.write_text("raise SystemExit('ran')")
    model, _ = open_checkpoint(str(model_folder))
    assert type(model).__module__.startswith("bbc_classifier.model.")


def test_a_reopened_classifier_answers_as_the_saved_one(model_folder, tiny_classifier, tokenizer):
    texts = ["goal of the match", "film and music " * 20, ""]
    before, _ = NewsClassifier(tiny_classifier(max_input_tokens=16), tokenizer).probabilities(texts)
    after, _ = NewsClassifier.from_pretrained(str(model_folder), device="cpu").probabilities(texts)
    assert (before == after).all()


def test_a_folder_that_moved_opens_as_before(model_folder, tmp_path):
    shutil.move(model_folder.parent, tmp_path / "moved")
    assert NewsClassifier.from_pretrained(str(tmp_path / "moved")).predict(["film"])


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "gpu 0"])
def test_a_device_that_is_not_there_is_an_input_error(model_folder, device):
    with pytest.raises(InputError, match=rf"--device: this machine has no device '{device}'"):
        NewsClassifier.from_pretrained(str(model_folder), device=device)


def test_the_weights_file_is_found_in_a_folder_and_missing_for_an_uncached_hub_id(model_folder):
    assert checkpoint_weights(str(model_folder)) == model_folder / WEIGHTS
    assert checkpoint_weights("nobody/nothing") is None


def caused_by(cause: Exception) -> OSError:
    error = OSError("We couldn't connect\n  to load this file")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "local", "kind", "expected"),
    [
        (caused_by(ConnectionError()), False, WorldError, "x is not on this machine and the Hub cannot be reached"),
        (caused_by(LocalEntryNotFoundError("no")), False, WorldError, "the Hub cannot be reached"),
        (caused_by(PermissionError(13, "Permission denied", "f")), True, WorldError, "read: Permission denied: 'f'"),
        (caused_by(ValueError("no")), True, InputError, "x cannot be loaded: We couldn't connect to load this file"),
        (caused_by(ConnectionError()), True, InputError, "x cannot be loaded: We couldn't connect to load this file"),
    ],
)
def test_a_failure_is_the_users_or_the_worlds_by_its_cause(error, local, kind, expected):
    answer = unreadable("x", error, local)
    assert type(answer) is kind
    assert expected in str(answer)


def test_a_repository_that_may_not_be_read_is_an_input_error():
    refused = HfHubHTTPError.__new__(HfHubHTTPError)
    answer = unreadable("x", caused_by(refused), False)
    assert type(answer) is InputError
    assert "HF_TOKEN" in str(answer)

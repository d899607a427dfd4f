"""Answers to another request, or of somebody else's making, stay unless they may be replaced."""

import json

import pytest
import torch

from bbc_classifier.errors import InputError
from bbc_classifier.records import read_json
from tests.inference.bulk.conftest import answers, hashes

REFUSED = {
    "other columns": ({"text_column": ["id"]}, "holds answers to another request: text_column was None"),
    "other shards": ({"shard_rows": 10}, "holds answers to another request: shard_rows was 16, not 10"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_answers_to_another_request_stay_unless_they_may_be_replaced(predict, tmp_path, name):
    options, message = REFUSED[name]
    predict()
    before = hashes(tmp_path / "answers")
    with pytest.raises(InputError, match=message):
        predict(**options)
    assert hashes(tmp_path / "answers") == before
    assert len(answers(predict(overwrite=True, **options))) > 100
    assert hashes(tmp_path / "answers") != before


def test_other_weights_or_other_rows_are_another_request(predict, model_folder, inputs, tmp_path, tiny_classifier):
    predict()
    (inputs / "d.csv").write_text("text\na goal\n")
    with pytest.raises(InputError, match="another request: files was"):
        predict()
    (inputs / "d.csv").unlink()
    content = (inputs / "b.csv").read_text()
    (inputs / "b.csv").write_text(content.replace("n101", "n999"))
    with pytest.raises(InputError, match=r"b\.csv' has changed since its first rows were answered"):
        predict()
    # The same content written anew is no change.
    (inputs / "b.csv").write_text(content)
    predict()
    tiny_classifier(pooling="cls", max_input_tokens=16).save_pretrained(model_folder)
    with pytest.raises(InputError, match="another request: config_sha256 was"):
        predict()


def test_a_tokenizer_that_reads_otherwise_is_another_request(predict, model_folder):
    predict()
    path = model_folder / "tokenizer.json"
    tokenizer = read_json(path)
    assert tokenizer["normalizer"]["lowercase"]
    tokenizer["normalizer"]["lowercase"] = False
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(InputError, match="another request: tokenizer_sha256 was"):
        predict()


def test_weights_in_several_files_are_others_once_one_is(predict, model_folder, tiny_classifier):
    (model_folder / "model.safetensors").unlink()
    model = tiny_classifier(max_input_tokens=16)
    model.save_pretrained(model_folder, max_shard_size="20KB")
    index = (model_folder / "model.safetensors.index.json").read_text()
    predict()
    with torch.no_grad():
        model.classifier.bias += 1
    model.save_pretrained(model_folder, max_shard_size="20KB")
    assert (model_folder / "model.safetensors.index.json").read_text() == index
    with pytest.raises(InputError, match="another request: weights_sha256 was"):
        predict()


def test_a_folder_of_somebody_elses_stays(predict, tmp_path):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"--o\w+: '.*answers' (is not empty|holds files that are no predictions)"):
            predict(overwrite=overwrite)
    assert [path.name for path in (tmp_path / "answers").iterdir()] == ["mine.txt"]

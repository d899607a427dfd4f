"""A few digits in a configuration ask for any memory: they are refused before anything is built, by every command."""

import json
import shutil
from pathlib import Path

import psutil
import pytest

from bbc_classifier.audit.lengths import count_tokens
from bbc_classifier.comparison.grid import Grid
from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.inference.config_bounds import refuse_absurd_numbers
from bbc_classifier.model.pooling import POOLINGS
from tests.data.stories import stories, write_csv
from tests.refusals import assert_refused
from tests.tiny import save_tiny_encoder

LIMIT = 300 << 20
BOMBS = {
    "layers": ({"num_hidden_layers": 10**6}, r"config.json says that num_hidden_layers is 1e\+06; no model"),
    "words": (
        {"vocab_size": 9 * 10**6},
        r"config.json describes 21\d,.* parameters, but there are \d\d,\d+ bytes",
    ),
    "width": ({"hidden_size": 3 * 10**5}, "config.json describes [78].* parameters, but there are"),
    "positions": ({"max_position_embeddings": 10**12}, "config.json says that max_position_embeddings is 1e"),
    "labels": ({"num_labels": 10**8}, "config.json says that num_labels is 1e"),
}


def change(folder: Path, values: dict, *keys: str) -> None:
    content = json.loads((folder / "config.json").read_text())
    inner = content
    for key in keys:
        inner = inner[key]
    inner.update(values)
    (folder / "config.json").write_text(json.dumps(content))


@pytest.mark.parametrize("case", BOMBS)
def test_a_giant_is_refused_before_it_is_built(case, tiny_classifier_folder, tmp_path, monkeypatch, capsys):
    values, message = BOMBS[case]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_classifier_folder, "classifier")
    change(Path("classifier"), values, "encoder_config")
    change(save_tiny_encoder(Path("encoder")), values)
    write_csv(Path("rows.csv"), stories("business", "sport", each=9))
    before = psutil.Process().memory_info().rss
    assert_refused(["predict", "--model", "classifier", "a goal"], f"^.*--model: 'classifier': {message}", capsys)
    command = ["train", "--encoder", "encoder", "--dataset", "rows.csv", "--max_length", "16", "--output_dir", "out"]
    assert_refused(command, f"--encoder encoder: {message}", capsys)
    assert psutil.Process().memory_info().rss - before < LIMIT


def test_a_value_that_only_an_answer_needs_is_refused_once_there_is_one(
    tiny_classifier_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_classifier_folder, "classifier")
    change(Path("classifier"), {"chunk_size_feed_forward": [1]}, "encoder_config")
    change(save_tiny_encoder(Path("encoder")), {"chunk_size_feed_forward": [1]})
    write_csv(Path("rows.csv"), stories("business", "sport", each=9))
    message = "the model cannot be computed with: a value in its files is of another kind than is meant there"
    assert_refused(["predict", "--model", "classifier", "a goal"], message, capsys)
    command = ["train", "--encoder", "encoder", "--dataset", "rows.csv", "--max_length", "16", "--output_dir", "out"]
    assert_refused([*command, "--use_cpu", "true"], message, capsys)
    assert not Path("out").exists()


def test_whoever_only_looks_into_an_encoder_is_careful_too(tmp_path):
    change(save_tiny_encoder(tmp_path / "encoder"), {"num_labels": 10**8})
    encoder = str(tmp_path / "encoder")
    assert Grid(CompareArguments(encoders=encoder, poolings="mean"), {})._legal[encoder] == list(POOLINGS)
    assert "is not at hand" in (count_tokens(None, encoder).missing_because or "")


def test_the_numbers_of_real_encoders_are_none_of_these():
    real = {"vocab_size": 250_112, "num_hidden_layers": 96, "max_position_embeddings": 1_048_576, "hidden_size": 12_288}
    refuse_absurd_numbers("x", {**real, "id2label": {"0": "a"}, "label2id": {"a": 10**9}, "layer_norm_eps": 1e-12})

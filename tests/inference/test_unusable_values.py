"""Values that a model cannot be computed with are told once a text is there, and nothing is asked before."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, CanineConfig, CanineTokenizer

from bbc_classifier.cli import main
from bbc_classifier.errors import InputError, OutOfMemory
from bbc_classifier.inference.batching import logits_by_batch
from bbc_classifier.inference.unusable_values import usable_values
from tests.data.stories import stories, write_csv


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TypeError("'>' not supported"), r"a value in its files is of another kind than is meant there \('>' not supp"),
        (KeyError("gelu_newest"), r"a value in its files is of another kind than is meant there \('gelu_newest'\)"),
        (ZeroDivisionError("division by zero"), "division by zero"),
        (ValueError("width\nmust be 4"), "width must be 4"),
    ],
    ids=repr,
)
def test_what_a_library_raises_of_a_value_is_one_sentence(error, message):
    def forward(ids: torch.Tensor, mask: torch.Tensor):
        raise error

    with pytest.raises(InputError, match=f"^the model cannot be computed with: {message}"):
        logits_by_batch(forward, 2, [[1, 2]], 0)


@pytest.mark.parametrize("error", [InputError("ours"), OutOfMemory("ours"), RuntimeError("the device's")], ids=repr)
def test_what_says_something_else_stays_as_it_is(error):
    with pytest.raises(type(error)) as caught, usable_values("the model"):
        raise error
    assert caught.value is error


def test_an_encoder_that_cannot_read_a_single_letter_is_trained_and_opened(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32}
    few = {
        "max_position_embeddings": 128,
        "num_hash_buckets": 64,
        "num_hash_functions": 2,
        "local_transformer_stride": 8,
    }
    AutoModel.from_config(CanineConfig(**small, **few)).save_pretrained("encoder")
    CanineTokenizer().save_pretrained("encoder")
    write_csv(Path("rows.csv"), stories("business", "sport", each=9))
    options = ["--dataset", "rows.csv", "--max_length", "64", "--max_steps", "1", "--use_cpu", "true"]
    assert main(["train", "--encoder", "encoder", "--pooling", "mean", *options, "--output_dir", "run"]) == 0
    assert main(["predict", "--model", "run", "The striker scored twice in the final."]) == 0
    assert capsys.readouterr().err.count("error:") == 0

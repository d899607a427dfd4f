"""The ONNX graph computes the model's logits for any batch, and its 8-bit form nearly the same probabilities."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bbc_classifier.export.onnx import export_onnx, quantize, write_graph
from bbc_classifier.export.transformers_export import stock_config
from bbc_classifier.inference.classifier import EXPORT_FILES, SAMPLE_TEXTS, OnnxModel, Predictor
from bbc_classifier.model import legal_poolings
from tests.export.test_transformers_export import classifier_of
from tests.tiny import FAMILIES

CLASSIFIERS = [
    *((family, pooling, {}) for family in sorted(FAMILIES) for pooling in legal_poolings(family)),
    ("bert", "cls+mean", {"max_input_tokens": 16}),
    ("roberta", "attention", {"truncation": "tail", "max_input_tokens": 16}),
    ("distilbert", "max", {"truncation": "head+tail", "max_input_tokens": 16}),
]


def check_same_logits(model, path: Path) -> None:
    """Compare logits over batch sizes, lengths, and padding on either side."""
    graph, generator = OnnxModel(path, model.config), torch.Generator().manual_seed(0)
    for lengths, width in (((7,), 7), ((90,), 90), ((7, 2, 12), 12), ((7, 2, 12), 33), ((7, 2, 12, 90, 40), 95)):
        for left in (False, True):
            ids, mask = torch.zeros(2, len(lengths), width, dtype=torch.long)
            for row, length in enumerate(lengths):
                columns = slice(width - length, width) if left else slice(0, length)
                ids[row, columns] = torch.randint(5, 45, (length,), generator=generator)  # tokens occur repeatedly
                mask[row, columns] = 1
            with torch.inference_mode():
                expected = model(input_ids=ids, attention_mask=mask).logits.numpy()
            np.testing.assert_allclose(graph(ids, mask).logits.numpy(), expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "pooling", "options"), CLASSIFIERS)
def test_the_graph_of_every_family_and_pooling_computes_the_models_logits(tmp_path, family, pooling, options):
    model = classifier_of(family, pooling, **options)
    write_graph(model, tmp_path / "model.onnx")
    check_same_logits(model, tmp_path / "model.onnx")


def short_classifier():
    return classifier_of("bert", "mean", max_input_tokens=16)


@pytest.fixture(scope="module")
def exports(tmp_path_factory, tokenizer) -> dict[str, Path]:
    """A classifier exported in full precision and in 8 bits."""
    root = tmp_path_factory.mktemp("onnx")
    full, int8 = root / "onnx", root / "onnx-int8"
    full.mkdir()
    export_onnx(short_classifier(), tokenizer, full, "onnx")
    # As export_onnx writes it, from the graph that is already there.
    shutil.copytree(full, int8)
    stock_config(short_classifier().config, "onnx-int8").save_pretrained(int8)
    quantize((int8 / EXPORT_FILES["onnx"]).rename(int8 / EXPORT_FILES["onnx-int8"]))
    return {"onnx": full, "onnx-int8": int8}


def test_the_graph_computes_the_models_logits_and_in_8_bits_nearly_the_same(exports, tokenizer):
    check_same_logits(short_classifier(), exports["onnx"] / EXPORT_FILES["onnx"])
    classifier = Predictor.from_pretrained(exports["onnx-int8"])
    expected = Predictor(short_classifier(), tokenizer).predict_proba(SAMPLE_TEXTS)
    together = classifier.predict_proba(SAMPLE_TEXTS)
    assert 1e-6 < np.abs(together - expected).max() < 0.2
    alone = [classifier.predict_proba([text]) for text in SAMPLE_TEXTS]
    np.testing.assert_array_equal(together, np.concatenate(alone))  # whatever the other texts are
    weights = onnx.load(exports["onnx-int8"] / EXPORT_FILES["onnx-int8"]).graph.initializer
    matrices = [weight for weight in weights if len(weight.dims) == 2 and weight.data_type == onnx.TensorProto.INT8]
    encoder = [tensor for tensor in short_classifier().encoder.state_dict().values() if tensor.dim() == 2]
    assert sum(np.prod(weight.dims) for weight in matrices) == sum(tensor.numel() for tensor in encoder)
    (head,) = (weight for weight in weights if sorted(weight.dims) == [5, 24])
    assert head.data_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("export_format", ["onnx", "onnx-int8"])
def test_the_directory_holds_what_other_programs_read_and_nothing_of_this_machine(exports, export_format):
    path = exports[export_format]
    files = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    assert files == {"config.json", EXPORT_FILES[export_format], "tokenizer.json", "tokenizer_config.json"}
    config = json.loads((path / "config.json").read_text("utf-8"))
    assert config["model_type"] == "bert" and config["architectures"] == ["BertForSequenceClassification"]
    # The graph needs the whole text: a caller's truncation=True must not cut it.
    assert json.loads((path / "tokenizer_config.json").read_text("utf-8"))["model_max_length"] > 10**9
    content = (path / EXPORT_FILES[export_format]).read_bytes()
    assert not [trace for trace in (b"/root", b"/home", b"stack_trace", b"site-packages", b".py") if trace in content]

"""One graph per classifier: the model's logits, whatever the batch, the length and the side of the padding."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bbc_classifier.errors import InputError
from bbc_classifier.export import onnx_folder, onnx_runtime
from bbc_classifier.export.onnx_folder import TOLERANCE, export_onnx
from bbc_classifier.export.onnx_runtime import OnnxGraph, load_extra
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.model.configuration_pooled_encoder import legal_poolings
from tests.export.stock_families import stock_classifier
from tests.model.conftest import random_ids
from tests.model.test_families import lay_out
from tests.tiny import FAMILIES

EVERY_PAIR = [(family, pooling, {}) for family in sorted(FAMILIES) for pooling in legal_poolings(family)]
WAYS_TO_READ = [
    ("bert", "mean", {"distinct_tokens": True, "max_input_tokens": 16}),
    ("bert", "cls+mean", {"lexical_head": True, "distinct_tokens": True, "max_input_tokens": 16}),
    ("distilbert", "max", {"truncation": "head+tail", "max_input_tokens": 16}),
    ("roberta", "pooler", {"truncation": "tail", "max_input_tokens": 16}),
]
LENGTHS = (7, 2, 12, 90, 40)


def assert_same_logits(model, path: Path) -> None:
    graph = OnnxGraph(path, threads=1)
    rows = [random_ids(1, length, seed=length)[0] % 40 + 5 for length in LENGTHS]  # tokens stand there repeatedly
    for chosen, width in (([0], 7), ([3], 90), ([0, 1, 2], 12), ([0, 1, 2], 33), ([0, 1, 2, 3, 4], 95), ([1], 2)):
        for side in ("left", "right"):
            batch = lay_out([rows[row] for row in chosen], width, side, seed=width)
            with torch.inference_mode():
                ours = model(**batch).logits.numpy()
            theirs = graph.logits(batch["input_ids"].numpy(), batch["attention_mask"].numpy())
            np.testing.assert_allclose(theirs, ours, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("family", "pooling", "options"), WAYS_TO_READ)
def test_the_graph_gives_the_models_logits(tmp_path, tokenizer, family, pooling, options):
    model = stock_classifier(family, pooling, **options)
    export_onnx(model, tokenizer, tmp_path, "onnx")
    assert_same_logits(model, tmp_path / "onnx" / "model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("family", "pooling", "options"), EVERY_PAIR)
def test_so_does_every_family_with_every_pooling(tmp_path, tokenizer, family, pooling, options):
    test_the_graph_gives_the_models_logits(tmp_path, tokenizer, family, pooling, options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tokenizer) -> dict[str, Path]:
    """A classifier that needs the whole of a text, exported in full precision and in 8 bits."""
    root, model = tmp_path_factory.mktemp("onnx"), whole_text_classifier()
    for form in ("onnx", "onnx-int8"):
        export_onnx(model, tokenizer, root / form, form)
    return {form: root / form for form in ("onnx", "onnx-int8")}


def whole_text_classifier():
    return stock_classifier("bert", "mean", lexical_head=True, distinct_tokens=True, max_input_tokens=16)


def test_an_opened_graph_predicts_what_the_classifier_does(folders, tokenizer):
    expected = NewsClassifier(whole_text_classifier(), tokenizer).predict(list(TRIAL_TEXTS))
    answers = open_classifier(str(folders["onnx"])).predict(list(TRIAL_TEXTS))
    for answer, wanted in zip(answers, expected, strict=True):
        assert (answer.label, answer.truncated) == (wanted.label, wanted.truncated)
        assert answer.probabilities == pytest.approx(wanted.probabilities, abs=1e-6)


def test_an_answer_in_8_bits_is_close_and_no_other_for_the_texts_beside_it(folders, tokenizer):
    classifier = open_classifier(str(folders["onnx-int8"]))
    expected, _ = NewsClassifier(whole_text_classifier(), tokenizer).probabilities(TRIAL_TEXTS)
    together, _ = classifier.probabilities(TRIAL_TEXTS)
    assert 1e-6 < np.abs(together - expected).max() < 0.2
    alone = np.concatenate([classifier.probabilities([text])[0] for text in TRIAL_TEXTS])
    np.testing.assert_array_equal(together, alone)


def test_8_bits_are_what_the_encoders_weights_are_in_and_the_heads_are_not(folders):
    onnx = load_extra("onnx")
    sizes = {}
    for form, path in (("onnx", "onnx/model.onnx"), ("onnx-int8", "onnx/model_quantized.onnx")):
        weights = onnx.load(folders[form] / path).graph.initializer
        sizes[form] = {
            kind: sum(
                int(np.prod(weight.dims)) for weight in weights if weight.data_type == kind and len(weight.dims) == 2
            )
            for kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT8)
        }
    model = whole_text_classifier()
    matrices = [tensor.numel() for name, tensor in model.encoder.state_dict().items() if tensor.dim() == 2]
    assert sizes["onnx"][onnx.TensorProto.INT8] == 0
    assert sizes["onnx-int8"][onnx.TensorProto.INT8] == sum(matrices)
    assert sizes["onnx-int8"][onnx.TensorProto.FLOAT] > model.lexical_head.scores.weight.numel()


@pytest.mark.parametrize("form", ["onnx", "onnx-int8"])
def test_the_folder_is_what_other_programs_look_for_and_says_nothing_of_this_machine(folders, form):
    folder = folders[form]
    graph = {"onnx": "onnx/model.onnx", "onnx-int8": "onnx/model_quantized.onnx"}[form]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"config.json", graph, "tokenizer.json", "tokenizer_config.json"}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "bert" and config["architectures"] == ["BertForSequenceClassification"]
    # Whoever truncates by it must not: the graph needs the whole text.
    assert json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["model_max_length"] > 10**9
    content = (folder / graph).read_bytes()
    for trace in (str(Path.home()), str(Path(onnx_folder.__file__).parent), "stack_trace", ".py"):
        assert trace.encode() not in content, trace


def test_a_graph_whose_logits_disagree_is_refused(tmp_path, tokenizer, monkeypatch):
    model = stock_classifier("bert", "mean")
    wrong = stock_classifier("bert", "cls")
    write = onnx_folder.write_onnx_graph
    monkeypatch.setattr(onnx_folder, "write_onnx_graph", lambda _, path: write(wrong, path))
    with pytest.raises(InputError, match="logits differ from the classifier's by"):
        export_onnx(model, tokenizer, tmp_path, "onnx")


def test_without_the_extra_the_message_says_how_to_install_it(monkeypatch):
    def absent(name: str):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(onnx_runtime.importlib, "import_module", absent)
    with pytest.raises(InputError, match=r"this needs onnxscript: pip install 'bbc-classifier\[onnx\]'"):
        load_extra("onnxscript")


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(InputError, match="is no ONNX graph that onnxruntime can run"):
        OnnxGraph(path)

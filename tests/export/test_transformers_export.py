"""A stock class of transformers computes the logits, or the export is refused with what could be exported."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from bbc_classifier.errors import UserError
from bbc_classifier.export.transformers_export import ACTIVATION_HEADS, LINEAR_HEADS, POOLER_HEADS, export_transformers
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.model import PooledEncoderForSequenceClassification
from tests.tiny import FAMILIES, tiny_classifier, tiny_config

TEXTS = ["the match", "goal!", "the shares of a market fell in £3.5m " * 8, "a film", "the minister and a vote " * 20]
SPECIAL_SIZES: dict[str, dict[str, int]] = {f: {"max_position_embeddings": 65} for f in POOLER_HEADS - FAMILIES.keys()}
SPECIAL_SIZES["deberta"] = {"type_vocab_size": 0}
EVERY_PAIR = [
    *((family, "pooler") for family in sorted(LINEAR_HEADS | POOLER_HEADS)),
    *((family, "cls") for family in (*sorted(ACTIVATION_HEADS), "deberta", "deberta-v2")),
]
SLOW = pytest.mark.slow
DEFAULT_PAIRS = [pair for pair in EVERY_PAIR if pair[0] in ("bert", "mpnet", "distilbert", "electra", "deberta-v2")]


def classifier_of(family: str, pooling: str, **options: object) -> PooledEncoderForSequenceClassification:
    """Return a tiny classifier that reads 40 tokens and whose logits differ visibly from text to text."""
    encoder_config = tiny_config(family, **SPECIAL_SIZES.get(family, {}))
    options = {"problem_type": "single_label_classification", "max_input_tokens": 40, **options}
    model = tiny_classifier(family, pooling, scale=10, encoder_config=encoder_config, **options)
    torch.nn.init.normal_(model.classifier.bias)
    return model


@torch.inference_mode()
def check_same_logits(model, tokenizer, output_dir: Path) -> None:
    export_transformers(model, tokenizer, output_dir)
    stock = AutoModelForSequenceClassification.from_pretrained(output_dir).eval()
    stock_tokenizer = AutoTokenizer.from_pretrained(output_dir)
    ours = model(**tokenizer(TEXTS, padding=True, return_tensors="pt", return_token_type_ids=False)).logits
    theirs = stock(**stock_tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")).logits
    assert ours.std(0).min() > 1e-3
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5 * float(ours.abs().max()))
    expected, exported = Predictor(model, tokenizer), Predictor.from_pretrained(output_dir, device="cpu")
    for one, other in zip(expected.classify(TEXTS), exported.classify(TEXTS), strict=True):
        assert (one.label, one.truncated) == (other.label, other.truncated)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


@pytest.mark.parametrize("truncation", ["head", "tail"])
@pytest.mark.parametrize(
    ("family", "pooling"), [pair if pair in DEFAULT_PAIRS else pytest.param(*pair, marks=SLOW) for pair in EVERY_PAIR]
)
def test_a_stock_class_computes_the_same_logits(tmp_path, tokenizer, family, pooling, truncation):
    check_same_logits(classifier_of(family, pooling, truncation=truncation), tokenizer, tmp_path)


def test_the_directory_holds_stock_files_only_and_no_path_of_this_machine(tmp_path, tiny_model_dir):
    classifier = Predictor.from_pretrained(tiny_model_dir, device="cpu")
    classifier.tokenizer(["a call leaves settings"], truncation=True, max_length=7, padding="max_length")
    model = classifier_of("bert", "pooler", problem_type="multi_label_classification", label_thresholds=[0.3] * 5)
    export_transformers(model, classifier.tokenizer, tmp_path)
    files = {path.name: path for path in tmp_path.iterdir()}
    assert set(files) == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    names = ("config.json", "tokenizer.json", "tokenizer_config.json")
    config, backend, settings = (json.loads(files[name].read_text("utf-8")) for name in names)
    assert "auto_map" not in config and config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"]["0"] == "business" and config["label2id"]["business"] == 0
    assert config["problem_type"] == "multi_label_classification"
    assert backend["truncation"] is None and backend["padding"] is None
    assert settings["model_max_length"] == 40 and "max_length" not in settings
    assert str(tiny_model_dir.parent) not in json.dumps([config, settings])


REFUSED = [
    (("bert", "mean"), {}, "--pooling pooler"),
    (("distilbert", "mean"), {}, "--pooling cls"),
    (("modernbert", "cls"), {}, "modernbert"),
    (("bert", "pooler"), {"truncation": "head+tail"}, "--truncation head"),
    (("bert", "mean"), {"truncation": "head+tail"}, "--truncation head --pooling pooler"),
    (("distilbert", "cls"), {"id2label": {i: f"label {i}" for i in range(13)}}, "12 labels"),
]


@pytest.mark.parametrize(("pair", "options", "message"), REFUSED)
def test_other_classifiers_are_refused_with_what_could_be_exported(tmp_path, tokenizer, pair, options, message):
    with pytest.raises(UserError, match=f"^--format transformers: .*{message}.* --format onnx"):
        export_transformers(classifier_of(*pair, **options), tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())

"""A stock class, loaded where our package does not exist, gives the classifier's very logits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bbc_classifier.errors import InputError
from bbc_classifier.export import stock_class
from bbc_classifier.export.stock_class import export_stock_class
from bbc_classifier.export.stock_heads import StockHead
from bbc_classifier.export.trial_texts import TRIAL_TEXTS
from bbc_classifier.inference.classifier import NewsClassifier
from tests.export.stock_families import EXACT, ROUNDED, stock_classifier

PAIRS = [*((*pair, "head") for pair in EXACT + ROUNDED), ("bert", "pooler", "tail"), ("distilbert", "cls", "tail")]
SCRIPT = Path(__file__).with_name("stock_logits.py")


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tokenizer):
    """Every pair exported, and what a fresh process makes of all of them."""
    root = tmp_path_factory.mktemp("stock")
    kept = {pair: root / "-".join(pair) for pair in PAIRS}
    said = {
        pair: export_stock_class(stock_classifier(*pair[:2], truncation=pair[2]), tokenizer, folder)
        for pair, folder in kept.items()
    }
    (root / "texts.json").write_text(json.dumps(TRIAL_TEXTS), encoding="utf-8")
    command = [sys.executable, SCRIPT, root / "texts.json", root / "out.pt", *kept.values()]
    subprocess.run(command, check=True, capture_output=True, cwd=root)
    out = torch.load(root / "out.pt", weights_only=True)
    return {pair: (folder, said[pair], *out[str(folder)]) for pair, folder in kept.items()}


@torch.inference_mode()
def our_logits(model, tokenizer) -> torch.Tensor:
    return model(**tokenizer(list(TRIAL_TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False)).logits


@pytest.mark.parametrize(("family", "pooling", "truncation"), PAIRS)
def test_the_logits_are_the_same_in_a_process_without_this_package(exported, tokenizer, family, pooling, truncation):
    _, said, theirs, answers, name = exported[family, pooling, truncation]
    model = stock_classifier(family, pooling, truncation=truncation)
    ours = our_logits(model, tokenizer)
    assert ours.std(0).min() > 1e-3  # they differ from text to text
    assert name.endswith("ForSequenceClassification") and not name.startswith("Pooled")
    if (family, pooling) in EXACT:
        assert said == "bit-equal"
        assert torch.equal(ours, theirs)
    else:
        assert said in ("within rounding", "bit-equal")
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5 * float(ours.abs().max()))
    # One by one, as the pipeline does: a convolution sees the padding of a batch.
    classifier = NewsClassifier(model, tokenizer)
    predictions = [classifier.predict([text])[0] for text in TRIAL_TEXTS]
    assert [answer["label"] for answer in answers] == [prediction.label for prediction in predictions]
    confidences = [prediction.confidence for prediction in predictions]
    assert [answer["score"] for answer in answers] == pytest.approx(confidences, abs=1e-6)


def test_nothing_but_stock_files_and_no_path_of_this_machine_is_written(exported, tmp_path_factory):
    for folder, *_ in exported.values():
        files = {path.name: path for path in folder.iterdir()}
        assert set(files) == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
        config = json.loads(files["config.json"].read_text(encoding="utf-8"))
        assert "auto_map" not in config and "_name_or_path" not in config
        assert config["id2label"]["0"] == "business" and config["label2id"]["business"] == 0
        assert config["problem_type"] == "single_label_classification"
        for name in ("config.json", "tokenizer_config.json"):
            text = files[name].read_text(encoding="utf-8")
            assert str(Path.home()) not in text and str(folder.parent) not in text
            assert "is_local" not in text and "local_files_only" not in text
        assert json.loads(files["tokenizer_config.json"].read_text(encoding="utf-8"))["model_max_length"] == 40


def test_a_folder_whose_logits_disagree_is_refused(tmp_path, tokenizer, monkeypatch):
    def wrong(model) -> StockHead:
        tensors = {f"classifier.{name}": tensor + 1e-3 for name, tensor in model.classifier.state_dict().items()}
        return StockHead(lambda _: tensors)

    monkeypatch.setattr(stock_class, "stock_head", wrong)
    with pytest.raises(InputError, match="BertForSequenceClassification gives other logits than the classifier"):
        export_stock_class(stock_classifier("bert", "pooler"), tokenizer, tmp_path)

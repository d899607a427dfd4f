"""The default recipe with the real MiniLM: it trains, in every precision the labels are equal, reasons are reasons."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from bbc_classifier.config import DataArguments, TrainArguments
from bbc_classifier.data.loading import load_splits
from bbc_classifier.inference.classifier import Predictor, choose_precision
from bbc_classifier.inference.explain import explain
from bbc_classifier.training.linear_probe import PENALTY_BEFORE_TRAINING
from bbc_classifier.training.train import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The default training, whole."""
    torch.set_num_threads(2)
    output_dir = tmp_path_factory.mktemp("default") / "run"
    return train(None, None, TrainArguments(output_dir=str(output_dir), disable_tqdm=True, use_cpu=True))


def test_the_default_trains_every_layer_and_gives_the_same_labels_in_every_precision(result):
    training = result.record["training"]
    assert training["head_max_abs_weight"] < 100 and 0.01 < training["grad_norm"]["first"] < 100
    assert set(training["weight_change"]) == {"embeddings", *(f"layer {number}" for number in range(6)), "head"}
    assert min(training["weight_change"].values()) > 1e-4
    assert training["inverse_penalty"] == PENALTY_BEFORE_TRAINING / training["num_rows"]
    lengths = result.record["evaluation"]["test"]["by_length"]
    assert lengths["whole"]["accuracy"] >= 0.95 and lengths["title"]["accuracy"] >= 0.82
    classifier = Predictor.from_pretrained(result.run_dir, device="cpu")
    texts = load_splits(DataArguments()).dataset["test"]["text"]
    expected = classifier.predict_proba(texts)
    few = slice(None if choose_precision("auto", "cpu") == "bf16" else 24)  # others emulate bf16 and fp16
    classifier.set_precision("bf16")
    np.testing.assert_array_equal(classifier.predict_proba(texts[few]).argmax(axis=1), expected[few].argmax(axis=1))
    fast, record = Predictor.from_pretrained(result.run_dir, device="cpu", adaptive=True), result.record
    assert record["adaptive_reading"]["different_labels"] <= 0.005 and record["adaptive_reading"]["read_whole"] < 0.5
    assert (fast.predict_proba(texts).argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.98
    classifier.set_precision("fp32")
    classifier.model.half()
    probabilities = classifier.predict_proba(texts[few])
    np.testing.assert_array_equal(probabilities.argmax(axis=1), expected[few].argmax(axis=1))
    np.testing.assert_allclose(probabilities, expected[few], atol=5e-3)


def test_the_words_of_an_explanation_count_and_those_of_a_random_head_differ(result):
    """Of 100 articles' openings, delete the tenth of the words with the highest scores, and as many random ones."""
    predictor = Predictor.from_pretrained(result.run_dir, device="cpu")
    untrained = Predictor.from_pretrained(result.run_dir, device="cpu")
    torch.manual_seed(0)
    torch.nn.init.normal_(untrained.model.classifier.weight)
    random, drops, similarities = np.random.default_rng(0), [], []
    for text in load_splits(DataArguments()).dataset["test"]["text"][:100]:
        words = text.split()[:30]
        explanation = explain(predictor, " ".join(words), steps=16)
        assert [word.word for word in explanation.words] == words
        scores, number = np.array([word.score for word in explanation.words]), len(words) // 10
        removed = [np.argsort(-scores)[:number], *(random.permutation(len(words))[:number] for _ in range(5))]
        texts = [" ".join(words), *(" ".join(np.delete(words, places)) for places in removed)]
        p = predictor.predict_proba(texts)[:, predictor.label_names.index(explanation.label)].astype(float)
        log_odds = np.log(p) - np.log1p(-p)
        drops.append(log_odds[0] - [log_odds[1], log_odds[2:].mean()])
        if len(drops) % 5 == 0:
            other = explain(untrained, " ".join(words), explanation.label, steps=16)
            similarities.append(spearmanr(scores, [word.score for word in other.words]).statistic)
    top, at_random = np.transpose(drops)
    assert (top > at_random).mean() > 0.9 and top.mean() > 2 * at_random.mean()
    assert abs(np.mean(similarities)) < 0.5

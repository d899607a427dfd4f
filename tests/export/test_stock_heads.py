"""Which classifiers have a stock class, what is said of the others, and why the heads are the same function."""

import pytest
import torch

from bbc_classifier.errors import InputError
from bbc_classifier.export.stock_heads import UNDOABLE, stock_head
from tests.export.stock_families import EXACT, ROUNDED, stock_classifier

REFUSED = [
    (("bert", "mean"), {}, "no stock class of a bert encoder averages tokens .*train with --pooling pooler, or"),
    (("bert", "cls"), {}, "takes the first token without a tanh.*train with --pooling pooler, or"),
    (("roberta", "cls"), {}, "takes the first token without a tanh.*train with --pooling pooler, or"),
    (("bert", "max"), {}, "takes maxima over tokens"),
    (("bert", "attention"), {}, "weighs tokens by learned attention"),
    (("bert", "cls+mean"), {}, "joins the first token and the average"),
    (("distilbert", "mean"), {}, "averages tokens .*train with --pooling cls, or"),
    (("modernbert", "cls"), {}, "ends in a normalisation, which nothing undoes; export with --format onnx"),
    (("bert", "pooler"), {"distinct_tokens": True}, "as often as it stands.*--distinct_tokens false, or"),
    (("bert", "pooler"), {"truncation": "head+tail"}, "cuts the middle out.*--truncation head, or"),
    (("bert", "pooler"), {"lexical_head": True}, "counts the tokens of the whole text.*--lexical_head false, or"),
    (("bert", "mean"), {"distinct_tokens": True}, "train with --distinct_tokens false --pooling pooler, or"),
]


@pytest.mark.parametrize(("pair", "options", "message"), REFUSED)
def test_what_no_stock_class_computes_is_refused_with_what_would_do(pair, options, message):
    with pytest.raises(InputError, match=f"^--format transformers: .*{message}"):
        stock_head(stock_classifier(*pair, **options))


def test_more_labels_than_half_the_head_is_wide_are_refused():
    names = {index: f"label {index}" for index in range(13)}
    with pytest.raises(InputError, match="has 24 hidden units, two for each of 12 labels, not 13; export with"):
        stock_head(stock_classifier("distilbert", "cls", id2label=names))


@pytest.mark.parametrize(("family", "pooling"), EXACT + ROUNDED)
def test_what_is_promised_is_bits_or_rounding(family, pooling):
    assert stock_head(stock_classifier(family, pooling)).exact == ((family, pooling) in EXACT)


@pytest.mark.parametrize("name", sorted(UNDOABLE))
def test_an_activation_that_can_be_undone_gives_back_its_argument(name):
    from transformers.activations import ACT2FN

    values = torch.linspace(-30, 30, 601)
    activation = ACT2FN[name]
    torch.testing.assert_close(activation(values) - activation(-values), values, rtol=1e-6, atol=1e-6)

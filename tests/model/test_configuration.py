"""The configuration: what it refuses and says then, what it keeps, and what it shares with nobody."""

import json

import pytest
from transformers import AutoConfig

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.configuration_pooled_encoder import POOLERLESS_MODEL_TYPES, legal_poolings, usable_positions
from bbc_classifier.model.loss import PROBLEM_TYPES
from bbc_classifier.model.pooling import POOLINGS
from bbc_classifier.model.truncation import TRUNCATIONS
from tests.tiny import FAMILIES, tiny_config

NAMES = {0: "business", 1: "sport", 2: "tech"}
EVERYTHING = {
    "pooling": "attention",
    "classifier_dropout": 0.25,
    "max_input_tokens": 48,
    "truncation": "head+tail",
    "class_weights": [1.0, 2.0, 0.5],
    "label_smoothing": 0.1,
    "id2label": NAMES,
    "problem_type": "single_label_classification",
}
ILLEGAL = {
    "unknown pooling": ({"pooling": "average"}, POOLINGS),
    "pooling of another type": ({"pooling": ["mean"]}, POOLINGS),
    "unknown truncation": ({"truncation": "middle"}, TRUNCATIONS),
    "unknown problem type": ({"problem_type": "ranking"}, PROBLEM_TYPES),
    "dropout of one": ({"classifier_dropout": 1.0}, ["from 0 up to, not including, 1"]),
    "negative dropout": ({"classifier_dropout": -0.1}, ["from 0 up to, not including, 1"]),
    "dropout as text": ({"classifier_dropout": "0.1"}, ["from 0 up to, not including, 1"]),
    "dropout as truth value": ({"classifier_dropout": False}, ["from 0 up to, not including, 1"]),
    "smoothing of one": ({"label_smoothing": 1}, ["from 0 up to, not including, 1"]),
    "smoothing not a number": ({"label_smoothing": float("nan")}, ["from 0 up to, not including, 1"]),
    "weights too few": ({"class_weights": [1.0]}, ["1 values for 3 labels"]),
    "weight of nothing": ({"class_weights": [1.0, 0.0, 1.0]}, ["positive numbers"]),
    "weight as text": ({"class_weights": [1.0, "2", 1.0]}, ["positive numbers"]),
    "weight without end": ({"class_weights": [1.0, float("inf"), 1.0]}, ["positive numbers"]),
    "too many tokens": ({"max_input_tokens": 65}, ["positions for 64 tokens"]),
    "too few tokens": ({"max_input_tokens": 2}, ["whole number above 2"]),
    "tokens in parts": ({"max_input_tokens": 12.5}, ["whole number above 2"]),
    "two labels of one name": ({"id2label": {0: "tech", 1: "tech", 2: "sport"}}, ["two labels have one name"]),
    "labels with a gap": ({"id2label": {0: "tech", 2: "sport"}}, ["number its labels 0, 1, 2"]),
    "no label": ({"id2label": {}}, ["number its labels 0, 1, 2"]),
    "unknown encoder type": ({"encoder_config": {"model_type": "nope"}}, ["bert", "distilbert"]),
}


def make(**options: object) -> PooledEncoderConfig:
    return PooledEncoderConfig(**{"encoder_config": tiny_config(), "id2label": NAMES, **options})


@pytest.mark.parametrize("case", ILLEGAL)
def test_an_illegal_value_is_refused_with_a_message_that_says_what_is_legal(case):
    options, said = ILLEGAL[case]
    with pytest.raises(PooledEncoderError) as refusal:
        make(**options)
    for words in said:
        assert words in str(refusal.value)


def test_one_label_is_no_choice_between_labels():
    with pytest.raises(PooledEncoderError, match=r"num_labels|one label"):
        make(id2label={0: "tech"}, problem_type="single_label_classification")


def test_a_value_made_illegal_later_is_refused_when_the_model_is_built():
    config = make()
    config.pooling = "average"
    with pytest.raises(PooledEncoderError, match="cls, mean, max"):
        PooledEncoderForSequenceClassification(config)


@pytest.mark.parametrize("model_type", sorted(POOLERLESS_MODEL_TYPES & set(FAMILIES)))
def test_an_encoder_without_pooler_refuses_that_pooling_and_names_the_others(model_type):
    with pytest.raises(PooledEncoderError) as refusal:
        make(encoder_config=tiny_config(model_type), pooling="pooler")
    assert f"cls, mean, max, attention, cls+mean for a {model_type} encoder" in str(refusal.value)
    assert "pooler" not in legal_poolings(model_type)


def test_an_encoder_class_found_to_have_no_pooler_is_refused_when_the_model_is_built():
    # XLM is not in our list, so the configuration cannot know.
    encoder_config = AutoConfig.for_model("xlm", emb_dim=24, n_layers=1, n_heads=3, n_words=162)
    config = make(encoder_config=encoder_config, pooling="pooler")
    with pytest.raises(PooledEncoderError, match=r"cls, mean, max, attention, cls\+mean"):
        PooledEncoderForSequenceClassification(config)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_configuration_comes_back_from_json_as_it_was(family, tmp_path):
    config = make(**{**EVERYTHING, "encoder_config": tiny_config(family)})
    config.save_pretrained(tmp_path)
    loaded = PooledEncoderConfig.from_pretrained(tmp_path)
    assert loaded.to_dict() == config.to_dict()
    assert type(loaded.encoder_config) is type(config.encoder_config)
    for name, value in EVERYTHING.items():
        assert getattr(loaded, name) == value


def test_label_names_keep_their_order_and_their_inverse():
    config = make(id2label={str(index): f"topic {index}" for index in range(12)})
    assert config.label_names == [f"topic {index}" for index in range(12)]
    assert config.label2id == {f"topic {index}": index for index in range(12)}
    assert config.has_named_labels()
    assert not PooledEncoderConfig(tiny_config(), num_labels=3).has_named_labels()


def test_the_encoders_configuration_is_copied_never_shared():
    given = tiny_config()
    first, second = make(encoder_config=given), make(encoder_config=given)
    first.encoder_config.hidden_size = 48
    assert (given.hidden_size, second.encoder_config.hidden_size) == (24, 24)
    as_dict = {**tiny_config().to_dict(), "id2label": {0: "a", 1: "b"}}
    make(encoder_config=as_dict).encoder_config.id2label[0] = "changed"
    assert as_dict["id2label"][0] == "a"


def test_no_path_of_the_machine_is_saved_with_the_encoders_configuration(tiny_bert_folder, tmp_path):
    make(encoder_config=AutoConfig.from_pretrained(tiny_bert_folder)).save_pretrained(tmp_path)
    text = (tmp_path / "config.json").read_text()
    assert str(tiny_bert_folder) not in text
    assert json.loads(text)["encoder_config"].get("_name_or_path", "") == ""


def test_a_limit_not_given_is_all_the_encoder_has_positions_for():
    assert make().max_input_tokens == 64
    assert (
        make(encoder_config=tiny_config("roberta", max_position_embeddings=514, pad_token_id=1)).max_input_tokens == 512
    )


@pytest.mark.parametrize(
    ("model_type", "sizes", "positions"),
    [
        ("bert", {"max_position_embeddings": 512}, 512),
        ("roberta", {"max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ("xlm-roberta", {"max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ("mpnet", {"max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ("mpnet", {"max_position_embeddings": 514, "pad_token_id": 0}, 512),  # fixed in its code
        ("xlnet", {}, None),
        ("t5", {}, None),
    ],
)
def test_the_number_of_usable_positions_is_that_of_the_encoder_type(model_type, sizes, positions):
    encoder_config = AutoConfig.for_model(model_type, **sizes)
    assert usable_positions(encoder_config) == positions
    assert PooledEncoderConfig(encoder_config).max_input_tokens == positions


def test_an_encoder_without_a_fixed_number_of_positions_takes_any_limit():
    assert PooledEncoderConfig(AutoConfig.for_model("xlnet"), max_input_tokens=5000).max_input_tokens == 5000


def test_another_models_configuration_is_refused_as_a_finished_classifier(tiny_bert_folder):
    with pytest.raises(PooledEncoderError, match="bert model, not a finished pooled_encoder classifier"):
        PooledEncoderConfig.from_pretrained(tiny_bert_folder)

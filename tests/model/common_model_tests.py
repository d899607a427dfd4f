"""The library's own model tests, which are only in its sdist: `python -m tests.model.common_model_tests SDIST_DIR`."""

import importlib
import sys
import unittest
from pathlib import Path
from types import ModuleType

import torch

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.tiny import tiny_config


def add_module(name: str, **attributes: object) -> None:
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(attributes)


library_tests = Path(sys.argv.pop(1)) / "tests"
add_module("library_tests", __path__=[str(library_tests)])
# What the distribution leaves out.
(library_tests / "__init__.py").touch()
add_module("library_tests.exporters.test_export", ExportTesterMixin=type("ExportTesterMixin", (), {}))
add_module("library_tests.generation.test_utils", GenerationTesterMixin=type("GenerationTesterMixin", (), {}))
add_module("library_tests.utils.test_configuration_utils", config_common_kwargs={})
for package in ("exporters", "generation", "utils"):
    add_module(f"library_tests.{package}", __path__=[])
library = importlib.import_module("library_tests.test_modeling_common")
ConfigTester = importlib.import_module("library_tests.test_configuration_common").ConfigTester


class PooledEncoderModelTester:
    """The sizes, configuration and inputs that the library's tests ask for."""

    batch_size, seq_length, is_training = 5, 7, True
    hidden_size, num_hidden_layers, num_attention_heads = 24, 2, 3

    def __init__(self, pooling: str):
        self.pooling = pooling

    def get_config(self):
        encoder = tiny_config("bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        names = {0: "business", 1: "sport", 2: "tech"}
        return PooledEncoderConfig(encoder, self.pooling, classifier_dropout=0.0, id2label=names)

    def prepare_config_and_inputs_for_common(self):
        config, shape = self.get_config(), [self.batch_size, self.seq_length]
        input_ids = library.ids_tensor(shape, config.encoder_config.vocab_size)
        return config, {"input_ids": input_ids, "attention_mask": library.random_attention_mask(shape)}


class MeanModelTest(library.ModelTesterMixin, unittest.TestCase):
    pooling = "mean"
    all_model_classes = (PooledEncoderForSequenceClassification,)
    _is_composite = True  # its configuration holds another

    def setUp(self):
        self.model_tester = PooledEncoderModelTester(self.pooling)

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False):
        # The library finds the kind of labels by looking the class name up among its own classes.
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels=return_labels)
        labels = {"labels": torch.zeros(self.model_tester.batch_size, dtype=torch.long)} if return_labels else {}
        return {**inputs, **labels}

    def test_config(self):
        # The vocabulary is the encoder's: `has_text_modality` would ask for its size in the outer configuration.
        options = {"has_text_modality": False, "common_properties": ["hidden_size"]}
        ConfigTester(self, config_class=PooledEncoderConfig, **options).run_common_tests()

    @unittest.skip("It loads an encoder as the classifier, which is an error here; see test_configuration.py.")
    def test_correct_missing_keys(self):
        pass


class PoolerModelTest(MeanModelTest):
    pooling = "pooler"


if __name__ == "__main__":
    unittest.main()

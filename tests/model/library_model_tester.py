"""Our model under the library's own common model tests; `common_model_tests.py` runs this file, pytest alone does not.

The package `library_tests` is the library's test files, laid out by that runner in a temporary folder.
"""

import tempfile
import unittest

import torch
from library_tests.test_configuration_common import ConfigTester
from library_tests.test_modeling_common import ModelTesterMixin, ids_tensor, random_attention_mask

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from tests.tiny import tiny_config


class PooledEncoderModelTester:
    """What the library's tests ask of a model: its sizes, and a configuration with inputs to go with it."""

    batch_size = 5
    seq_length = 7
    is_training = True
    hidden_size = 24
    num_hidden_layers = 2
    num_attention_heads = 3
    pooling = "mean"

    def __init__(self, parent, pooling):
        self.parent = parent
        self.pooling = pooling

    def get_config(self):
        return PooledEncoderConfig(
            encoder_config=tiny_config("bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
            pooling=self.pooling,
            classifier_dropout=0.0,
            id2label={0: "business", 1: "sport", 2: "tech"},
        )

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        shape = [self.batch_size, self.seq_length]
        inputs = {
            "input_ids": ids_tensor(shape, config.encoder_config.vocab_size),
            "attention_mask": random_attention_mask(shape),
        }
        return config, inputs


class CommonModelTests(ModelTesterMixin):
    pooling = "mean"
    all_model_classes = (PooledEncoderForSequenceClassification,)
    _is_composite = True  # its configuration holds another

    def setUp(self):
        self.model_tester = PooledEncoderModelTester(self, self.pooling)

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False):
        # The library finds the kind of labels by looking the class name up among its own classes.
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels=return_labels)
        if return_labels:
            inputs["labels"] = torch.zeros(self.model_tester.batch_size, dtype=torch.long)
        return inputs

    def test_correct_missing_keys(self):
        # The library loads an encoder's folder as the classifier and counts what stays random; ours refuses to.
        config, _ = self.model_tester.prepare_config_and_inputs_for_common()
        with tempfile.TemporaryDirectory() as folder:
            PooledEncoderForSequenceClassification(config).encoder.save_pretrained(folder)
            with self.assertRaisesRegex(PooledEncoderError, "from_encoder"):
                PooledEncoderForSequenceClassification.from_pretrained(folder)


class MeanModelTest(CommonModelTests, unittest.TestCase):
    pooling = "mean"

    def test_config(self):
        # The vocabulary is the encoder's: `has_text_modality` would ask for its size in the outer configuration.
        tester = ConfigTester(
            self, config_class=PooledEncoderConfig, has_text_modality=False, common_properties=["hidden_size"]
        )
        tester.run_common_tests()


class PoolerModelTest(CommonModelTests, unittest.TestCase):
    pooling = "pooler"


class AttentionModelTest(CommonModelTests, unittest.TestCase):
    pooling = "attention"

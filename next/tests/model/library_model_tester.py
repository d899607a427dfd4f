"""Our model under the library's own common model tests; run by `common_model_tests.py`."""

import tempfile
import unittest

import torch
from library_tests.test_configuration_common import ConfigTester
from library_tests.test_modeling_common import ModelTesterMixin, ids_tensor, random_attention_mask

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from tests.tiny import tiny_config


class PooledEncoderModelTester:
    """The sizes, configuration and inputs that the library's tests ask for."""

    batch_size, seq_length, is_training = 5, 7, True
    hidden_size, num_hidden_layers, num_attention_heads = 24, 2, 3

    def __init__(self, parent: unittest.TestCase, pooling: str):
        self.parent, self.pooling = parent, pooling

    def get_config(self):
        return PooledEncoderConfig(
            encoder_config=tiny_config("bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
            pooling=self.pooling,
            classifier_dropout=0.0,
            id2label={0: "business", 1: "sport", 2: "tech"},
        )

    def prepare_config_and_inputs_for_common(self):
        config, shape = self.get_config(), [self.batch_size, self.seq_length]
        input_ids = ids_tensor(shape, config.encoder_config.vocab_size)
        return config, {"input_ids": input_ids, "attention_mask": random_attention_mask(shape)}


class MeanModelTest(ModelTesterMixin, unittest.TestCase):
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

    def test_config(self):
        # The vocabulary is the encoder's: `has_text_modality` would ask for its size in the outer configuration.
        options = {"has_text_modality": False, "common_properties": ["hidden_size"]}
        ConfigTester(self, config_class=PooledEncoderConfig, **options).run_common_tests()

    def test_correct_missing_keys(self):
        # The library loads the encoder as the classifier and counts random tensors; ours raises an error.
        config, _ = self.model_tester.prepare_config_and_inputs_for_common()
        with tempfile.TemporaryDirectory() as directory:
            PooledEncoderForSequenceClassification(config).encoder.save_pretrained(directory)
            with self.assertRaisesRegex(ValueError, "from_encoder"):
                PooledEncoderForSequenceClassification.from_pretrained(directory)


class PoolerModelTest(MeanModelTest):
    pooling = "pooler"


class AttentionModelTest(MeanModelTest):
    pooling = "attention"

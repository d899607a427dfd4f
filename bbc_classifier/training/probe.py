"""The probe's two fits: on train, so that validation can judge it, and then on train and validation together.

The second has a fifth more rows and, for a probe alone, costs no reading: the encoder has not moved since the first.
"""

import logging

import numpy as np

from bbc_classifier.inference.batching import read_rows
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.linear_probe import fit_head
from bbc_classifier.training.precision import autocast
from bbc_classifier.training.start import SIDES, Start

logger = logging.getLogger(__name__)


def fit_probe(start: Start, arguments: ClassifierTrainingArguments) -> np.ndarray:
    """Fit the head to the encoder's vectors of the training rows, and return these, (rows, width) float64."""
    encoded, targets = start.encoded["train"], start.targets["train"]
    logger.info("fitting the head to the encoder's vectors of %d articles", len(targets))
    start.model.to(arguments.device)
    pad = start.tokenizer.pad_token_id
    with autocast(arguments.precision, arguments.device.type):
        vectors = read_rows(start.model, encoded.input_ids, pad).vectors
    fit_head(start.model, vectors, encoded.input_ids, targets, pad)
    return vectors


def refit_probe(start: Start, train: np.ndarray, validation: np.ndarray, temperature: float) -> None:
    """Fit the head again on both sides, under the temperature that validation called for while it was unseen.

    Args:
        start: What training started with; its encoder has not been trained.
        train: (rows, width), the vectors of the training rows.
        validation: The same of the validation rows.
        temperature: What the logits of the first fit are divided by.
    """
    input_ids = [ids for side in SIDES for ids in start.encoded[side].input_ids]
    targets = np.concatenate([start.targets[side] for side in SIDES])
    logger.info("fitting the head again to all %d articles of train and validation", len(targets))
    fit_head(start.model, np.concatenate([train, validation]), input_ids, targets, start.tokenizer.pad_token_id)
    start.model.fold_temperature(temperature)

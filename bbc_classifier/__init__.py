"""Classify news text with a pretrained BERT-family encoder, a configurable pooling and a linear head.

Importing this package registers its model with transformers' Auto classes, so that `AutoModelForSequenceClassification`
and `pipeline` load our checkpoints without remote code. torch and transformers are imported only when they are used.
"""

import importlib
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from bbc_classifier.config import DataArguments, EvaluateArguments, ModelArguments, TrainArguments
    from bbc_classifier.data.loading import load_data
    from bbc_classifier.estimator import TextClassifier
    from bbc_classifier.evaluation.evaluate import evaluate
    from bbc_classifier.model import (
        PooledEncoderConfig,
        PooledEncoderForSequenceClassification,
        Pooling,
        register_pooling,
    )
    from bbc_classifier.training.train import train

__version__ = "0.1.0"

_MODULES = {
    "DataArguments": "config",
    "EvaluateArguments": "config",
    "ModelArguments": "config",
    "PooledEncoderConfig": "model",
    "PooledEncoderForSequenceClassification": "model",
    "Pooling": "model",
    "TextClassifier": "estimator",
    "TrainArguments": "config",
    "evaluate": "evaluation.evaluate",
    "load_data": "data.loading",
    "register_pooling": "model",
    "train": "training.train",
}
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'bbc_classifier' has no attribute '{name}'")
    return getattr(importlib.import_module(f"bbc_classifier.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


@wrapt.when_imported("transformers.models.auto.modeling_auto")
def _register(module: Any) -> None:
    """Register the model as soon as transformers' registry is imported: importing bbc_classifier.model does it."""
    importlib.import_module("bbc_classifier.model")

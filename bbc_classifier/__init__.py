"""News-text classification with pooled BERT-family encoders.

Importing this package registers its model with transformers' Auto classes, so that `AutoModelForSequenceClassification`
and `pipeline` load our checkpoints without remote code. Neither torch nor transformers is loaded for that: the
registration waits until transformers' own registry is.
"""

import importlib
from typing import Any

import wrapt

__version__ = "0.1.0"

_PUBLIC = {
    "ClassifierTrainingArguments": "bbc_classifier.training.arguments",
    "DataArguments": "bbc_classifier.data.options",
    "ModelArguments": "bbc_classifier.training.arguments",
    "NewsClassifier": "bbc_classifier.inference.classifier",
    "PooledEncoderConfig": "bbc_classifier.model",
    "PooledEncoderForSequenceClassification": "bbc_classifier.model",
    "open_classifier": "bbc_classifier.inference.open_classifier",
    "train": "bbc_classifier.training.run",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'bbc_classifier' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__


@wrapt.when_imported("transformers.models.auto.modeling_auto")
def _register(modeling_auto: Any) -> None:
    # The model registers itself at the end of its import; when that import is what loads the registry, it goes on.
    importlib.import_module("bbc_classifier.model")

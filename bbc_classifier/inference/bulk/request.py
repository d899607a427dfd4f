"""What was asked: all that must be the same for one call to go on with another's answers."""

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from bbc_classifier.data.file_source import short_names
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.inference.checkpoint import checkpoint_weights, config_values, model_location
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.provenance import file_sha256, text_sha256
from bbc_classifier.records import read_json

# Options on which the shards depend.
OPTIONS = ("top_k", "min_confidence", "keep_columns", "shard_format", "shard_rows", "spreadsheet_safe")


def request(
    options: PredictArguments, columns: ColumnArguments, paths: list[Path], classifier: TextClassifier
) -> dict[str, Any]:
    """Return the classifier's hashes, the files' short names and the options, as plain data.

    Raises:
        InputError: The classifier's files are damaged.
        WorldError: They cannot be read any more.
    """
    return {
        **_identity(options, classifier),
        "files": short_names(paths),
        "text_column": columns.text_column,
        "delimiter": columns.delimiter,
        **{name: getattr(options, name) for name in OPTIONS},
    }


def _identity(options: PredictArguments, classifier: TextClassifier) -> dict[str, Any]:
    """Return hashes of all that a classifier's answers depend on."""
    weights = checkpoint_weights(model_location(options.model), options.revision)
    config = config_values(options.model, options.revision)
    return {
        "weights_sha256": weights and _weights_sha256(weights),
        "config_sha256": text_sha256(json.dumps(config, sort_keys=True)),
        "tokenizer_sha256": text_sha256(_all_of(classifier.tokenizer)),
    }


def _weights_sha256(weights: Path) -> str:
    """Return the hash of a file of weights; of an index, that of the files that it names."""
    if weights.suffix != ".json":
        return file_sha256(weights)
    names = sorted({*read_json(weights)["weight_map"].values()})
    return text_sha256("".join(file_sha256(weights.with_name(name)) for name in names))


def _all_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return all that a tokenizer does, as text: not its words alone, but what it makes of capitals and accents too."""
    if tokenizer.is_fast:
        return str(tokenizer.backend_tokenizer.to_str())
    return json.dumps(tokenizer.get_vocab(), sort_keys=True)

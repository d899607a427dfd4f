"""From options to the model and tokenizer that training starts with."""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.tokenizer_files import read_tokenizer
from bbc_classifier.errors import InputError
from bbc_classifier.inference.checkpoint import checkpoint_weights, has_vocabulary, unreadable
from bbc_classifier.inference.config_bounds import refuse_oversized_encoder
from bbc_classifier.model import PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import file_sha256
from bbc_classifier.training.arguments import ModelArguments

# What the library would save of how and from where the tokenizer was loaded, and of the truncation it had there.
LOADING_LEFTOVERS = (
    "is_local",
    "local_files_only",
    "max_length",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "stride",
    "truncation_strategy",
)


def start_model(
    options: ModelArguments,
    data: DataArguments,
    label_names: list[str],
    *,
    problem_type: str,
    class_weights: list[float] | None,
    label_smoothing: float,
    attn_implementation: str | None,
) -> PooledEncoderForSequenceClassification:
    """Start a classifier from the encoder. Seed first: the head is drawn from the global random state.

    Raises:
        InputError: The encoder is unknown or damaged, or cannot have the pooling or the length.
        WorldError: The encoder's files cannot be fetched or read.
    """
    try:
        refuse_oversized_encoder(f"--encoder {options.encoder}", options.encoder, options.encoder_revision)
        model = PooledEncoderForSequenceClassification.from_encoder(
            options.encoder,
            labels=label_names,
            problem_type=problem_type,
            revision=options.encoder_revision,
            encoder_dropout=None if options.encoder_dropout < 0 else options.encoder_dropout,
            attn_implementation=attn_implementation,
            pooling=options.pooling,
            classifier_dropout=options.classifier_dropout,
            max_input_tokens=data.max_length,
            truncation=data.truncation,
            distinct_tokens=data.distinct_tokens,
            lexical_head=options.lexical_head,
            class_weights=class_weights,
            label_smoothing=label_smoothing,
        )
        model.freeze_encoder(options.frozen_layers)
    except PooledEncoderError as error:
        raise InputError(f"--encoder {options.encoder}: {error}") from error
    except InputError:
        raise
    except Exception as error:
        local = locate_encoder(options.encoder).is_local
        raise unreadable(f"--encoder {options.encoder}", error, local) from error
    return model


def start_tokenizer(options: ModelArguments) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer, without any limit, truncation or padding of its own: cutting is the model's.

    With a limit, every pipeline would warn of indexing errors that cannot happen.

    Raises:
        InputError: There is no tokenizer beside the encoder.
        WorldError: Its files cannot be fetched or read.
    """
    location = locate_encoder(options.encoder)
    try:
        tokenizer = read_tokenizer(location.path, options.encoder_revision)
    except Exception as error:
        raise unreadable(f"--encoder {options.encoder}: the tokenizer", error, location.is_local) from error
    if not has_vocabulary(tokenizer):
        raise InputError(
            f"--encoder {options.encoder}: no tokenizer with a vocabulary and a padding token is beside it"
        )
    tokenizer.model_max_length = VERY_LARGE_INTEGER
    for leftover in LOADING_LEFTOVERS:
        tokenizer.init_kwargs.pop(leftover, None)
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def balanced_weights(label_totals: Sequence[int]) -> list[float]:
    """Return n / (K n_c) per label, the weights under which every label counts the same (G. King and L. Zeng, 2001).

    Where a row can have any number of labels, n is the number of labels given out, and the weight acts on all of a
    label's cells, so it says how much the label matters and leaves its yes and no in balance.

    Args:
        label_totals: How many training rows have each label; one that none has counts as had by one.
    """
    return [sum(label_totals) / (len(label_totals) * max(1, total)) for total in label_totals]


def encoder_record(options: ModelArguments) -> dict[str, Any]:
    """Return what the record says of the encoder: its name, where it came from, and the hash of its weights file."""
    location = locate_encoder(options.encoder)
    file = checkpoint_weights(location.path, options.encoder_revision)
    return {
        "name": location.name,
        "origin": location.origin,
        "hub_id": location.hub_id,
        "revision": options.encoder_revision,
        "weights_file": file.name if file else None,
        "weights_sha256": file_sha256(file) if file else None,
    }

"""How long the texts are, in words and in an encoder's tokens."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from bbc_classifier.audit.options import NO_ENCODER
from bbc_classifier.audit.rows import Rows, batches_of_texts
from bbc_classifier.data.encode import encode_texts
from bbc_classifier.data.tokenizer_files import read_tokenizer
from bbc_classifier.errors import InputError
from bbc_classifier.inference.checkpoint import has_vocabulary
from bbc_classifier.inference.config_bounds import read_bounded_config
from bbc_classifier.model import PooledEncoderError
from bbc_classifier.model.encoders import locate_encoder

# The lengths in tokens at which encoders are most often told to cut.
LIMITS = (128, 256, 512)


@dataclass(frozen=True)
class TokenCounts:
    """How many tokens each row has.

    Attributes:
        encoder: Name of the encoder whose tokenizer counted.
        of_row: (rows,) tokens, the special ones included; None where they could not be counted.
        missing_because: Why not; None where they were.
    """

    encoder: str
    of_row: np.ndarray | None
    missing_because: str | None = None


def count_tokens(table: Dataset, encoder: str) -> TokenCounts:
    """Count every row's tokens; a tokenizer that is not at hand is no reason to fail.

    Raises:
        InputError: The encoder is neither a short name, nor a folder with a model, nor a Hub id.
    """
    if encoder == NO_ENCODER:
        return TokenCounts(encoder, None, "not asked for")
    try:
        location = locate_encoder(encoder)
    except PooledEncoderError as error:
        raise InputError(f"--encoder {encoder}: {error}") from error
    try:
        # The library looks into it for the kind of tokenizer.
        read_bounded_config(f"--encoder {encoder}", location.path)
        tokenizer = read_tokenizer(location.path)
    except Exception:  # the library in Rust raises this very class
        tokenizer = None
    if tokenizer is None or not has_vocabulary(tokenizer):
        return TokenCounts(location.name, None, f"the tokenizer of '{encoder}' is not at hand")
    return TokenCounts(location.name, _lengths(table, tokenizer))


def length_findings(rows: Rows, tokens: TokenCounts) -> dict[str, Any]:
    """Return the lengths of the texts that are not blank: of all of them, and of those with each label."""
    findings: dict[str, Any] = {"words": _by_label(rows.words, rows), "tokens": None}
    if tokens.of_row is None:
        return {**findings, "tokens_missing_because": tokens.missing_because}
    written = tokens.of_row[~rows.blank]
    longer = {str(limit): round(float((written > limit).mean()), 4) for limit in LIMITS} if len(written) else None
    return {
        **findings,
        "tokens": {"encoder": tokens.encoder, **_by_label(tokens.of_row, rows), "share_longer_than": longer},
    }


def summary(values: np.ndarray) -> dict[str, float] | None:
    """Return minimum, median, mean, 90th and 99th percentile and maximum; None of nothing.

    A percentile between two values is interpolated linearly (type 7 of Hyndman and Fan 1996).
    """
    if not len(values):
        return None
    figures = {
        "min": values.min(),
        "median": np.median(values),
        "mean": values.mean(),
        "p90": np.percentile(values, 90),
        "p99": np.percentile(values, 99),
        "max": values.max(),
    }
    return {name: round(float(value), 1) for name, value in figures.items()}


def _lengths(table: Dataset, tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    counts = [
        len(ids)
        for batch in batches_of_texts(table, "tokens")
        for ids in encode_texts(tokenizer, batch, None, "head").input_ids
    ]
    return np.array(counts, np.int64)


def _by_label(lengths: np.ndarray, rows: Rows) -> dict[str, Any]:
    members = zip(rows.label_names, rows.with_label(), strict=True)
    return {
        "all": summary(lengths[~rows.blank]),
        "labels": {name: summary(lengths[some[~rows.blank[some]]]) for name, some in members},
    }

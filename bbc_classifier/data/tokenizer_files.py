"""Opening a tokenizer: whatever is wrong with its files is an ordinary error, and known before any text is read."""

import json
from collections.abc import Sequence
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bbc_classifier.errors import InputError


def read_tokenizer(location: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a folder or Hub id; no code from there runs.

    Raises:
        ValueError: Its files contradict each other.
        Exception: Whatever the library raises of files that are missing or damaged.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(location, revision=revision, trust_remote_code=False)
        # Some settings are only looked at when a text is there.
        tokenizer("a")
        # Half a character in them could be read, and never be saved again.
        json.dumps(tokenizer.init_kwargs, ensure_ascii=False, default=str).encode()
    except BaseException as error:
        # How the library in Rust says so has no class that could be imported, and stands outside of `Exception`.
        if type(error).__name__ == "PanicException":
            raise ValueError(f"the tokenizer's files contradict each other: {error}") from error
        raise
    return tokenizer


def refuse_unknown_ids(input_ids: Sequence[Sequence[int]], encoder_config: Any) -> None:
    """Check that the encoder has an embedding for every token of some texts.

    Args:
        input_ids: Token ids per text.
        encoder_config: The encoder's configuration.

    Raises:
        InputError: It has not; encoder and tokenizer do not belong together.
    """
    size = getattr(encoder_config, "vocab_size", None)
    highest = max((max(ids) for ids in input_ids if ids), default=0)
    if isinstance(size, int) and highest >= size:
        raise InputError(
            f"the tokenizer gives the token {highest}, but the encoder knows {size:,} tokens, counted from 0: they do "
            "not belong together"
        )

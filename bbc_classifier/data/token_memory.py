"""Texts that were tokenised before: many trainings on the same texts need their tokens once an encoder."""

import hashlib
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase


class TokenMemory:
    """Token ids of whole texts, by tokenizer. A tokenizer that cannot be told from others is not remembered."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], list[int]] = {}

    def token_ids(self, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of texts, special tokens included, neither cut nor padded."""
        if not tokenizer.is_fast:
            return token_ids(tokenizer, texts)
        name = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode("utf-8")).hexdigest()
        new = [text for text in dict.fromkeys(texts) if (name, text) not in self._ids]
        if new:
            self._ids |= {(name, text): ids for text, ids in zip(new, token_ids(tokenizer, new), strict=True)}
        # Lists of their own: whoever gets them may change them.
        return [list(self._ids[name, text]) for text in texts]


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of texts, special tokens included, neither cut nor padded."""
    return tokenizer(
        list(texts),
        truncation=False,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]

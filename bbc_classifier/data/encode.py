"""From texts to the token ids a model reads, cut by the one truncation rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from bbc_classifier.data.token_memory import TokenMemory, token_ids
from bbc_classifier.model.distinct_tokens import first_occurrences
from bbc_classifier.model.truncation import cut_tokens


@dataclass(frozen=True)
class EncodedTexts:
    """Token ids per text, in the texts' order.

    Attributes:
        input_ids: One list of token ids per text, special tokens included, without padding.
        truncated: Whether each text was cut.
    """

    input_ids: list[list[int]]
    truncated: list[bool]

    @property
    def truncated_share(self) -> float:
        """Share of the texts that were cut, 0 for no texts."""
        return sum(self.truncated) / max(1, len(self.truncated))

    def rows(self, targets: Sequence[int] | np.ndarray) -> list[dict[str, object]]:
        """Return the rows the Trainer's collator pads: `input_ids`, `attention_mask`, `labels`.

        Args:
            targets: (texts,) class indices, or (texts, labels) floats, 1 where a text has a label.
        """
        return [
            {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": target}
            for ids, target in zip(self.input_ids, np.asarray(targets).tolist(), strict=True)
        ]


def encode_texts(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    max_length: int | None,
    truncation: str,
    *,
    distinct: bool = False,
    keep_whole: bool = False,
    memory: TokenMemory | None = None,
) -> EncodedTexts:
    """Tokenise whole texts, then cut each to `max_length` tokens (None: not at all) as `truncation` says.

    With `distinct`, each token of a text is kept where it first stands, before anything is cut. With `keep_whole` all
    of that is left to the model, which needs the whole text for something else; what it will cut counts as truncated.
    A `memory` spares tokenising texts again that it knows.
    """
    if not texts:
        return EncodedTexts([], [])
    whole = token_ids(tokenizer, texts) if memory is None else memory.token_ids(tokenizer, texts)
    read = [first_occurrences(tokens) for tokens in whole] if distinct else whole
    cut = [cut_tokens(tokens, max_length, truncation) for tokens in read]
    truncated = [len(short) < len(long) for short, long in zip(cut, read, strict=True)]
    return EncodedTexts(whole if keep_whole else cut, truncated)

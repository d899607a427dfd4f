"""The tokenizer of an exported folder, as any program reads it: what it cuts is what the model beside it expects."""

import copy
from pathlib import Path

from transformers import PreTrainedTokenizerBase
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from bbc_classifier.records import read_json, write_json

# What the library writes of where and how the tokenizer was loaded.
LOADING_NOISE = {"is_local", "local_files_only", "name_or_path"}
# And of how it was last called; a program that reads tokenizer.json alone would do the same again.
CALLING_NOISE = {"max_length", "stride", "truncation_strategy", "pad_to_multiple_of"}


def save_tokenizer(
    tokenizer: PreTrainedTokenizerBase, folder: Path, most_tokens: int | None, *, cut_from_left: bool = False
) -> None:
    """Write the tokenizer.

    Args:
        tokenizer: The classifier's; it stays as it is.
        folder: Where to.
        most_tokens: What a text is cut to by those who ask for truncation; None, not at all.
        cut_from_left: Whether a text's end is kept, not its beginning.
    """
    own = copy.deepcopy(tokenizer)
    if own.is_fast:
        own.backend_tokenizer.no_truncation()
        own.backend_tokenizer.no_padding()
    own.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = {name: value for name, value in read_json(path).items() if name not in LOADING_NOISE | CALLING_NOISE}
    settings["model_max_length"] = VERY_LARGE_INTEGER if most_tokens is None else most_tokens
    # The library does not write what was set after the tokenizer was made.
    settings |= {"truncation_side": "left" if cut_from_left else "right", "padding_side": "right"}
    write_json(path, settings)

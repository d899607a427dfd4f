"""Whether a configuration describes no larger model than its weights are: a few digits in it can ask for any memory.

The library builds what a configuration says and then looks for the tensors. What they lack, it makes.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.utils import cached_file

from bbc_classifier.errors import InputError
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.model.pretrained_encoder import encoder_class, load_encoder_config
from bbc_classifier.provenance import WEIGHT_FILES

# Far above every encoder that there is; even to build the outline of so many layers, or to name so many labels, takes
# longer and more memory than anyone has who waits for an answer.
MOST = {"layer": 256, "label": 100_000}
MOST_OF_OTHERS = 10_000_000
# A parameter takes a byte at least, and a fresh head may come on top of what is in the file.
FRESH_PARAMETERS = 10_000_000


def read_bounded_config(what: str, location: str, revision: str | None = None) -> dict[str, Any]:
    """Return what the config.json of a folder or Hub id says, as it stands there.

    Raises:
        InputError: A number in it is that of no model.
        OSError: The file is not there, is damaged, or cannot be fetched.
    """
    values = PreTrainedConfig.get_config_dict(location, revision=revision)[0]
    refuse_absurd_numbers(what, values)
    return values


def refuse_absurd_numbers(what: str, values: Mapping[str, Any]) -> None:
    """Check that no whole number of a configuration is that of no model.

    Args:
        what: The model, as the beginning of a sentence.
        values: What its config.json says.

    Raises:
        InputError: One is.
    """
    for name, value in _whole_numbers(values):
        most = next((limit for word, limit in MOST.items() if word in name), MOST_OF_OTHERS)
        if value > most:
            raise InputError(f"{what}: config.json says that {name} is {value:.6g}; no model of this kind has as many")


def refuse_larger_than_weights(what: str, location: str, revision: str | None, build: Callable[[], nn.Module]) -> None:
    """Check that the model which a configuration describes has no more parameters than there are bytes of weights.

    Args:
        what: The model, as the beginning of a sentence.
        location: Its folder or Hub id; weights that are on the Hub alone are fetched, as they will be anyway.
        revision: Branch, tag or commit of a Hub id.
        build: Builds the model; nothing is allocated for it here.

    Raises:
        InputError: It has more.
    """
    size = _bytes_of_weights(location, revision)
    if size is None:
        return
    with torch.device("meta"):
        described = sum(parameter.numel() for parameter in build().parameters())
    if described > size + FRESH_PARAMETERS:
        raise InputError(
            f"{what}: config.json describes {described:,} parameters, but there are {size:,} bytes of weights"
        )


def refuse_oversized_encoder(what: str, encoder: str, revision: str | None) -> None:
    """Check an encoder, or a finished classifier that is started from, as above.

    Raises:
        InputError: Its configuration describes what its weights are not.
        PooledEncoderError: There is no such encoder, or it is of no type that the library knows.
        OSError: A file is damaged or cannot be fetched.
    """
    location = locate_encoder(encoder).path
    values = read_bounded_config(what, location, revision)
    if values.get("model_type") == PooledEncoderConfig.model_type:
        config = PooledEncoderConfig.from_dict(dict(values))
        refuse_larger_than_weights(what, location, revision, lambda: PooledEncoderForSequenceClassification(config))
    else:
        config = load_encoder_config(location, revision)
        refuse_larger_than_weights(what, location, revision, lambda: encoder_class(config)(config))


def _whole_numbers(values: Any, name: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            # Which label has which number is said by the label's name.
            if key != "label2id":
                yield from _whole_numbers(value, str(key))
    elif isinstance(values, list):
        for value in values:
            yield from _whole_numbers(value, name)
    elif isinstance(values, int) and not isinstance(values, bool):
        yield name, values


def _bytes_of_weights(location: str, revision: str | None) -> int | None:
    """Return the size of the weights, all shards together; None where there are none, which the library will say."""
    for name in WEIGHT_FILES:
        file = cached_file(
            location,
            name,
            revision=revision,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if file is not None:
            if not name.endswith(".json"):
                return Path(file).stat().st_size
            # Of an index the shards are not fetched yet; it says their size itself, and they are in several files.
            return None
    return None

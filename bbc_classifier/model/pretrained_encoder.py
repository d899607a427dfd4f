"""Building the encoder, and loading its pretrained weights, whatever layout they have, leaving none random."""

import contextlib
import inspect

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, __version__
from transformers.utils import logging

from .configuration_pooled_encoder import PooledEncoderError, check_number, legal_poolings
from .pooling import POOLINGS


def encoder_class(encoder_config) -> type[PreTrainedModel]:
    """Return the library's encoder class for a configuration.

    Raises:
        PooledEncoderError: The library has none: a classifier built from the code of the encoder's own repository could
            not be loaded anywhere else.
    """
    if type(encoder_config) not in AutoModel._model_mapping:
        raise PooledEncoderError(
            f"{encoder_config.model_type} encoders are not part of transformers {__version__}; an encoder must be"
        )
    found = AutoModel._model_mapping[type(encoder_config)]
    # Where a type has two classes (funnel), the second shortens the sequence, and no mask fits its output.
    return found[0] if isinstance(found, tuple) else found


def load_encoder_config(path: str, revision: str | None):
    """Return the configuration at a folder or Hub id; no code from there runs.

    Raises:
        PooledEncoderError: The library has no such type of model.
        OSError: The file cannot be read or fetched.
    """
    try:
        return AutoConfig.from_pretrained(path, revision=revision, trust_remote_code=False)
    except ValueError as error:
        raise PooledEncoderError(
            f"{path} is of a type that is not part of transformers {__version__}; an encoder must be"
        ) from error


def pooler_argument(encoder_config, with_pooler: bool) -> dict[str, bool]:
    """Return the keyword that builds the encoder with or without its pooler; empty where its class has no choice."""
    parameters = inspect.signature(encoder_class(encoder_config).__init__).parameters
    return {"add_pooling_layer": with_pooler} if "add_pooling_layer" in parameters else {}


def set_encoder_dropout(encoder_config, probability: float) -> None:
    """Set every dropout probability that the encoder's configuration has, whatever its field is called.

    Raises:
        PooledEncoderError: The probability is not in [0, 1).
    """
    check_number("encoder_dropout", probability)
    for name, value in encoder_config.to_dict().items():
        if "dropout" in name and isinstance(value, (int, float)) and not isinstance(value, bool):
            setattr(encoder_config, name, float(probability))


def build_encoder(encoder_config, with_pooler: bool) -> PreTrainedModel:
    """Build the encoder with fresh weights, without a pooler unless the pooling uses it.

    Raises:
        PooledEncoderError: Its class has no pooler.
    """
    # Its class itself, not the Auto class: that one would build it in the dtype its own configuration was saved with.
    encoder = encoder_class(encoder_config)(encoder_config, **pooler_argument(encoder_config, with_pooler))
    if with_pooler and getattr(encoder, "pooler", None) is None:
        raise PooledEncoderError(f"{type(encoder).__name__} has no pooler; {poolings_without(encoder_config)}")
    if not with_pooler and getattr(encoder, "pooler", None) is not None:
        encoder.pooler = nn.Identity()
    return encoder


def load_pretrained_encoder(path: str, encoder_config, with_pooler: bool, **loading) -> PreTrainedModel:
    """Load the encoder in float32 with the library's own class, which knows every checkpoint layout on the Hub.

    Tensors of other heads in the checkpoint are expected and print nothing.

    Args:
        path: Folder or Hub id.
        encoder_config: Its configuration.
        with_pooler: Whether the pooling uses the encoder's pooler, whose pretrained weights must then be there.
        loading: `revision`.

    Raises:
        PooledEncoderError: The checkpoint lacks a tensor that the classifier needs, or one has another shape.
        OSError: The files cannot be read or fetched.
    """
    with quiet_library():
        encoder, report = encoder_class(encoder_config).from_pretrained(
            path,
            config=encoder_config,
            dtype=torch.float32,
            output_loading_info=True,
            # Reported, so that the error below can name the tensor.
            ignore_mismatched_sizes=True,
            **pooler_argument(encoder_config, with_pooler),
            **loading,
        )
    absent = absent_tensors(report)
    pooler = [name for name in absent if name.startswith("pooler.")]
    needed = [name for name in absent if not name.startswith("pooler.")]
    if needed:
        raise PooledEncoderError(
            f"the checkpoint {path} lacks {len(needed)} tensors of its {encoder_config.model_type} encoder, or has "
            f"them in another shape, {needed[0]} among them"
        )
    if pooler and with_pooler:
        raise PooledEncoderError(f"the checkpoint {path} has no pretrained pooler; {poolings_without(encoder_config)}")
    return encoder


def absent_tensors(report: dict) -> list[str]:
    """Return the names of the tensors that the library left random: missing in the files, or of another shape there."""
    return sorted([*report["missing_keys"], *(str(entry[0]) for entry in report["mismatched_keys"])])


def poolings_without(encoder_config) -> str:
    """Say which poolings remain for an encoder that has no pooler."""
    legal = [name for name in legal_poolings(encoder_config.model_type) if not POOLINGS[name].needs_encoder_pooler]
    return f"poolings it can have: {', '.join(legal)}"


@contextlib.contextmanager
def quiet_library():
    """Silence the library's loading report: what matters in it is raised as an error here."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)

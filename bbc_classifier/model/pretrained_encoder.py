"""Loading a pretrained encoder's weights, whatever layout its checkpoint has, and refusing to leave any random."""

import contextlib
import inspect

import torch
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging

from .configuration_pooled_encoder import PooledEncoderError, legal_poolings


def load_pretrained_encoder(path: str, encoder_config, with_pooler: bool, **loading) -> PreTrainedModel:
    """Load the encoder in float32 through `AutoModel`, which knows every checkpoint layout on the Hub.

    Tensors of other heads in the checkpoint are expected and print nothing.

    Args:
        path: Folder or Hub id.
        encoder_config: Its configuration.
        with_pooler: Whether the pooling uses the encoder's pooler, whose pretrained weights must then be there.
        loading: `revision`, `trust_remote_code`.

    Raises:
        PooledEncoderError: The checkpoint lacks a tensor that the classifier needs, or one has another shape.
        OSError: The files cannot be read or fetched.
    """
    encoder_class = AutoModel._model_mapping[type(encoder_config)]
    if "add_pooling_layer" in inspect.signature(encoder_class.__init__).parameters:
        loading["add_pooling_layer"] = with_pooler
    with _quiet_library():
        encoder, report = AutoModel.from_pretrained(
            path, config=encoder_config, dtype=torch.float32, output_loading_info=True, **loading
        )
    absent = sorted([*report["missing_keys"], *(str(key[0]) for key in report["mismatched_keys"])])
    pooler = [name for name in absent if name.startswith("pooler.")]
    needed = [name for name in absent if not name.startswith("pooler.")]
    if needed:
        raise PooledEncoderError(
            f"the checkpoint {path} lacks {len(needed)} tensors of its {encoder_config.model_type} encoder, "
            f"{needed[0]} among them"
        )
    if pooler and with_pooler:
        legal = ", ".join(name for name in legal_poolings(encoder_config.model_type) if name != "pooler")
        raise PooledEncoderError(f"the checkpoint {path} has no pretrained pooler; poolings it can have: {legal}")
    return encoder


@contextlib.contextmanager
def _quiet_library():
    """Silence the library's loading report: what matters in it is raised as an error here."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)

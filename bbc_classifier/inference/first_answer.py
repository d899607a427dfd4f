"""A model's first answer, which shows what loading does not: some values are only looked at when a text is there."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bbc_classifier.data.tokenizer_files import refuse_unknown_ids
from bbc_classifier.inference.batching import pad_right


@torch.inference_mode()
def try_to_answer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let a model answer to a text of one letter, on the device it is on. Nothing is drawn; the mode stays as it is.

    Raises:
        InputError: Tokenizer and encoder do not belong together.
        Exception: Whatever the library raises of a value that it cannot compute with.
    """
    tokens = tokenizer("a").input_ids
    refuse_unknown_ids([tokens], getattr(model.config, "encoder_config", model.config))
    ids, mask = pad_right([tokens], tokenizer.pad_token_id)
    was_training = model.training
    model.eval()(input_ids=ids.to(model.device), attention_mask=mask.to(model.device))
    model.train(was_training)

"""An encoder, a pooling that always sees the mask, and a linear head: a sequence classifier."""

import inspect

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import can_return_tuple

from .columns import every_token, is_exporting, longest_row, take_columns
from .configuration_pooled_encoder import PooledEncoderConfig, PooledEncoderError
from .distinct_tokens import first_positions
from .encoders import locate_encoder
from .lexical_head import LexicalHead
from .loss import infer_problem_type, sequence_loss
from .pooling import POOLINGS
from .pretrained_encoder import (
    absent_tensors,
    build_encoder,
    load_encoder_config,
    load_pretrained_encoder,
    poolings_without,
    quiet_library,
    set_encoder_dropout,
)
from .truncation import kept_positions


class PooledEncoderForSequenceClassification(PreTrainedModel):
    """Encoder, pooling, dropout, linear head.

    `from_encoder` starts a classifier from a pretrained encoder; `from_pretrained` loads a finished one.
    """

    config_class = PooledEncoderConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    # The loss is a plain mean over the batch, so the Trainer must not divide by `num_items_in_batch` for it.
    accepts_loss_kwargs = False
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: PooledEncoderConfig):
        super().__init__(config)
        config.check()
        pooling = POOLINGS[config.pooling]
        self.encoder = build_encoder(config.encoder_config, pooling.needs_encoder_pooler)
        self.pooling = pooling(config.hidden_size)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(self.pooling.width, config.num_labels)
        # Not every encoder has a vocabulary: CANINE reads characters.
        self.lexical_head = (
            LexicalHead(config.encoder_config.vocab_size, config.num_labels) if config.lexical_head else None
        )
        self._encoder_arguments = frozenset(inspect.signature(type(self.encoder).forward).parameters)
        self.post_init()

    @classmethod
    def from_encoder(
        cls,
        name_or_path: str,
        *,
        labels: list[str] | None = None,
        revision: str | None = None,
        encoder_dropout: float | None = None,
        attn_implementation: str | None = None,
        **config_options,
    ) -> "PooledEncoderForSequenceClassification":
        """Start a classifier from a pretrained encoder, in float32, with a fresh head.

        Seed the random number generators first: the head is drawn from them. If `name_or_path` is a finished
        classifier of this class, its encoder is taken, and its pooling and head too when pooling, labels and problem
        type agree.

        Args:
            name_or_path: A short name (`NAMED_ENCODERS`), a folder or a Hub id.
            labels: Label names, in the order of their indices; None takes those of a finished classifier.
            revision: Branch, tag or commit of a Hub id.
            encoder_dropout: Replaces every dropout probability of the encoder; None keeps the checkpoint's.
            attn_implementation: "eager", "sdpa", "flash_attention_2", …; None lets the library choose.
            config_options: Fields of `PooledEncoderConfig`: `pooling`, `max_input_tokens`, …

        Raises:
            PooledEncoderError: The encoder is unknown, lacks tensors, or cannot have the pooling.
            OSError: The files cannot be read or fetched.
        """
        location = locate_encoder(name_or_path)
        encoder_config = load_encoder_config(location.path, revision)
        start = None
        if encoder_config.model_type == cls.config_class.model_type:
            start = _load_finished(cls, location.path, revision)
            encoder_config = start.config.encoder_config
            labels = labels or start.config.label_names
        if not labels:
            raise PooledEncoderError("labels are needed to start a classifier from an encoder")
        if encoder_dropout is not None:
            set_encoder_dropout(encoder_config, encoder_dropout)
        config_options.setdefault("problem_type", "single_label_classification")
        config = cls.config_class(
            encoder_config=encoder_config,
            id2label=dict(enumerate(labels)),
            label2id={name: index for index, name in enumerate(labels)},
            **config_options,
        )
        attention = {"attn_implementation": attn_implementation} if attn_implementation else {}
        model = cls._from_config(config, dtype=torch.float32, **attention)
        if start is None:
            needs_pooler = model.pooling.needs_encoder_pooler
            _copy_encoder(
                model, load_pretrained_encoder(location.path, encoder_config, needs_pooler, revision=revision)
            )
            return model
        _copy_encoder(model, start.encoder)
        if _same_head(start.config, config):
            model.pooling.load_state_dict(start.pooling.state_dict())
            model.classifier.load_state_dict(start.classifier.state_dict())
            if model.lexical_head is not None and start.lexical_head is not None:
                model.lexical_head.load_state_dict(start.lexical_head.state_dict())
        return model

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs,
    ) -> SequenceClassifierOutput:
        """Classify a padded batch.

        Rows are moved to the left edge and cut to `config.max_input_tokens` first, so no input is too long and padding
        never changes an answer, unless the encoder itself lets real tokens see padding, as those do that convolve
        neighbours or hash (ConvBERT, MobileBERT, CANINE, YOSO). Hidden states and attentions are those of the rows as
        read.

        Args:
            input_ids: (batch, tokens) int64. Either these or `inputs_embeds`.
            attention_mask: (batch, tokens), 1 for real tokens; None means that every token is real.
            token_type_ids: (batch, tokens) int64; dropped where the encoder has no use for them.
            position_ids: (batch, tokens) int64; dropped where the encoder has no use for them.
            inputs_embeds: (batch, tokens, hidden) floats.
            labels: See `sequence_loss`.
            kwargs: Passed to the encoder, `output_hidden_states` and `output_attentions` among them.

        Returns:
            `loss` (scalar, when labels are given), `logits` (batch, labels), `hidden_states`, `attentions`.

        Raises:
            ValueError: Both or neither of `input_ids` and `inputs_embeds` are given, embeddings to a classifier that
                compares or counts tokens, or a mask that is not 2-D.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        if input_ids is None and (self.config.distinct_tokens or self.config.lexical_head):
            raise ValueError("this classifier compares or counts tokens, which needs input_ids, not inputs_embeds")
        if attention_mask is None:
            attention_mask = every_token(input_ids, inputs_embeds)
        if attention_mask.dim() != 2:
            raise ValueError(f"attention_mask must have the shape (batch, tokens), not {tuple(attention_mask.shape)}")
        lexical_scores = None if self.lexical_head is None else self.lexical_head(input_ids, attention_mask)
        columns, attention_mask = self._columns_to_read(input_ids, attention_mask)
        per_token = {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "position_ids": position_ids,
            "inputs_embeds": inputs_embeds,
        }
        encoder_output = self.encoder(
            attention_mask=attention_mask,
            return_dict=True,
            **{
                name: take_columns(values, columns)
                for name, values in per_token.items()
                if values is not None and name in self._encoder_arguments
            },
            **kwargs,
        )
        pooled = self.pooling(encoder_output, attention_mask)
        logits = self.classifier(self.dropout(pooled))
        if lexical_scores is not None:
            logits = logits + lexical_scores
        return SequenceClassifierOutput(
            loss=None if labels is None else self._loss(logits, labels),
            logits=logits,
            hidden_states=encoder_output.get("hidden_states"),
            attentions=encoder_output.get("attentions"),
        )

    def freeze_encoder(self, layers: int) -> None:
        """Stop training the embeddings and the lowest `layers` layers of the encoder; 0 leaves everything trained.

        Nothing below the lowest trained layer needs a backward pass, so time is saved as well as memory.

        Raises:
            PooledEncoderError: The encoder has fewer layers, or does not keep them in one list.
        """
        if layers == 0:
            return
        depth = self.config.encoder_config.num_hidden_layers
        stacks = [
            module for module in self.encoder.modules() if isinstance(module, nn.ModuleList) and len(module) == depth
        ]
        if not stacks or not 0 <= layers <= depth:
            raise PooledEncoderError(
                f"cannot freeze {layers} layers of this encoder; it has {depth if stacks else 'no list of'}"
            )
        self.encoder.requires_grad_(False)
        stacks[0][layers:].requires_grad_(True)
        if self.pooling.needs_encoder_pooler:
            self.encoder.pooler.requires_grad_(True)

    def fold_temperature(self, temperature: float) -> None:
        """Divide the head by `temperature`, so that every later form of the model has the calibrated confidences."""
        with torch.no_grad():
            self.classifier.weight.div_(temperature)
            self.classifier.bias.div_(temperature)
            if self.lexical_head is not None:
                self.lexical_head.scores.weight.div_(temperature)

    def save_pretrained(self, save_directory, **kwargs):
        """Save config, code and weights (safetensors).

        Raises:
            PooledEncoderError: The labels still have the library's default names.
        """
        if not self.config.has_named_labels():
            raise PooledEncoderError("give the labels real names (id2label) before saving: LABEL_0 helps no reader")
        super().save_pretrained(save_directory, **kwargs)

    def _columns_to_read(
        self, input_ids: torch.Tensor | None, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the columns of the batch that are read, (batch, kept) int64, and their mask."""
        config = self.config
        if not config.distinct_tokens or input_ids is None:
            return kept_positions(attention_mask, config.max_input_tokens, config.truncation)
        distinct, attention_mask = first_positions(input_ids, attention_mask)
        columns, attention_mask = kept_positions(attention_mask, config.max_input_tokens, config.truncation)
        columns = distinct.gather(1, columns)
        if torch.jit.is_tracing() or (torch.compiler.is_compiling() and not is_exporting()):
            return columns, attention_mask
        # A text says most of its tokens more than once: what no row reads need not go through the encoder.
        longest = longest_row(attention_mask)
        return columns[:, :longest], attention_mask[:, :longest]

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        problem_type = self.config.problem_type or infer_problem_type(self.config.num_labels, labels)
        if not self.training:
            return sequence_loss(logits, labels, problem_type)
        weights = self.config.class_weights
        class_weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=logits.device)
        return sequence_loss(logits, labels, problem_type, class_weights, self.config.label_smoothing)


def _load_finished(
    model_class: type[PooledEncoderForSequenceClassification], path: str, revision: str | None
) -> PooledEncoderForSequenceClassification:
    """Load a finished classifier in float32; every tensor must be there."""
    with quiet_library():
        model, report = model_class.from_pretrained(
            path,
            revision=revision or "main",
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    if absent := absent_tensors(report):
        raise PooledEncoderError(f"the classifier {path} lacks {len(absent)} tensors, {absent[0]} among them")
    return model


def _copy_encoder(model: PooledEncoderForSequenceClassification, source: PreTrainedModel) -> None:
    """Copy the source's tensors into the model's encoder; a finished classifier may lack the pooler."""
    tensors = source.state_dict()
    if any(name.startswith("pooler.") and name not in tensors for name in model.encoder.state_dict()):
        raise PooledEncoderError(f"the classifier has no pretrained pooler; {poolings_without(source.config)}")
    model.encoder.load_state_dict({name: tensors[name] for name in model.encoder.state_dict()})


def _same_head(start: PooledEncoderConfig, config: PooledEncoderConfig) -> bool:
    """Whether two configurations mean the same by the head's outputs; an unset problem type agrees with any."""
    same_kind = start.problem_type in (None, config.problem_type) and start.lexical_head == config.lexical_head
    return same_kind and start.pooling == config.pooling and start.label_names == config.label_names


PooledEncoderForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")

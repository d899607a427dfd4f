"""An encoder, a mask-aware pooling and a linear head: a sequence classifier."""

import inspect
import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import MODEL_MAPPING, AutoConfig, PreTrainedConfig, PreTrainedModel, __version__
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import ModelOutput, can_return_tuple, logging

from .configuration_pooled_encoder import PooledEncoderConfig, locate_encoder

# Encoders whose classes build no pooler. The model also checks every other class when it builds it.
_POOLERLESS = set(
    "convbert deberta deberta-v2 distilbert electra eurobert funnel modernbert mra nystromformer roformer yoso".split()
)


class Pooling(nn.Module):
    """Base class of poolings: one vector per text from the encoder's vectors per token; see `register_pooling`.

    In the formulas h_t is the encoder's vector of token t and m_t is 1 for a real token, 0 for padding. Rows are
    left-aligned, so token 1 is the row's first real token.
    """

    vectors_joined = 1  # how many vectors of the encoder's width are concatenated
    needs_encoder_pooler = False  # whether `encoder_output.pooler_output` is read
    needs_hidden_states = False  # whether `encoder_output.hidden_states` is read: the embeddings and every layer

    def __init__(self, config: PooledEncoderConfig):
        super().__init__()
        self.width = config.hidden_size * self.vectors_joined

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return (batch, width) from `last_hidden_state` (batch, tokens, hidden) and the mask (batch, tokens)."""
        raise NotImplementedError


POOLINGS: dict[str, type[Pooling]] = {}


def register_pooling(name: str) -> Callable[[type[Pooling]], type[Pooling]]:
    """Return a decorator that makes a subclass of `Pooling` available as `pooling=name`, if no other has the name."""

    def register(pooling: type[Pooling]) -> type[Pooling]:
        other = POOLINGS.get(name, pooling)
        # The same class again is a module that was reloaded, or a notebook's cell that ran twice.
        if (other.__module__, other.__qualname__) != (pooling.__module__, pooling.__qualname__):
            raise ValueError(f"the pooling '{name}' is already registered by {other.__module__}; choose another name")
        POOLINGS[name] = pooling
        return pooling

    return register


def legal_poolings(model_type: str) -> list[str]:
    """Return the names of the poolings that an encoder of this type can have."""
    has_pooler = model_type not in _POOLERLESS
    return [name for name, pooling in POOLINGS.items() if has_pooler or not pooling.needs_encoder_pooler]


@register_pooling("cls")
class Cls(Pooling):
    """The first token's vector, h_1 (J. Devlin et al., "BERT", NAACL 2019; without BERT's own pooler)."""

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the vector of each row's first token, (batch, hidden)."""
        return encoder_output.last_hidden_state[:, 0]


@register_pooling("mean")
class Mean(Pooling):
    """The mean over real tokens, sum_t m_t h_t / sum_t m_t (N. Reimers, I. Gurevych, "Sentence-BERT", EMNLP 2019)."""

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return each row's mean, (batch, hidden), summed in float32; zeros for a row without real tokens."""
        hidden = encoder_output.last_hidden_state
        weights = attention_mask.unsqueeze(-1).float()
        return ((hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1.0)).to(hidden.dtype)


@register_pooling("max")
class Max(Pooling):
    """The largest value per dimension over {t : m_t = 1} of h_t ("Sentence-BERT", EMNLP 2019, MAX strategy)."""

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return each row's maximum, (batch, hidden); zeros for a row without real tokens."""
        hidden = encoder_output.last_hidden_state
        real = (attention_mask != 0).unsqueeze(-1)
        largest = hidden.masked_fill(~real, torch.finfo(hidden.dtype).min).amax(1)
        return largest.masked_fill(~real.any(1), 0.0)


@register_pooling("pooler")
class Pooler(Pooling):
    """The encoder's own pretrained pooler, for BERT tanh(W h_1 + b) (J. Devlin et al., "BERT", NAACL 2019)."""

    needs_encoder_pooler = True

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the encoder's `pooler_output`, (batch, hidden)."""
        return encoder_output.pooler_output


@register_pooling("attention")
class LearnedAttention(Pooling):
    """sum_t a_t h_t, where a = softmax over real t of u . tanh(V h_t + b) (Z. Yang et al., NAACL 2016, eq. 5-7)."""

    def __init__(self, config: PooledEncoderConfig):
        super().__init__(config)
        self.projection = nn.Linear(config.hidden_size, config.hidden_size)
        self.context = nn.Linear(config.hidden_size, 1, bias=False)

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return each row's weighted mean, (batch, hidden); the softmax is in float32."""
        hidden = encoder_output.last_hidden_state
        scores = self.context(torch.tanh(self.projection(hidden))).squeeze(-1).float()
        scores = scores.masked_fill(attention_mask == 0, torch.finfo(torch.float32).min)
        weights = scores.softmax(1).to(hidden.dtype)
        return torch.einsum("bt,bth->bh", weights, hidden)


@register_pooling("cls+mean")
class ClsMean(Mean):
    """The first token's vector and the mean, [h_1 ; mean], concatenated as in "BERT", NAACL 2019, section 5.3."""

    vectors_joined = 2

    def forward(self, encoder_output: ModelOutput, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return both vectors side by side, (batch, 2 hidden)."""
        mean = super().forward(encoder_output, attention_mask)
        return torch.cat([encoder_output.last_hidden_state[:, 0], mean], dim=-1)


def truncate(input_ids: list[int], config: PooledEncoderConfig) -> tuple[list[int], bool]:
    """Return the part of a text with its special tokens that the model reads, and whether the text was cut."""
    limit = len(input_ids) if config.max_input_tokens is None else config.max_input_tokens
    if len(input_ids) <= limit:
        return input_ids, False
    first, last = _kept_ends(limit, config.truncation)
    return input_ids[:first] + input_ids[-last:], True


def _kept_ends(max_tokens: int, truncation: str) -> tuple[int, int]:
    """Return how many tokens are kept of the start and of the end (C. Sun et al., CCL 2019, section 5.3.1)."""
    first = 1 + {"head": max_tokens - 2, "tail": 0, "head+tail": (max_tokens - 2) // 4}[truncation]
    return first, max_tokens - first


def _columns_to_read(attention_mask: torch.Tensor, config: PooledEncoderConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `truncate` of a padded batch: the columns that are read, (batch, kept) int64, and their mask.

    Rows move to the left edge, so that neither the side nor the amount of padding changes an answer.
    """
    tokens = attention_mask.shape[1]
    column = torch.arange(tokens, device=attention_mask.device)
    target = column[: config.max_input_tokens]  # not min(), which would fix the length in an exported graph
    kept = target.shape[0]
    real = attention_mask != 0
    start = torch.where(real, column, tokens).amin(1, keepdim=True)
    span = torch.where(real, column + 1, 0).amax(1, keepdim=True) - start
    skipped = (target >= _kept_ends(kept, config.truncation)[0]) * (span - kept).clamp(min=0)
    columns = (start + target + skipped).clamp(max=tokens - 1)
    mask = attention_mask.gather(1, columns) * (target < span).to(attention_mask.dtype)
    return columns, mask


def _windows(mask: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the windows of rows (batch, tokens): columns (windows, width), mask (batch * windows, width), and shares.

    Each window begins with the first token of the row. Its share, (batch, windows) float32, is that of the row's tokens
    that no window before it has.
    """
    tokens, place = mask.shape[1], torch.arange(mask.shape[1], device=mask.device)
    starts = torch.cat([place[:1], place[length - 1 : -1 : length - 1]]).unsqueeze(1)
    columns = torch.where(place[:length] == 0, 0, starts + place[:length])
    is_inside, columns = columns < tokens, columns.clamp(max=tokens - 1)
    mask = mask[:, columns] * is_inside.to(mask.dtype)
    added = ((mask != 0).sum(2) - (starts[:, 0] > 0).long()).clamp(min=0)
    return columns, mask.flatten(0, 1), added / added.sum(1, keepdim=True).clamp(min=1)


def sequence_loss(
    logits: torch.Tensor, labels: torch.Tensor, config: PooledEncoderConfig, training: bool = True
) -> torch.Tensor:
    """Return the scalar loss of a batch in float32: cross-entropy, or binary cross-entropy for multi-label.

    Labels of -100 count nowhere. Class weights and label smoothing (C. Szegedy et al., CVPR 2016) apply in training:
    weights make a weighted mean over rows by their true class, or over the cells of multi-label rows.

    `logits` are (batch, labels), `labels` (batch,) int64 class indices, or (batch, labels) 0/1 for multi-label, which
    float labels imply if the configuration has no `problem_type`.
    """
    multi_label = config.is_multi_label or (config.problem_type is None and labels.is_floating_point())
    logits, labels = logits.float(), labels if multi_label else labels.reshape(-1)
    smoothing = config.label_smoothing if training else 0.0
    counted = labels != -100
    classes = torch.where(counted, labels, 0)
    if multi_label:
        targets = classes.float() * (1 - smoothing) + smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    else:
        losses = functional.cross_entropy(logits, classes, reduction="none", label_smoothing=smoothing)
    weights = counted.float()
    if training and config.class_weights is not None:
        class_weights = torch.tensor(config.class_weights, dtype=torch.float32, device=logits.device)
        weights = weights * (class_weights if multi_label else class_weights[classes])
    return (losses * weights).sum() / weights.sum()


class PooledEncoderForSequenceClassification(PreTrainedModel):
    """Encoder, pooling, dropout, linear head. `from_encoder` starts a classifier, `from_pretrained` loads a saved one.

    For LoRA, train the modules other than `encoder` in full: `modules_to_save=["pooling", "classifier"]`.
    """

    config_class = PooledEncoderConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    # The loss is a mean over the batch; without this the Trainer multiplies it by the number of accumulation steps.
    accepts_loss_kwargs = False
    # The library reads a model's abilities from these. An encoder class without SDPA, such as MPNet's, runs in eager.
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: PooledEncoderConfig):
        super().__init__(config)
        config.validate_values()
        name, module, legal = config.pooling, config.pooling_module, legal_poolings(config.encoder_config.model_type)
        if name not in POOLINGS and module is not None:
            remedy = "import that module before loading"
            raise ValueError(f"pooling '{name}' is registered by the module '{module}': {remedy}")
        if name not in legal:
            encoder = f"a {config.encoder_config.model_type} encoder"
            raise ValueError(f"pooling '{name}' is not one of {', '.join(legal)} for {encoder}")
        pooling = POOLINGS[name]
        config.pooling_module = None if pooling.__module__ == __name__ else pooling.__module__
        self.encoder = _build_encoder(config.encoder_config, pooling.needs_encoder_pooler)
        self.pooling = pooling(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(self.pooling.width, config.num_labels)
        self.encoder_arguments = frozenset(inspect.signature(type(self.encoder).forward).parameters)
        self.post_init()

    @classmethod
    def from_encoder(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        labels: Iterable[str] | None = None,
        revision: str | None = None,
        encoder_dropout: float | None = None,
        attn_implementation: str | None = None,
        **config_options: Any,
    ) -> "PooledEncoderForSequenceClassification":
        """Start a classifier from a pretrained encoder, in float32, with a random head; seed torch first.

        A saved classifier of this class keeps its labels, problem type, pooling, head, thresholds and what it reads of
        a text, unless given here. Its head becomes random if labels, problem type, or pooling change.

        Args:
            name_or_path: A short name (`NAMED_ENCODERS`), a directory or a Hub id.
            labels: Label names, in the order of their indices.
            revision: Branch, tag or commit of a Hub id.
            encoder_dropout: Replaces every dropout probability of the encoder; None keeps the checkpoint's.
            attn_implementation: "eager", "sdpa", "flash_attention_2", …; None lets the library choose.
            config_options: Fields of `PooledEncoderConfig`; None means not given. ValueError: one is not legal.
        """
        path = locate_encoder(name_or_path).path
        try:
            encoder_config = AutoConfig.from_pretrained(path, revision=revision, trust_remote_code=False)
        except ValueError as error:
            raise ValueError(f"{path} has a type of model that is not part of transformers {__version__}") from error
        options = {name: value for name, value in config_options.items() if value is not None}
        if labels is not None:
            options["id2label"] = {index: str(name) for index, name in enumerate(labels)}
        start = encoder_config if encoder_config.model_type == PooledEncoderConfig.model_type else None
        if start is not None:
            encoder_config = start.encoder_config
            own = "id2label problem_type pooling pooling_module max_input_tokens window_length truncation".split()
            options = {name: getattr(start, name) for name in own} | options
        if not options.get("id2label"):
            raise ValueError("labels must be given to start a classifier from an encoder")
        options["problem_type"] = options.get("problem_type") or "single_label_classification"
        if encoder_dropout is not None:
            for name, value in encoder_config.to_dict().items():
                if "dropout" in name and isinstance(value, (int, float)) and not isinstance(value, bool):
                    setattr(encoder_config, name, float(encoder_dropout))
        config = PooledEncoderConfig(encoder_config=encoder_config, attn_implementation=attn_implementation, **options)
        model = cls(config)
        kept = ["encoder."]
        if start is None:
            loaded = _load_tensors(type(model.encoder), path, revision=revision, config=encoder_config)
            tensors = {f"encoder.{name}": tensor for name, tensor in loaded.items()}
        else:
            tensors = _load_tensors(cls, path, revision=revision)
            if start.pooling == config.pooling:
                same_labels = start.label_names == config.label_names and start.is_multi_label == config.is_multi_label
                kept += ["pooling.", "classifier."] if same_labels else ["pooling."]
        wanted = [name for name in model.state_dict() if name.startswith(tuple(kept))]
        if absent := [name for name in wanted if name not in tensors]:
            if all(name.startswith("encoder.pooler.") for name in absent):
                raise ValueError(f"{path} has no pretrained pooler; choose another pooling")
            raise ValueError(f"{path} lacks {len(absent)} tensors, or has them in another shape: {absent[0]}, …")
        model.load_state_dict({name: tensors[name] for name in wanted}, strict=False)
        if start is not None and "classifier." in kept and config.label_thresholds is None:
            config.label_thresholds = start.label_thresholds
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
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Classify a padded batch.

        Rows are first moved to the left edge and cut to `config.max_input_tokens`, so that no input is too long and
        padding never changes an answer, except in encoders that convolve neighbors or hash (ConvBERT, MobileBERT,
        CANINE, YOSO). The encoder reads rows longer than `config.window_length` in windows, each after the first token
        of its row; the pooled vectors of a row's windows are averaged, weighted by the tokens that each adds.

        Args:
            input_ids: (batch, tokens) int64.
            attention_mask: (batch, tokens), 1 for real tokens; None means that every token is real.
            token_type_ids: (batch or 1, tokens) int64; dropped if the encoder does not use them, as `position_ids` are.
            position_ids: (batch or 1, tokens) int64.
            inputs_embeds: (batch, tokens, hidden) floats, read in place of `input_ids`.
            labels: See `sequence_loss`.
            kwargs: Passed to the encoder, such as `output_hidden_states`.

        Returns:
            `loss` (scalar, if labels are given), `logits` (batch, labels), `hidden_states` and `attentions` per window.
        """
        tokens = inputs_embeds if input_ids is None else input_ids
        if tokens is None:
            raise ValueError("give input_ids or inputs_embeds")
        if attention_mask is None:
            attention_mask = torch.ones(tokens.shape[:2], dtype=torch.long, device=tokens.device)
        columns, attention_mask = _columns_to_read(attention_mask, self.config)
        per_token = {"token_type_ids": token_type_ids, "position_ids": position_ids, "inputs_embeds": inputs_embeds}
        per_token["input_ids"] = input_ids if inputs_embeds is None else None
        rows = torch.arange(columns.shape[0], device=columns.device).unsqueeze(1)
        inputs = {
            name: values.expand(columns.shape[0], *values.shape[1:])[rows, columns]
            for name, values in per_token.items()
            if values is not None and name in self.encoder_arguments
        }
        if self.config.window_length is not None:
            window, attention_mask, shares = _windows(attention_mask, self.config.window_length)
            inputs = {name: values[:, window].flatten(0, 1) for name, values in inputs.items()}
        returns_hidden_states = kwargs.get("output_hidden_states") or not self.pooling.needs_hidden_states
        if self.pooling.needs_hidden_states:
            kwargs["output_hidden_states"] = True
        encoder_output = self.encoder(attention_mask=attention_mask, return_dict=True, **inputs, **kwargs)
        pooled = self.pooling(encoder_output, attention_mask)
        if self.config.window_length is not None:
            pooled = (pooled.unflatten(0, shares.shape) * shares.unsqueeze(-1)).sum(1).to(pooled.dtype)
        logits = self.classifier(self.dropout(pooled))
        return SequenceClassifierOutput(
            loss=None if labels is None else sequence_loss(logits, labels, self.config, self.training),
            logits=logits,
            hidden_states=encoder_output.get("hidden_states") if returns_hidden_states else None,
            attentions=encoder_output.get("attentions"),
        )

    @torch.no_grad()
    def apply_temperature(self, temperature: float) -> None:
        """Divide the head by `temperature`, so that every saved or exported form has the calibrated confidences."""
        for parameter in self.classifier.parameters():
            parameter.div_(temperature)

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Save configuration, code and weights (safetensors); warn if the labels have the library's default names."""
        if any(name == f"LABEL_{index}" for index, name in self.config.id2label.items()):
            warnings.warn("the labels have default names (LABEL_0, …): set config.id2label and label2id", stacklevel=2)
        super().save_pretrained(save_directory, **kwargs)


def _build_encoder(encoder_config: PreTrainedConfig, with_pooler: bool) -> PreTrainedModel:
    """Build the encoder with random weights, without a pooler unless the pooling uses it."""
    # Not AutoModel.from_config, which builds in the dtype that the encoder's configuration was saved with.
    found = MODEL_MAPPING[type(encoder_config)]
    # Of a type with two classes (funnel), the second shortens the sequence, and no mask fits its output.
    encoder_class = found[0] if isinstance(found, tuple) else found
    has_choice = "add_pooling_layer" in inspect.signature(encoder_class.__init__).parameters
    encoder = encoder_class(encoder_config, **({"add_pooling_layer": with_pooler} if has_choice else {}))
    has_pooler = getattr(encoder, "pooler", None) is not None
    if with_pooler and not has_pooler:
        raise ValueError(f"{encoder_class.__name__} has no pooler; choose another pooling")
    if has_pooler and not with_pooler:
        encoder.pooler = nn.Identity()
    return encoder


def _load_tensors(model_class: type[PreTrainedModel], path: str, **options: Any) -> dict[str, torch.Tensor]:
    """Return a checkpoint's tensors in float32 without those that are absent or have another shape.

    The library's class loads them, since it knows every layout and every old name.
    """
    options |= {"dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # the loading report lists tensors of other heads
    try:
        model, report = model_class.from_pretrained(path, **options)
    finally:
        logging.set_verbosity(verbosity)
    random = {*report["missing_keys"], *(str(entry[0]) for entry in report["mismatched_keys"])}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in random}


PooledEncoderForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")

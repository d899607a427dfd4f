"""From texts to labels and calibrated probabilities, with a torch model or its exported graph."""

import copy
import ctypes
import itertools
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from huggingface_hub import errors as hf_errors
from scipy import special
from tqdm.auto import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, eager_mask, sdpa_mask
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput
from transformers.modeling_utils import AttentionInterface, PreTrainedModel
from transformers.utils import cached_file

from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification, truncate

logger = logging.getLogger(__name__)

# In the config.json of an export: {"format": a key of EXPORT_FILES, and the values of EXPORTED_OPTIONS}.
EXPORT_KEY = "bbc_classifier"
EXPORT_FILES = {"transformers": "model.safetensors", "onnx": "onnx/model.onnx", "openvino-int8": "openvino_model.bin"}
EXPORTED_OPTIONS = "pooling max_input_tokens window_length truncation label_thresholds adaptive_reading".split()
try:
    HAS_OPENVINO = version("openvino") >= "2026"  # older versions lack operators of our graphs
except PackageNotFoundError:
    HAS_OPENVINO = False
HALF_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
# A format that changes a label of `SAMPLE_TEXTS`, or a probability by more than this, is not chosen by itself.
PRECISION_TOLERANCE = 0.01
TEXTS_PER_CHUNK = 4096  # are sorted by length together
# torch's attention on a CPU is up to a third slower on other lengths: 386 tokens take longer than 512.
LENGTH_MULTIPLE, MIN_LENGTH_TO_ROUND = 32, 128
MIN_SHARE_OF_LONGEST = 0.8  # of the tokens of the longest row of a batch
UNPADDED_ENCODERS = ("bert", "distilbert")  # in fp32 on a CPU they read the texts of a batch in one row
# Short texts of our own: a model card may show them, a data set's texts it may not.
EXAMPLE_TEXTS = {
    "business": "Shares in the airline fell after it warned that fuel costs would halve its profit this year.",
    "entertainment": "The director's first film since her award opens on Friday, with a soundtrack by her old band.",
    "politics": "The prime minister told parliament that the bill would be put to a vote before the election.",
    "sport": "The striker scored twice in the second half and the visitors won the cup final with ten men.",
    "tech": "The company will fix a flaw in its web browser that let a program on the phone read passwords.",
}
# Short, long, and longer than any encoder of this kind reads.
SAMPLE_TEXTS = (
    *EXAMPLE_TEXTS.values(),
    "Goal!",
    "£3.5m — naïve café?",
    " ".join(EXAMPLE_TEXTS.values()),
    " ".join([*EXAMPLE_TEXTS.values()] * 20),
)
# The probabilities of logits (rows, labels) of a single-label and of a multi-label classifier.
softmax, sigmoid = partial(special.softmax, axis=1), special.expit


def predict_labels(probabilities: np.ndarray, thresholds: Sequence[float] | None = None) -> np.ndarray:
    """Return the label of the largest of `probabilities` (rows, labels), (rows,) int64; the first of equal ones.

    With `thresholds`, one per label of a multi-label classifier: which probabilities reach theirs, (rows, labels) bool.
    """
    if thresholds is None:
        return probabilities.argmax(axis=1)
    return probabilities >= np.asarray(thresholds)


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], config: PooledEncoderConfig
) -> tuple[list[list[int]], list[bool]]:
    """Return each text's token ids, special tokens included, cut as `config` says, and whether it was cut."""
    options = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}
    whole = tokenizer(list(texts), truncation=False, padding=False, **options)["input_ids"] if texts else []
    read = [truncate(ids, config) for ids in whole]
    return [ids for ids, _ in read], [is_cut for _, is_cut in read]


def opening(input_ids: list[int], tokens: int) -> list[int]:
    """Return the first `tokens` tokens of a text, of which the last one is its closing special token."""
    return input_ids if len(input_ids) <= tokens else [*input_ids[: tokens - 1], input_ids[-1]]


def keep_freed_memory() -> None:
    """Make the C library keep the memory that a batch frees for the next batch; a tenth faster on a CPU with glibc.

    By default it returns the memory to the system, which then fills each page with zeros before the next batch.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h. Old versions refuse more than 32 MiB for the first.
        _ = libc.mallopt(-3, 1 << 30) or libc.mallopt(-3, 1 << 25)
        libc.mallopt(-1, (1 << 31) - 1)


def choose_precision(requested: str, device: str) -> str:
    """Return "fp32", "bf16" or "fp16": the requested one, or for "auto" the fastest that is safe on the device.

    A processor without bf16 instructions (AVX512-BF16 or AMX) emulates it, twenty times slower than fp32. fp16 on a CPU
    is a UserError: the Trainer would silently stay in fp32, and prediction is slow.
    """
    if requested == "fp16" and device == "cpu":
        raise UserError("--precision fp16 needs a GPU; on a CPU use fp32, or bf16 if the processor has it")
    if requested != "auto":
        return requested
    if device == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    return "bf16" if device == "cpu" and (cpu_has("avx512_bf16") or cpu_has("amx_bf16")) else "fp32"


def cpu_has(instructions: str) -> bool:
    """Return whether torch says that the processor has these instructions; old versions of torch say nothing."""
    return hasattr(torch.cpu, "get_capabilities") and bool(torch.cpu.get_capabilities().get(instructions))


def half_precision_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Return softmax(Q K^T * scaling + mask) V, (batch, tokens, heads, width), in the dtype of `query`.

    The inputs are (batch, heads, tokens, width). The library's plain attention leaves the softmax to autocast, which
    copies the scores to float32 and back; torch sums them in float32 either way.
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if not module.training:  # softmax ignores what all keys have in common, and smaller scores are rounded less
        key = key - key.mean(2, keepdim=True)
    with torch.autocast(query.device.type, enabled=False):
        scores = (query * scaling) @ key.transpose(-1, -2)
        if attention_mask is not None:
            scores = scores + attention_mask.to(scores.dtype)
        weights = torch.nn.functional.dropout(scores.softmax(-1), dropout, module.training)
        return (weights @ value).transpose(1, 2).contiguous(), None


def unpadded_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    groups: Sequence[tuple[int, int]] | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Return the attention within each of the texts that follow each other in one row, (1, tokens, heads, width).

    The inputs are (1, heads, tokens, width). `groups` are pairs: a number of texts, and the tokens that each of them
    has. Without `groups` this is "sdpa".
    """
    if groups is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    parts = [each[0].transpose(0, 1).split([n * length for n, length in groups]) for each in (query, key, value)]
    outputs = []
    for group, inputs in zip(groups, zip(*parts, strict=True), strict=True):
        q, k, v = (each.unflatten(0, group).transpose(1, 2) for each in inputs)
        output = torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=kwargs.get("scaling"))
        outputs.append(output.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs).unsqueeze(0), None


AttentionInterface.register("half_precision", half_precision_attention)
AttentionMaskInterface.register("half_precision", eager_mask)
AttentionInterface.register("unpadded", unpadded_attention)
AttentionMaskInterface.register("unpadded", sdpa_mask)


def can_leave_out_padding(model: Any, attention: str = "unpadded") -> bool:
    """Return whether `unpadded_logits` are the logits of a model whose encoder has this implementation of attention."""
    if type(model) is not PooledEncoderForSequenceClassification or model.device.type != "cpu":
        return False
    config, pooling = model.encoder.config, model.pooling
    if config.model_type not in UNPADDED_ENCODERS or config._attn_implementation != attention:
        return False
    return not (getattr(config, "is_decoder", False) or pooling.needs_hidden_states or pooling.needs_encoder_pooler)


def unpadded_logits(model: Any, batch: Sequence[list[int]]) -> torch.Tensor:
    """Return the logits of windows, (windows, labels); padding is not computed. Sorted by length they are faster."""
    lengths = [len(ids) for ids in batch]
    hidden = model.encoder(
        input_ids=torch.tensor([[token for ids in batch for token in ids]]),
        position_ids=torch.cat([torch.arange(length) for length in lengths]).unsqueeze(0),
        groups=[(len(list(equal)), length) for length, equal in itertools.groupby(lengths)],
        return_dict=True,
    ).last_hidden_state[0]
    padded = torch.nn.utils.rnn.pad_sequence(hidden.split(lengths), batch_first=True)
    mask = (torch.arange(padded.shape[1]) < torch.tensor(lengths).unsqueeze(1)).long()
    return model.classifier(model.pooling(BaseModelOutput(padded), mask))


def max_plain_tokens(training: bool) -> int:
    """Return the most tokens for which `half_precision_attention` is faster on this CPU than torch's kernel in bf16."""
    return (256 if training else 0) if cpu_has("amx_bf16") else 512


def _linear(weight: torch.Tensor, bias: torch.Tensor | None, rows: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows.to(weight.dtype), weight, bias, "none", [], "")


class Window(NamedTuple):
    """A part of a row that the model reads by itself, `share` of the row's tokens."""

    input_ids: list[int]
    row: int
    share: float


def split_windows(input_ids: Sequence[list[int]], length: int | None) -> list[Window]:
    """Return the windows of at most `length` tokens in which the model reads rows of token ids, longest first."""
    windows = list[Window]()
    for row, ids in enumerate(input_ids):
        step = (length or max(2, len(ids))) - 1
        more = [ids[:1] + ids[start : start + step] for start in range(step + 1, len(ids), step)]
        windows.append(Window(ids[: step + 1], row, (step + 1) / len(ids) if more else 1.0))
        windows += [Window(each, row, (len(each) - 1) / len(ids)) for each in more]
    return sorted(windows, key=lambda window: -len(window.input_ids))


def _average(windows: Sequence[Window], values: np.ndarray, num_rows: int) -> np.ndarray:
    average = np.zeros((num_rows, values.shape[1]))
    shares = np.array([window.share for window in windows])[:, None]
    np.add.at(average, [window.row for window in windows], shares * values)
    return average


def encode(
    model: PooledEncoderForSequenceClassification, input_ids: Sequence[list[int]], pad_token_id: int, **options: Any
) -> np.ndarray:
    """Return the pooled embeddings of every row, the input of the linear head, (rows, hidden) float64.

    Rows are in the order given; `options` are those of `predict_logits`.
    """
    captured: list[np.ndarray] = []
    with model.classifier.register_forward_pre_hook(lambda _, args: captured.append(args[0].cpu().double().numpy())):
        predict_logits(model, input_ids, pad_token_id, **options)
    windows = split_windows(input_ids, model.config.window_length)
    embeddings = np.concatenate([np.zeros((0, model.classifier.in_features)), *captured])
    return _average(windows, embeddings, len(input_ids))


@torch.inference_mode()
def predict_logits(
    model: "PreTrainedModel | OnnxModel",
    input_ids: Sequence[list[int]],
    pad_token_id: int,
    batch_size: int = 128,
    precision: str = "fp32",
    progress: bool = False,
) -> np.ndarray:
    """Return the logits of every row in the order given, (rows, labels) float64; the model is put into evaluation mode.

    `input_ids` are the token ids per row as `tokenize` returns them. A batch holds at most `batch_size` windows,
    sorted by length. `precision` is "fp32", "bf16" or "fp16" (autocast). UserError: a logit is not finite.
    """
    if model.training:  # eval() itself takes a tenth of the time of a short text
        model.eval()
    device, dtype = model.device, HALF_PRECISIONS.get(precision)
    # Measured (EXPERIMENTS.md): larger batches leave the cache of a CPU, and use an accelerator better.
    max_tokens = 4096 if device.type == "cpu" else 32768
    if isinstance(model, OnnxModel):
        max_tokens = 1024 if model.uses_openvino else 512
    window_length = getattr(model.config, "window_length", None)  # a stock class has none
    # Windows of all rows are sorted by length. Longest first: memory runs out in the first batch or never.
    windows, outputs = split_windows(input_ids, window_length), [np.zeros((0, model.config.num_labels))]
    unit, done = " windows" if window_length else " texts", 0
    with (
        torch.autocast(device.type, dtype, enabled=dtype is not None),
        tqdm(total=len(windows), desc="Encoding", unit=unit, delay=3, leave=None, disable=not progress) as bar,
    ):
        while done < len(windows):
            width = len(windows[done].input_ids)
            size = max(1, min(batch_size, max_tokens // max(1, width)))
            batch = [window.input_ids for window in windows[done : done + size]]
            if dtype is None and can_leave_out_padding(model):
                outputs.append(unpadded_logits(model, batch).double().numpy())
            else:
                if device.type == "cpu":
                    # Padding costs more than a smaller batch.
                    batch = [ids for ids in batch if len(ids) >= MIN_SHARE_OF_LONGEST * width]
                    if width >= MIN_LENGTH_TO_ROUND:
                        width = min(-(-width // LENGTH_MULTIPLE) * LENGTH_MULTIPLE, window_length or sys.maxsize)
                ids = torch.tensor([ids + [pad_token_id] * (width - len(ids)) for ids in batch], dtype=torch.long)
                mask = (torch.arange(width) < torch.tensor([[len(ids)] for ids in batch])).long()
                output = model(input_ids=ids.to(device), attention_mask=mask.to(device))
                outputs.append(output.logits.cpu().double().numpy())
            bar.update(len(batch))
            done += len(batch)
    logits = _average(windows, np.concatenate(outputs), len(input_ids))  # as that of pooled vectors: the head is linear
    if invalid := int((~np.isfinite(logits)).any(axis=1).sum()):
        cause = "its weights are damaged, or the precision is too low (use fp32)"
        raise UserError(f"the classifier's outputs for {invalid} of {len(logits)} texts are NaN or infinite: {cause}")
    return logits


class OnnxModel(torch.nn.Module):
    """An exported graph, called like the torch model; it runs on the CPU with as many threads as torch uses.

    It runs in OpenVINO if that is installed, which is faster and can compute in bf16. Else a float32 graph runs in
    onnxruntime.
    """

    device = torch.device("cpu")

    def __init__(self, path: str | Path, config: PooledEncoderConfig, precision: str = "fp32"):
        """Load the export whose weights are in `path`; `config` is of the classifier. UserError without a runtime.

        `precision` is that of a float32 graph, or what an 8-bit graph computes in beside its 8-bit products.
        """
        super().__init__()
        self.path, self.config = Path(path), config
        self.is_int8, self.uses_openvino = self.path.suffix == ".bin", HAS_OPENVINO
        if self.uses_openvino:
            import openvino

            hint = "bf16" if precision == "bf16" else "f32"
            options = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
            options["ENABLE_CPU_PINNING"] = False  # else several processes would share a core
            graph = self.path.with_suffix(".xml") if self.is_int8 else self.path
            self._compiled = openvino.compile_model(graph, "CPU", options)
            return
        if self.is_int8:
            raise UserError("an 8-bit export needs OpenVINO 2026 or newer: pip install -U openvino")
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise UserError("an ONNX model needs openvino or onnxruntime: pip install openvino") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors only
        self._session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SequenceClassifierOutput:
        """Return the logits, (batch, labels) float32, of ids and mask, each (batch, tokens) int64."""
        inputs = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
        if self.uses_openvino:
            logits = self._compiled.infer_new_request(inputs)["logits"]
        else:
            logits = self._session.run(["logits"], inputs)[0]
        return SequenceClassifierOutput(logits=torch.from_numpy(logits))


@dataclass(frozen=True)
class Prediction:
    """The prediction for one text.

    `labels` has the most probable label, or of a multi-label classifier every label that reaches its threshold, most
    probable first, without those below `min_confidence`.
    """

    label: str | None  # the most probable of `labels`; None: there is none, the classifier is unsure
    labels: list[str]
    confidence: float  # the probability of `label`, or of the most probable label
    probabilities: dict[str, float]  # most probable first; `top_k` limits how many
    truncated: bool  # whether the text was longer than the classifier reads


class Predictor:
    """A finished classifier with its tokenizer: a torch model or an exported graph.

    `config` is that of the classifier, also for an export. `precision` is the number format it computes in: "fp32",
    "bf16", "fp16", or "int8" of an 8-bit export. `adaptive` reads only the opening of a text if the label is certain.
    `progress` shows a progress bar for calls that take longer than a few seconds.
    """

    def __init__(
        self,
        model: PreTrainedModel | OnnxModel,
        tokenizer: PreTrainedTokenizerBase,
        config: PooledEncoderConfig | None = None,
    ):
        self.model, self.tokenizer = model, tokenizer
        self.config: PooledEncoderConfig = model.config if config is None else config
        self.precision = "int8" if isinstance(model, OnnxModel) and model.is_int8 else "fp32"
        self._half_model: PreTrainedModel | OnnxModel | None = None
        self.adaptive = self.progress = False
        if isinstance(model, PreTrainedModel) and can_leave_out_padding(model, attention="sdpa"):
            model.base_model.set_attn_implementation("unpadded")

    @classmethod
    def from_pretrained(
        cls,
        path_or_hub_id: str | Path,
        revision: str | None = None,
        device: str | None = None,
        precision: str | None = None,
        adaptive: bool = False,
    ) -> "Predictor":
        """Load a run, model or export directory, or a Hub id of a model or an export; no code in it is run.

        `device` None means the accelerator if there is one; an exported graph runs on "cpu". `precision` is that of
        `set_precision`, and None means fp32, or int8 of an 8-bit export. With `adaptive`, the rest of a
        text is read only if the confidence in its opening is below the threshold that training chose. UserError: the
        classifier or device does not exist, or training chose no threshold. EnvironmentFailure: the Hub cannot be
        reached.
        """
        predictor = cls._load(path_or_hub_id, revision, device)
        if precision is not None:
            predictor.set_precision(precision)
        if adaptive and predictor.config.adaptive_reading is None:
            raise UserError("--adaptive: the classifier was trained without enough single-label validation rows for it")
        predictor.adaptive = adaptive
        return predictor

    @classmethod
    def _load(cls, path_or_hub_id: str | Path, revision: str | None, device: str | None) -> "Predictor":
        keep_freed_memory()
        location, what = model_location(path_or_hub_id), f"--model '{path_or_hub_id}'"
        with hub_errors(what):
            values, _ = PreTrainedConfig.get_config_dict(location, revision=revision)
            form, kind = values.get(EXPORT_KEY, {}).get("format"), values.get("model_type")
            if form is None and kind != PooledEncoderConfig.model_type:
                remedy = f"train one from it with: bbc-classifier train --encoder {path_or_hub_id}"
                raise UserError(f"{what} is a '{kind}' model, not a classifier of this package; {remedy}")
            file = EXPORT_FILES[form or "transformers"]
            if Path(location).is_dir() and not any(Path(location).glob(f"{file}*")):  # it may be sharded
                raise UserError(f"{what} lacks {file}; train or export the classifier again")
            tokenizer = load_tokenizer(location, revision)
            if form in ("onnx", "openvino-int8"):
                if device not in (None, "cpu"):
                    raise UserError(f"--device: an exported graph runs on cpu, not on '{device}'")
                weights, precision = cached_file(location, file, revision=revision), "fp32"
                if form == "openvino-int8":
                    cached_file(location, "openvino_model.xml", revision=revision)
                    precision = choose_precision("auto", "cpu")
                return cls(OnnxModel(weights, exported_config(values), precision), tokenizer)
            model_class = AutoModelForSequenceClassification if form else PooledEncoderForSequenceClassification
            options = {"revision": revision or "main", "dtype": torch.float32, "use_safetensors": True}
            options["trust_remote_code"] = False  # unset, the library would ask the user
            try:
                model, loading = model_class.from_pretrained(location, output_loading_info=True, **options)
            except ValueError as error:  # such as the module of an own pooling that is not imported
                raise UserError(f"{what}: {error}") from error
        if loading["missing_keys"]:
            raise UserError(f"{what}: the weights lack {min(loading['missing_keys'])}; the checkpoint is incomplete")
        if device is None:
            device = str(torch.accelerator.current_accelerator()) if torch.accelerator.is_available() else "cpu"
        try:
            torch_device = torch.empty(0, device=device).device
        except (RuntimeError, AssertionError) as error:
            raise UserError(f"--device: torch has no device '{device}' on this machine") from error
        return cls(model.eval().to(torch_device), tokenizer, exported_config(values) if form else None)

    @property
    def label_names(self) -> list[str]:
        """The labels, in the order of the probability columns."""
        return self.config.label_names

    @property
    def multi_label(self) -> bool:
        """Whether a text can have any number of labels, not exactly one."""
        return self.config.is_multi_label

    @property
    def thresholds(self) -> list[float] | None:
        """The probability from which on each label is predicted; None for a single-label classifier."""
        return (self.config.label_thresholds or [0.5] * len(self.label_names)) if self.multi_label else None

    def set_precision(self, requested: str) -> None:
        """Compute in "fp32", "bf16" or "fp16" (autocast); "auto" takes the fastest one that agrees with fp32.

        That is fp16 on a GPU, and bf16 on a processor that has it, if short and long texts get the labels of fp32 and
        probabilities within `PRECISION_TOLERANCE`. UserError: the device has no such format, or that of the
        export is fixed: 8 bits, or an ONNX graph in onnxruntime.
        """
        if isinstance(self.model, OnnxModel) and (self.model.is_int8 or not self.model.uses_openvino):
            if requested not in ("auto", self.precision):
                raise UserError(f"--precision: this export computes in {self.precision}, not in {requested}")
            return
        device, auto = self.model.device.type, requested == "auto"
        precision = "fp16" if auto and device == "cuda" else choose_precision(requested, device)
        self.precision, self._half_model = "fp32", None
        if precision == "fp32":
            return
        expected = self.predict_proba(SAMPLE_TEXTS) if auto else None
        if isinstance(self.model, OnnxModel):
            half_model: PreTrainedModel | OnnxModel = OnnxModel(self.model.path, self.model.config, precision)
        else:
            # Autocast keeps residuals and normalization in float32, which is three times as exact as a model all in
            # bf16. Linear layers are converted once, on a CPU to the layout of oneDNN, not in every batch.
            half_model, encoder = copy.deepcopy(self.model), self.model.base_model.config
            is_short = (self.config.max_encoder_tokens or np.inf) <= max_plain_tokens(training=False)
            in_onednn = device == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
            if in_onednn and is_short and encoder._attn_implementation in ("sdpa", "unpadded"):
                half_model.base_model.set_attn_implementation("half_precision")
            for module in half_model.modules():
                if isinstance(module, torch.nn.Linear):
                    module.to(HALF_PRECISIONS[precision])
                    if in_onednn:
                        weight = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach())
                        module.forward = partial(_linear, weight, module.bias)  # type: ignore[method-assign]
        self._half_model, self.precision = half_model, precision
        if expected is None:
            return
        try:
            probabilities = self.predict_proba(SAMPLE_TEXTS)
            equal = predict_labels(probabilities, self.thresholds) == predict_labels(expected, self.thresholds)
            agrees = bool(equal.all() and np.abs(probabilities - expected).max() <= PRECISION_TOLERANCE)
        except (UserError, RuntimeError):  # outputs are NaN or infinite, or an operation lacks the format
            agrees = False
        if not agrees:
            logger.info("Predicting in fp32: %s fails, changes a label, or changes a probability by 0.01.", precision)
            self.precision, self._half_model = "fp32", None

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: without the second model, autocast computes in the same precision."""
        return {**vars(self), "_half_model": None}

    def logits(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        """Return the logits, (rows, labels) float64, of token ids per row, as `tokenize` returns them."""
        model, pad = self._half_model or self.model, self.tokenizer.pad_token_id
        return predict_logits(model, input_ids, pad, precision=self.precision, progress=self.progress)

    def probabilities(self, texts: Iterable[str]) -> tuple[np.ndarray, list[bool]]:
        """Return the probabilities, (texts, labels) float64, and which texts were cut.

        UserError: `texts` is not a sequence of str (list, tuple, array, Series, dataset column); it names the text.
        """
        if isinstance(texts, (str, bytes, Mapping)) or hasattr(texts, "columns"):
            raise UserError("texts must be a sequence of str: pass [text] for one, and the column of a table")
        values = list(texts)
        for number, text in enumerate(values, 1):
            if not isinstance(text, str):
                raise UserError(f"text {number} is {'None' if text is None else f'a {type(text).__name__}'}, not a str")
        chunks = [values[start : start + TEXTS_PER_CHUNK] for start in range(0, max(1, len(values)), TEXTS_PER_CHUNK)]
        parts, truncated = list[np.ndarray](), list[bool]()
        input_ids, is_cut = tokenize(self.tokenizer, chunks[0], self.config)
        with ThreadPoolExecutor(1) as pool:  # the tokenizer works on the next texts beside the model
            for following in [*chunks[1:], None]:
                tokenized = pool.submit(tokenize, self.tokenizer, following, self.config) if following else None
                parts.append(self._probabilities_of(input_ids))
                truncated += is_cut
                if tokenized:
                    input_ids, is_cut = tokenized.result()
        return np.concatenate(parts), truncated

    def _probabilities_of(self, input_ids: Sequence[list[int]]) -> np.ndarray:
        if not self.adaptive:
            return (sigmoid if self.multi_label else softmax)(self.logits(input_ids))
        reading = self.config.adaptive_reading or {}
        tokens, threshold = int(reading["tokens"]), reading["threshold"]
        probabilities = softmax(self.logits([opening(ids, tokens) for ids in input_ids]))
        unclear = [i for i, ids in enumerate(input_ids) if len(ids) > tokens and probabilities[i].max() < threshold]
        probabilities[unclear] = softmax(self.logits([input_ids[i] for i in unclear]))
        return probabilities

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """Return the probabilities, (texts, labels) float64; columns in the order of `label_names`."""
        return self.probabilities(texts)[0]

    def classify(self, texts: Iterable[str], top_k: int | None = None, min_confidence: float = 0.0) -> list[Prediction]:
        """Classify any sequence of str, of any length; `top_k` limits `Prediction.probabilities`.

        Labels less probable than `min_confidence` are not predicted; where none is left, `label` is None.
        UserError: `texts` is not a sequence of str, or an option is out of range.
        """
        if (top_k is not None and top_k < 1) or not 0 <= min_confidence <= 1:
            raise UserError(f"top_k must be at least 1 and min_confidence 0 to 1, not {top_k} and {min_confidence}")
        probabilities, truncated = self.probabilities(texts)
        names, predicted = self.label_names, predict_labels(probabilities, self.thresholds)
        predictions = []
        for row, chosen, cut in zip(probabilities, predicted, truncated, strict=True):
            order = np.argsort(-row, kind="stable")
            labels = [i for i in order if (chosen[i] if self.multi_label else i == chosen) and row[i] >= min_confidence]
            label = names[labels[0]] if labels else None
            confidence = float(row[labels[0] if labels else order[0]])
            most_probable = {names[i]: float(row[i]) for i in order[:top_k]}
            predictions.append(Prediction(label, [names[i] for i in labels], confidence, most_probable, truncated=cut))
        return predictions


def find_run(model: str | Path, *files: str) -> Path | None:
    """Return the directory with these files of a run whose classifier or export `model` is, or None."""
    path = Path(model_location(model))
    directory = path.resolve()  # that of a published model has a record too
    parents = [directory, directory.parent, *directory.parents[1:2][: directory.parent.name == "export"]]
    found = next((each for each in parents if all((each / name).is_file() for name in files)), None)
    return path.parent if found == path.parent.resolve() else found


def model_location(path_or_hub_id: str | Path) -> str:
    """Return the directory of the model (in a run directory, its `model`), or the Hub id; or raise UserError."""
    path = Path(path_or_hub_id)
    for directory in (path / "model", path):
        if (directory / "config.json").is_file():
            return str(directory)
    name = str(path_or_hub_id)
    # "runs/name" could be a Hub id, but means a run that does not exist.
    can_be_hub_id = isinstance(path_or_hub_id, str) and name.count("/") == 1 and not name.startswith((".", "/", "~"))
    if can_be_hub_id and not path.exists() and not name.startswith("runs/") and not name.endswith("/"):
        return name
    is_unfinished = (path / "checkpoints").is_dir()
    hint = " (its training has not finished; run the same train command again)" if is_unfinished else ""
    remedy = "a run directory, a model or export directory, or a Hub id, or train one with: bbc-classifier train"
    raise UserError(f"--model: no classifier at '{name}'{hint}: give {remedy}")


def load_tokenizer(location: str | Path, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a directory or Hub id, without the truncation and padding that its files may set.

    UserError: it has no vocabulary or no padding token. EnvironmentFailure: the Hub cannot be reached.
    """
    problem = f"'{location}' has no tokenizer with a vocabulary and a padding token; save one beside the weights"
    with hub_errors(f"'{location}'"):
        try:
            tokenizer = AutoTokenizer.from_pretrained(location, revision=revision, trust_remote_code=False)
        except Exception as error:
            if Path(location).is_dir():
                raise UserError(f"{problem} ({' '.join(str(error).split())[:200]})") from error
            raise
    # Without its files the library may build a tokenizer that has special tokens only.
    if tokenizer.pad_token_id is None or len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise UserError(problem)
    for name in ("is_local", "local_files_only"):  # how it was loaded, not what it is
        tokenizer.init_kwargs.pop(name, None)
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def exported_config(values: Mapping[str, Any]) -> PooledEncoderConfig:
    """Return the configuration of the classifier that was exported, from the content of the export's config.json."""
    encoder = {name: value for name, value in values.items() if name not in (EXPORT_KEY, "id2label", "label2id")}
    id2label = {int(index): name for index, name in values["id2label"].items()}
    options = {name: values[EXPORT_KEY][name] for name in EXPORTED_OPTIONS}
    return PooledEncoderConfig(encoder, id2label=id2label, problem_type=values.get("problem_type"), **options)


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Explain errors of the Hub's client, also where another library wrapped them; `what` begins the message.

    Raises UserError where the request cannot succeed (name, token), EnvironmentFailure where the Hub or network failed.
    """
    log_in = "check the name, and log in with `hf auth login` or set HF_TOKEN (to publish, to a token that may write)"
    try:
        yield
    except (UserError, EnvironmentFailure):
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, hf_errors.HfHubHTTPError):
                status = cause.response.status_code
                reason = f"status {status}: {cause.server_message or type(cause).__name__}"
                if status in (409, 412, 429) or status >= 500:
                    raise EnvironmentFailure(f"{what}: the Hub failed ({reason}); try again later") from error
                raise UserError(f"{what}: the Hub refused the request ({reason}); {log_in}") from error
            if isinstance(cause, (hf_errors.HFValidationError, hf_errors.LocalTokenNotFoundError)):
                raise UserError(f"{what}: {' '.join(str(cause).split())[:300]}; {log_in}") from error
            if isinstance(cause, (hf_errors.HTTPError, hf_errors.EntryNotFoundError, ConnectionError, TimeoutError)):
                problem = f"not on this machine, and the Hub cannot be reached ({type(cause).__name__})"
                raise EnvironmentFailure(f"{what}: {problem}; is HF_HUB_OFFLINE set?") from error
            cause = cause.__cause__ or cause.__context__
        raise

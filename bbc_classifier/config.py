"""Every option of every command: a dataclass field is its flag, YAML key, help, check and entry in the record.

Nothing here imports torch or transformers, so that `--help` and a mistyped flag answer at once. Options that a recipe
can set are None until `resolve_recipe` fills them: the user's value first, then the recipe's, then that of "standard".
"""

import ast
import dataclasses
import importlib
import importlib.util
import json
import numbers
import operator
import re
import shlex
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bbc_classifier.errors import UserError

POOLING_NAMES = ("cls", "mean", "max", "pooler", "attention", "cls+mean")
ENCODER_NAMES = ("minilm", "mpnet", "bert-base", "distilbert", "tinybert")
REFERENCE_ENCODERS = ["bert-base", "distilbert", "tinybert"]
TRUNCATIONS = ("head", "tail", "head+tail")
HEAD_INITS = ("random", "linear_probe")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
EXCERPTS = ("title", "first_sentence", "first_30_words")
SAMPLING = ("group_by_length", "random", "sequential")
# Value of `dataset` in the options of a run on data in memory.
IN_MEMORY = "memory"
RECIPES = Path(__file__).parent / "recipes"
RECIPE_NAMES = sorted(path.stem for path in RECIPES.glob("*.yaml"))
# The recipe of an encoder where --recipe names none; every other encoder takes "standard".
ENCODER_RECIPES = {"minilm": "default", "mpnet": "accurate"} | {name: name for name in REFERENCE_ENCODERS}
# Few rows are trained for as many epochs as `min_steps` takes, but no more than this.
MAX_EPOCHS = 3
# Options that say where and how to run, not what is computed: not compared when a run is found finished.
RUNTIME_ONLY = frozenset(
    "output_dir overwrite resume_from_checkpoint disable_tqdm report_to push_to_hub hub_model_id "
    "hub_private_repo hub_revision hub_license hub_token".split()
)
# Options of `train` that a comparison sets for each run.
OF_THE_GRID = frozenset("encoder pooling fold push_to_hub hub_token resume_from_checkpoint".split())
# How texts are read is part of the classifier.
CLASSIFIER_OPTIONS = frozenset({"max_length", "window_length", "truncation", "excerpts"})
KINDS = {int: (numbers.Integral, "a whole number"), float: (numbers.Real, "a number"), bool: (bool, "true or false")}


class Rule(NamedTuple):
    """Which values are legal: in words, and as a function."""

    legal: str
    check: Callable[[Any], bool]


AT_LEAST_0, AT_LEAST_1, AT_LEAST_2, AT_LEAST_3 = (Rule(f"{n} or more", partial(operator.le, n)) for n in range(4))
ABOVE_0 = Rule("above 0", lambda value: value > 0)
FRACTION = Rule("above 0 and below 1", lambda value: 0 < value < 1)
SHARE = Rule("in [0, 1)", lambda value: 0 <= value < 1)
PROBABILITY = Rule("between 0 and 1", lambda value: 0 <= value <= 1)
PORT = Rule("1 to 65535", lambda value: 1 <= value < 2**16)
SEED = Rule("in [0, 2**32)", lambda value: 0 <= value < 2**32)
SIZE = Rule("whole numbers above 0, or all", lambda v: v == "all" or (str(v).isdecimal() and int(v) > 0))
SHARD = Rule(
    "i/n with i from 1 to n",
    lambda v: bool(re.fullmatch(r"\d+/\d+", v)) and 1 <= int(v.split("/")[0]) <= int(v.split("/")[1]),
)
CHARACTER = Rule("one character, or \\t", lambda value: len(value.replace("\\t", "\t")) == 1)


def option(default: Any, help: str, rule: Rule | None = None, *, common: bool = False, **metadata: Any):
    """Return a dataclass field for an option: `--help` shows the `common` ones; `metadata` is argparse's."""
    metadata |= {"help": help, "rule": rule, "common": common}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


class _Checked:
    """Checks every field when a dataclass of options is created, from Python as on the command line."""

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(typing.cast(Any, self)):
            value, metadata = getattr(self, entry.name), entry.metadata
            wants_list = "nargs" in metadata and metadata["nargs"] != "?"
            if isinstance(value, Path) or (wants_list and isinstance(value, str)):
                value = str(value) if isinstance(value, Path) else [value]
                setattr(self, entry.name, value)
            if value is None:
                continue
            if wants_list and not isinstance(value, (list, tuple, dict)):
                raise UserError(f"--{entry.name} must be a list, not {value!r}")
            choices, rule = metadata.get("choices"), metadata.get("rule")
            for single in value if wants_list and not isinstance(value, dict) else [value]:
                if choices and single not in choices:
                    raise UserError(f"--{entry.name}: '{single}' is not one of {', '.join(choices)}")
                kind, words = KINDS.get(value_type(entry.type), (object, ""))
                if not isinstance(single, kind):
                    raise UserError(f"--{entry.name} must be {words}, not {single!r}")
                if rule and not rule.check(single):
                    raise UserError(f"--{entry.name} must be {rule.legal}, not {single!r}")


@dataclass
class ModelArguments(_Checked):
    """model"""

    encoder: str = option(
        "minilm", f"{', '.join(ENCODER_NAMES)}; a Hub id; or a directory or finished run.", common=True
    )
    encoder_revision: str | None = option(None, "Branch, tag or commit of a Hub id.")
    recipe: str | None = option(
        None, f"Named options to start from: {', '.join(RECIPE_NAMES)}.", choices=RECIPE_NAMES, common=True
    )
    pooling: str | None = option(None, f"{', '.join(POOLING_NAMES)} (default: mean), or a registered one.", common=True)
    pooling_module: str | None = option(None, "Module to import first: it registers your own pooling.")
    head_init: str | None = option(
        None,
        "random, or linear_probe: a logistic regression on pretrained embeddings.",
        choices=HEAD_INITS,
        common=True,
    )
    refit_on_validation: bool = option(
        True, "If the encoder is frozen: finally refit the head on train and validation."
    )
    classifier_dropout: float = option(0.1, "Dropout before the head.", SHARE)
    encoder_dropout: float | None = option(None, "Dropout in the encoder. Unset: the recipe's or its own.", SHARE)
    class_weights: str = option("none", "balanced: rare labels count more.", choices=("none", "balanced"), common=True)
    attn_implementation: str | None = option(None, "eager, sdpa, flash_attention_2 …; unset, the fastest.")


@dataclass
class ColumnArguments(_Checked):
    """Columns and format of a table; shared by training data and `predict`."""

    text_column: list[str] | None = option(None, "Column of the text. Several are joined.", nargs="+", common=True)
    delimiter: str | None = option(
        None, "Column delimiter. Unset: comma for .csv, tab for .tsv.", CHARACTER, common=True
    )
    encoding: str = option("utf-8", "Character encoding of text files, such as cp1252.")
    quoting: str = option("minimal", "none reads quotation marks as ordinary characters.", choices=("minimal", "none"))


@dataclass
class DataArguments(ColumnArguments):
    """data"""

    dataset: str = option(
        "bbc-news", "bbc-news; a table, a glob or directory of tables; class directories; or a Hub id.", common=True
    )
    dataset_config: str | None = option(None, "Configuration of a Hub data set.")
    dataset_revision: str | None = option(None, "Branch, tag or commit of a Hub data set.")
    train_file: str | None = option(None, "File or glob of training rows, in place of --dataset.", common=True)
    validation_file: str | None = option(None, "File or glob of validation rows. Unset: cut from train.", common=True)
    test_file: str | None = option(None, "File or glob of test rows. Unset: cut from train.", common=True)
    label_column: list[str] | None = option(
        None, "Column of the label. Several columns of 0 and 1: multi-label.", nargs="+", common=True
    )
    label_separator: str | None = option(None, "Separator of several labels in one cell: multi-label.")
    label_map: list[str] | None = option(None, "New label names: 0=business 1=sport …; or a YAML file.", nargs="+")
    min_label_rows: int | None = option(None, "Leave out labels with fewer rows than this.", AT_LEAST_1)
    drop_invalid_rows: bool = option(False, "Leave out rows without text or label instead of stopping.", common=True)
    near_duplicates: bool = option(True, "Keep near duplicates in one split; false looks for exact duplicates only.")
    drop_leaked_rows: bool = option(
        False, "Leave out training rows that also are in test. With evaluate: rows trained on."
    )
    max_train_samples: int | None = option(None, "Use at most this many training rows.", AT_LEAST_1, common=True)
    max_eval_samples: int | None = option(None, "Use at most this many validation and test rows each.", AT_LEAST_1)
    max_length: int | None = option(None, "Longest input in tokens, special ones included.", AT_LEAST_3, common=True)
    window_length: int | None = option(None, "Read longer input in windows of this many tokens.", AT_LEAST_3)
    truncation: str | None = option(None, "Part of a longer text that is read.", choices=TRUNCATIONS)
    excerpts: list[str] | None = option(None, "Excerpts to train on too.", choices=EXCERPTS, nargs="*", common=True)
    validation_fraction: float = option(0.15, "Share of rows for validation.", FRACTION)
    test_fraction: float = option(0.15, "Share of rows for test; 0 keeps none.", SHARE)
    split_seed: int = option(42, "Seed of the split, independent of --seed.", SEED)
    folds: int | None = option(None, "Cut this many folds instead of one split.", AT_LEAST_2, common=True)
    fold: int | None = option(None, "Index of the fold used as test split, from 0.", AT_LEAST_0)


@dataclass
class TrainArguments(_Checked):
    """training"""

    output_dir: str | None = option(None, "Unset: runs/[<data>-]<encoder>-<pooling>-seed<seed>.", common=True)
    overwrite: bool = option(False, "Replace an earlier run in the run directory.", common=True)
    resume_from_checkpoint: str | None = option(
        None, "Resume from the newest checkpoint or from this one.", nargs="?", const="last", common=True
    )
    num_train_epochs: float | None = option(None, "Passes over the training rows.", AT_LEAST_0, common=True)
    max_steps: int = option(-1, "Training steps, in place of epochs.", common=True)
    min_steps: int | None = option(
        None,
        f"Train up to {MAX_EPOCHS} epochs to reach this many steps. Unset: the recipe's; 0 with --num_train_epochs.",
        AT_LEAST_0,
    )
    learning_rate: float | None = option(None, "Peak learning rate of AdamW.", ABOVE_0, common=True)
    train_max_length: int | None = option(
        None, "Longest input in training. Unset: the recipe's, else --max_length.", AT_LEAST_3
    )
    per_device_train_batch_size: int | None = option(
        None, "Texts, or texts' excerpts, per batch and device.", AT_LEAST_1, common=True
    )
    per_device_eval_batch_size: int = option(32, "Rows per validation batch and device.", AT_LEAST_1)
    gradient_accumulation_steps: int = option(1, "Batches per optimizer step.", AT_LEAST_1)
    weight_decay: float | None = option(None, "Weight decay of AdamW.", AT_LEAST_0)
    warmup_steps: float | None = option(None, "Warm-up steps; below 1, their share of all steps.", AT_LEAST_0)
    lr_scheduler_type: str | None = option(None, "How the learning rate falls: linear, cosine, constant, …")
    label_smoothing_factor: float = option(0.0, "Label smoothing of the loss.", SHARE)
    precision: str | None = option(
        None, "auto: bf16 if the device computes it, fp16 on older GPUs, else fp32.", choices=PRECISIONS, common=True
    )
    early_stopping_patience: int = option(
        2, "Stop after this many evaluations without gain; 0: never. Needs --load_best_model_at_end.", AT_LEAST_0
    )
    metric_for_best_model: str = option("macro_f1", "Validation metric of --load_best_model_at_end.", common=True)
    eval_strategy: str = option("epoch", "When to evaluate on validation.", choices=("epoch", "steps"))
    save_strategy: str = option("epoch", "When to save a checkpoint.", choices=("epoch", "steps", "best"))
    save_total_limit: int = option(1, "Checkpoints to keep beside the best one.", AT_LEAST_1)
    load_best_model_at_end: bool | None = option(
        None, "Keep the checkpoint with the best validation metric, not the last. Unset: the recipe's."
    )
    train_sampling_strategy: str = option("group_by_length", "Order of training rows.", choices=SAMPLING)
    seed: int = option(42, "Seed of the head, dropout and row order.", SEED, common=True)
    data_seed: int | None = option(None, "Seed of the row order. Unset: --seed.", SEED)
    full_determinism: bool | None = option(None, "Deterministic kernels. Unset: on CUDA only; a CPU needs none.")
    use_cpu: bool = option(False, "Train on the CPU even if there is a GPU.")
    logging_steps: int = option(10, "Steps between log entries.", AT_LEAST_1)
    report_to: list[str] = option(["none"], "Trackers, such as tensorboard or wandb.", common=True, nargs="+")
    disable_tqdm: bool = option(False, "Hide progress bars.")
    push_to_hub: bool = option(False, "Publish the run with its card to --hub_model_id (command only).", common=True)
    hub_model_id: str | None = option(None, "Hub id to publish to. Unset: your own namespace and the run's name.")
    hub_private_repo: bool = option(False, "Make a new repository private.")
    hub_revision: str | None = option(None, "Branch to publish to.")
    hub_license: str | None = option(None, "License id for --push_to_hub; required for data other than BBC News.")
    hub_token: str | None = option(None, "Access token. Unset: HF_TOKEN or `hf auth login`. Never recorded.")
    trainer_kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def trains_encoder(self) -> bool:
        """Whether any training step is taken; without one the head is a linear probe."""
        return self.max_steps > 0 or bool(self.num_train_epochs)


PRECISION_HELP = "auto: the fastest format of the device whose predictions agree with fp32."


@dataclass
class ClassifierArguments(_Checked):
    """Which classifier a command uses."""

    model: str = option(
        "runs/minilm-mean-seed42", "Run directory, model or exported directory, or Hub id of a classifier.", common=True
    )
    revision: str | None = option(None, "Branch, tag or commit of a Hub id.")


@dataclass
class EvaluateArguments(ClassifierArguments):
    """evaluation"""

    split: str = option(
        "auto",
        "test: the test split; all: every row; auto: the test split if the data or the run have one, else every row.",
        choices=("auto", "test", "all"),
        common=True,
    )
    output_dir: str | None = option(None, "Unset: evaluations/<model>, or <model>-on-<data>.", common=True)
    overwrite: bool = option(False, "Replace an earlier evaluation.", common=True)


@dataclass
class WorkerArguments(_Checked):
    """Where `predict` and `compare` compute."""

    engine: str = option("local", "local: this process. ray: the workers of a Ray cluster.", choices=("local", "ray"))
    cpus_per_worker: int = option(1, "With --engine ray: CPUs, and threads, of a worker.", AT_LEAST_1)
    gpus_per_worker: float = option(0, "With --engine ray: GPUs of a worker; 0.5 shares one between two.", AT_LEAST_0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine == "local" and (self.cpus_per_worker, self.gpus_per_worker) != (1, 0):
            raise UserError("--cpus_per_worker and --gpus_per_worker need --engine ray")


@dataclass
class PredictArguments(ColumnArguments, WorkerArguments, ClassifierArguments):
    """prediction"""

    input: str | None = option(
        None, "Table, or .txt with a text per line; with --output_dir also a directory or glob.", common=True
    )
    output_file: str | None = option(None, "File to write: .csv, .tsv, .jsonl, .parquet, .xlsx, .txt.", common=True)
    output_dir: str | None = option(None, "Directory to write in shards; running it again resumes it.", common=True)
    format: str = option("text", "Format of printed predictions.", choices=("text", "json"), common=True)
    top_k: int | None = option(None, "Probabilities of this many labels. Unset: all.", AT_LEAST_1, common=True)
    min_confidence: float = option(0.0, "Below this confidence no label is given.", PROBABILITY, common=True)
    explain: bool = option(False, "Show which words led to the label of each text given (needs captum).", common=True)
    keep_columns: list[str] | None = option(None, "Input columns to keep in shards. Unset: all.", nargs="+")
    shard_format: str = option("parquet", "Format of shards.", choices=("parquet", "csv", "jsonl"))
    shard_rows: int = option(5000, "Input rows per shard.", AT_LEAST_1)
    escape_formulas: bool = option(False, "Write an apostrophe before cells that a spreadsheet would compute.")
    device: str | None = option(None, "cpu, cuda, mps …; unset, the accelerator if there is one.")
    precision: str = option("auto", PRECISION_HELP, choices=PRECISIONS)
    adaptive: bool = option(False, "Faster: read 64 tokens, and the rest only if confidence is low.", common=True)
    overwrite: bool = option(False, "Replace the output file.", common=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_file and self.output_dir:
            raise UserError("give --output_file or --output_dir, not both")
        if (self.output_file or self.output_dir) and not self.input:
            raise UserError("--output_file and --output_dir need --input")
        if self.input and not (self.output_file or self.output_dir):
            raise UserError("--input needs --output_file FILE, or --output_dir DIRECTORY for many rows")
        if self.explain and self.input:
            raise UserError("--explain is for texts given as arguments, not for --input")
        if not self.output_dir and (self.shard_format, self.shard_rows) != ("parquet", 5000):
            raise UserError("--shard_format and --shard_rows need --input and --output_dir")
        if self.engine == "ray" and not self.output_dir:
            raise UserError("--engine ray needs --input and --output_dir")


@dataclass
class DemoArguments(ClassifierArguments):
    """demo"""

    title: str | None = option(None, "Heading of the page. Unset: the name of the model.")
    host: str = option("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in.", common=True)
    port: int = option(7860, "Port to listen on.", PORT, common=True)
    min_confidence: float | None = option(None, "Below it: unsure (0.5; multi-label: 0).", PROBABILITY, common=True)
    max_characters: int = option(20_000, "Longest text that the page takes.", AT_LEAST_1)
    max_rows: int = option(1000, "Maximum number of rows of an uploaded file.", AT_LEAST_1)
    max_file_size: int = option(5_000_000, "Largest uploaded file, in bytes.", AT_LEAST_1)
    max_waiting: int = option(20, "Maximum number of requests that wait; others are refused.", AT_LEAST_1)
    max_requests_per_minute: int = option(60, "Maximum number of requests a minute from one address.", AT_LEAST_1)
    device: str | None = option(None, "cpu, cuda, mps …; unset, the accelerator if there is one.")


@dataclass
class ServeArguments(ClassifierArguments):
    """server"""

    pooling_module: str | None = option(None, "Module to import first: it registers the pooling of your classifier.")
    host: str = option("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in.", common=True)
    port: int = option(8080, "Port to listen on.", PORT, common=True)
    workers: int = option(1, "Processes, each with a copy of the classifier.", AT_LEAST_1, common=True)
    max_batch_texts: int = option(64, "Maximum number of texts classified together.", AT_LEAST_1)
    max_client_batch_size: int = option(32, "Maximum number of texts in one request.", AT_LEAST_1)
    max_waiting: int = option(512, "Maximum number of texts that wait in a process; others are refused.", AT_LEAST_1)
    max_body_size: int = option(2_000_000, "Largest body of a request, in bytes.", AT_LEAST_1)
    device: str | None = option(None, "cpu, cuda, mps …; unset, the accelerator if there is one.", common=True)
    precision: str = option("auto", PRECISION_HELP, choices=PRECISIONS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_waiting < self.max_client_batch_size:
            raise UserError("--max_waiting must be at least --max_client_batch_size")


@dataclass
class CompareArguments(WorkerArguments):
    """comparison"""

    encoders: list[str] = option(REFERENCE_ENCODERS, "Short names, Hub ids or directories.", nargs="+", common=True)
    poolings: list[str] = option(["cls", "mean", "pooler"], "Poolings.", common=True, nargs="+")
    seeds: int = option(1, "Trainings of each configuration: --seed and the following ones.", AT_LEAST_1, common=True)
    train_sizes: list[str] = option(["all"], "Training rows for learning curves.", SIZE, nargs="+", common=True)
    mode: str = option(
        "finetune", "linear_probe freezes the encoders.", choices=("finetune", "linear_probe"), common=True
    )
    shard: str = option("1/1", "i/n trains every n-th run from the i-th; `report` merges the shards.", SHARD)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("encoders", "poolings"):
            if not getattr(self, name) or len(set(getattr(self, name))) < len(getattr(self, name)):
                raise UserError(f"--{name} must name at least one, and each once")


@dataclass
class ReportArguments(_Checked):
    """report"""

    output_dir: str = option("report", "Directory of the report.", common=True)
    overwrite: bool = option(False, "Replace an earlier report.", common=True)


@dataclass
class AuditArguments(_Checked):
    """audit"""

    output_dir: str | None = option(None, "Directory to write. Unset: audits/<data>.", common=True)
    overwrite: bool = option(False, "Replace an earlier audit.", common=True)
    encoder: str = option("minilm", "Encoder whose tokens are counted; none counts words only.", common=True)


@dataclass
class ExportArguments(ClassifierArguments):
    """export"""

    format: str = option(
        "onnx",
        "An ONNX graph; an OpenVINO model in 8 bits; a stock class of transformers; or a Hugging Face Space.",
        choices=("onnx", "openvino-int8", "transformers", "space"),
        common=True,
    )
    output_dir: str | None = option(None, "Unset: <run>/export/<format> or exports/<name>-<format>.", common=True)
    measure: bool = option(True, "Compare export and original on the run's test split; false: on a few example texts.")
    overwrite: bool = option(False, "Replace an earlier export.", common=True)


@dataclass
class CardArguments(_Checked):
    """model card"""

    license: str | None = option(None, "License id. Unset: other, for BBC News only.", common=True)
    language: str | None = option(None, "Language code of the texts. Unset: en for BBC News.", common=True)
    tag: list[str] = option([], "More tags.", nargs="+")
    comparison: str | None = option(None, "Comparison whose ranks the card shows. Unset: the one the run is part of.")


@dataclass
class CardFileArguments(CardArguments):
    """model card"""

    repo_id: str | None = option(None, "Hub id in the card's examples. Unset: your-name/<run>.", common=True)
    output_file: str | None = option(None, "File to write. Unset: README.md in the run directory.", common=True)
    overwrite: bool = option(False, "Replace the file.", common=True)


@dataclass
class PushArguments(CardArguments):
    """publication"""

    repo_id: str | None = option(None, "Hub id to publish one run to.", common=True)
    namespace: str | None = option(None, "User or organization: a repository per run, and a collection.", common=True)
    collection: str = option("News classifiers", "Title of the collection of --namespace; '' makes none.")
    onnx: bool = option(False, "Also publish the run's ONNX export, in onnx/.", common=True)
    private: bool = option(False, "Make a new repository private.", common=True)
    revision: str | None = option(None, "Branch to publish to; a new one starts at main.")
    create_pr: bool = option(False, "Open a pull request instead of changing the branch.")
    token: str | None = option(None, "Access token. Unset: HF_TOKEN or `hf auth login`. Never recorded.")
    dry_run: bool = option(False, "Write to --output_dir what would be uploaded; contact nobody.", common=True)
    output_dir: str = option("publish", "Directory of --dry_run.")
    overwrite: bool = option(False, "Replace another run's model, or an earlier dry run.", common=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.repo_id) == bool(self.namespace):
            raise UserError("give --repo_id owner/name for one run, or --namespace owner for any number of runs")
        if self.create_pr and self.revision:
            raise UserError("--create_pr opens its own branch; leave out --revision")


def resolve_recipe(
    model: ModelArguments, data: DataArguments, training: TrainArguments
) -> tuple[ModelArguments, DataArguments, TrainArguments]:
    """Return copies with the options that are None filled by the recipe, or by "standard"; check contradictions."""
    name = model.recipe or ENCODER_RECIPES.get(model.encoder, "standard")
    standard, own = (read_yaml(RECIPES / f"{recipe}.yaml", "--recipe") for recipe in ("standard", name))
    values = {**standard, **own, "recipe": name}
    if training.num_train_epochs is not None and training.min_steps is None:
        training = dataclasses.replace(training, min_steps=0)
    groups: list[Any] = [model, data, training]
    for number, group in enumerate(groups):
        unset = {name: values[name] for name, value in vars(group).items() if value is None and name in values}
        groups[number] = dataclasses.replace(group, **unset)
    model, data, training = groups
    if model.head_init == "random" and not training.trains_encoder:
        raise UserError("--num_train_epochs 0 trains nothing; add --head_init linear_probe, which needs no epochs")
    if training.label_smoothing_factor and not training.trains_encoder:
        raise UserError("--label_smoothing_factor: a linear probe has none; it needs --num_train_epochs above 0")
    return model, data, training


def import_pooling_module(name: str) -> None:
    """Import a user's module, which registers a pooling."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise UserError(f"--pooling_module {name}: {error}") from error


def hyperparameters(model: ModelArguments, data: DataArguments, training: TrainArguments) -> dict[str, Any]:
    """Return the options that determine the result, by group: the record's `options` entry."""
    groups: dict[str, Any] = {"model": model, "data": data, "training": training}
    return {
        group: {name: value for name, value in dataclasses.asdict(arguments).items() if name not in RUNTIME_ONLY}
        for group, arguments in groups.items()
    }


def train_command(options: dict[str, dict[str, Any]], name: str) -> str:
    """Return the command that trains a run again: the options in its record that its recipe does not set."""
    chosen = {option: value for option in ("encoder", "recipe") if (value := options["model"].get(option))}
    recipe = hyperparameters(*resolve_recipe(ModelArguments(**chosen), DataArguments(), TrainArguments()))
    parts = ["bbc-classifier", "train", f"--output_dir=runs/{name}", *(f"--{key}={chosen[key]}" for key in chosen)]
    for group, defaults in recipe.items():
        given = {name: value for name, value in options[group].items() if value is not None and name in defaults}
        values = {option: value for option, value in given.items() if value != defaults.get(option)}
        values |= values.pop("trainer_kwargs", {})
        parts += [part for option, value in values.items() for part in as_flag(option, value)]
    return shlex.join(parts)


def as_flag(name: str, value: Any) -> list[str]:
    """Return an option as it is written on the command line."""
    if name == "label_map" and isinstance(value, dict):
        if any(isinstance(part, bool) for pair in value.items() for part in pair):
            raise UserError("--label_map: put yes, no, true and false in quotation marks; YAML reads them as booleans")
        value = [f"{old}={new}" for old, new in value.items()]
    if isinstance(value, list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={json.dumps(value) if isinstance(value, dict) else value}"]


def read_yaml(path: Path, flag: str) -> dict[str, Any]:
    """Return the mapping in a YAML or JSON file; tags that build objects are not read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{flag}: cannot read '{path}': {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{flag}: '{path}' is not valid YAML: {' '.join(str(error).split())}") from error
    if content is not None and not isinstance(content, dict):
        raise UserError(f"{flag}: '{path}' must hold 'name: value' lines, not a {type(content).__name__}")
    return content or {}


@cache
def trainer_options() -> dict[str, tuple[bool, str]]:
    """Return whether a field of `transformers.TrainingArguments` is true or false, and its help, by its name.

    They are read from the source, without importing it.
    """
    spec = importlib.util.find_spec("transformers")
    assert spec and spec.origin
    tree = ast.parse(Path(spec.origin).with_name("training_args.py").read_text(encoding="utf-8"))
    (definition,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "TrainingArguments")
    options = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_"):
            first_values = (entry.values[0] for entry in ast.walk(node) if isinstance(entry, ast.Dict))
            texts = [ast.literal_eval(value) for value in first_values if isinstance(value, ast.Constant)]
            is_boolean = ast.unparse(node.annotation) in ("bool", "bool | None", "Optional[bool]")
            options[node.target.id] = is_boolean, " ".join(str(texts[0]).split()) if texts else ""
    return options


def value_type(annotation: Any) -> Any:
    """Return the type of one value of a field: int for `int | None`, str for `list[str] | None`."""
    if isinstance(annotation, types.UnionType):
        annotation = next(arg for arg in typing.get_args(annotation) if arg is not type(None))
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is list else annotation

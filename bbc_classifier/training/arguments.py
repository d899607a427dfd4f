"""The options of the model and of training: a field is the flag, the YAML key, the help text and the record entry.

The defaults here are those of the literature; a recipe overrules them, and a flag overrules the recipe.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from bbc_classifier.data.options import DataArguments
from bbc_classifier.device import device_type
from bbc_classifier.evaluation import metrics, multi_label_metrics
from bbc_classifier.folders import folder_name
from bbc_classifier.model.encoders import NAMED_ENCODERS
from bbc_classifier.model.pooling import POOLINGS
from bbc_classifier.training.precision import PRECISIONS, choose_precision
from bbc_classifier.training.recipe import recipe_names

# What says where and how to run but not what comes out: not compared when a run is found finished, not in the record.
OPERATIONAL = frozenset(
    {
        "output_dir",
        "overwrite",
        "resume_from_checkpoint",
        "disable_tqdm",
        "report_to",
        "run_name",
        "logging_dir",
        "logging_steps",
        "logging_strategy",
        "logging_first_step",
        "logging_nan_inf_filter",
        "log_level",
        "log_level_replica",
        "log_on_each_node",
        "project",
        "trackio_space_id",
        "hub_token",
        "hub_model_id",
        "hub_strategy",
        "hub_license",
        "hub_private_repo",
        "hub_revision",
        "hub_always_push",
        "push_to_hub",
        "local_rank",
        "deepspeed",
        "fsdp",
        "fsdp_config",
        "accelerator_config",
        "dataloader_num_workers",
        "dataloader_pin_memory",
        "ddp_find_unused_parameters",
        "do_train",
        "do_eval",
        "do_predict",
        "save_only_model",
    }
)

# What the random generators take.
SEEDS = 2**32
HEAD_STARTS = ("random", "probe")

# What the Trainer can choose a checkpoint by: its own loss, and what validation returns for one label or for many.
VALIDATION_METRICS = tuple(dict.fromkeys(("loss", *metrics.VALIDATED, *multi_label_metrics.VALIDATED)))


@dataclass
class ModelArguments:
    """Which encoder, which pooling, which head."""

    encoder: str = field(
        default="minilm",
        metadata={"help": f"{', '.join(NAMED_ENCODERS)}; or a Hub id; or a folder, a finished run of ours included."},
    )
    encoder_revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub id."})
    recipe: str | None = field(
        default=None,
        metadata={
            "help": f"Options to start from, any of which a flag overrules: {', '.join(recipe_names())}. Unset, the "
            "encoder's own."
        },
    )
    pooling: str = field(
        default="mean", metadata={"help": "How token vectors become one vector.", "choices": list(POOLINGS)}
    )
    classifier_dropout: float = field(default=0.1, metadata={"help": "Dropout before the linear head."})
    encoder_dropout: float = field(
        default=-1.0, metadata={"help": "Dropout inside the encoder; 0 is fastest on a CPU, -1 keeps its own."}
    )
    frozen_layers: int = field(
        default=0,
        metadata={"help": "Do not train the embeddings and this many of the lowest layers; 0 trains everything."},
    )
    head_start: str = field(
        default="random",
        metadata={
            "help": "The head that training starts with: 'random', or 'probe', a logistic regression on the vectors of "
            "the encoder as it is.",
            "choices": list(HEAD_STARTS),
        },
    )
    refit_probe: bool = field(
        default=True,
        metadata={
            "help": "Where no step trains the encoder: fit the probe again on train and validation, once validation "
            "has given its figures and the temperature."
        },
    )
    lexical_head: bool = field(
        default=False,
        metadata={
            "help": "Add a linear classifier on which tokens and pairs of tokens the whole text has (TF-IDF); with "
            "--head_start probe, one label per text."
        },
    )
    class_weights: str = field(
        default="none",
        metadata={"help": "'balanced' weighs each label by the inverse of its share.", "choices": ["none", "balanced"]},
    )
    attn_implementation: str | None = field(
        default=None,
        metadata={"help": "eager, sdpa, flash_attention_2, …; unset, the fastest for this device and length."},
    )


@dataclass
class ClassifierTrainingArguments(TrainingArguments):
    """`TrainingArguments` with the recipe's defaults and a few options of our own; every one of its flags works."""

    _argument_group_name = "training"

    output_dir: str | None = field(
        default=None,
        metadata={
            "help": "Run folder; unset, runs/<data>-<encoder>-<pooling>-seed<seed>, without the data of BBC News."
        },
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace what is in the run folder."})
    resume_from_checkpoint: str | None = field(
        default=None,
        metadata={
            "help": "Go on with an unfinished run: from its last checkpoint, or from the one named.",
            "nargs": "?",
            "const": "last",
        },
    )
    precision: str = field(
        default="auto",
        metadata={
            "help": "auto: bf16 where the device has it, fp16 on older GPUs, fp32 elsewhere.",
            "choices": list(PRECISIONS),
        },
    )
    early_stopping_patience: int = field(
        default=2, metadata={"help": "Evaluations without a better checkpoint before training stops; 0 never stops."}
    )
    per_device_train_batch_size: int = field(default=16, metadata={"help": "Rows per training batch and device."})
    per_device_eval_batch_size: int = field(default=32, metadata={"help": "Rows per validation batch and device."})
    learning_rate: float = field(default=2e-5, metadata={"help": "Peak learning rate of AdamW."})
    num_train_epochs: float = field(default=3.0, metadata={"help": "Passes over the training side; 0 with a probe."})
    weight_decay: float = field(default=0.01, metadata={"help": "Weight decay of AdamW."})
    warmup_steps: float = field(default=0.1, metadata={"help": "Warm-up steps; below 1, their share of all steps."})
    train_sampling_strategy: str = field(
        default="group_by_length",
        metadata={"help": "Order of the training rows.", "choices": ["group_by_length", "random", "sequential"]},
    )
    eval_strategy: str = field(default="epoch", metadata={"help": "When to validate: steps or epoch."})
    save_strategy: str = field(default="epoch", metadata={"help": "When to save a checkpoint: steps, epoch or best."})
    save_total_limit: int | None = field(default=1, metadata={"help": "Checkpoints kept beside the best one."})
    load_best_model_at_end: bool = field(default=True, metadata={"help": "Keep the checkpoint that validates best."})
    metric_for_best_model: str | None = field(default="macro_f1", metadata={"help": "What validates best."})
    greater_is_better: bool | None = field(
        default=None, metadata={"help": "Whether more of it is better; unset, as the metric has it."}
    )
    logging_steps: float = field(default=10, metadata={"help": "Steps between two entries of the history."})
    logging_nan_inf_filter: bool = field(default=False, metadata={"help": "Hide NaN losses; here they stop the run."})
    full_determinism: bool | None = field(
        default=None, metadata={"help": "Same seed, same bytes. Unset: on for CUDA; a CPU needs nothing for it."}
    )
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "Search for parameters without a gradient; this model has none."}
    )
    disable_tqdm: bool | None = field(default=False, metadata={"help": "Hide the progress bar."})
    push_to_hub: bool = field(
        default=False,
        metadata={"help": "Publish the finished run, with its card, to --hub_model_id; see also bbc-classifier push."},
    )
    hub_strategy: str = field(
        default="end", metadata={"help": "When to publish: the finished run alone.", "choices": ["end"]}
    )
    hub_license: str | None = field(
        default=None, metadata={"help": "Licence id for --push_to_hub; needed where the data are not BBC News."}
    )
    report_to: str | None = field(default="none", metadata={"help": "Trackers, such as tensorboard or wandb."})

    def __post_init__(self) -> None:
        """Choose the precision, and let the library check what it checks.

        Raises:
            ValueError: A value is out of range.
        """
        if not self.learning_rate > 0:
            raise ValueError(f"--learning_rate must be above 0, not {self.learning_rate}")
        if not self.num_train_epochs >= 0:
            raise ValueError(f"--num_train_epochs must be 0 or more, not {self.num_train_epochs}")
        for name in ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, not {getattr(self, name)}")
        for name in ("seed", "data_seed"):
            if not 0 <= (getattr(self, name) or 0) < SEEDS:
                raise ValueError(f"--{name} must be 0 or more, and below 2**32, not {getattr(self, name)}")
        if self.metric_for_best_model not in VALIDATION_METRICS:
            raise ValueError(f"--metric_for_best_model must be one of {', '.join(VALIDATION_METRICS)}")
        if self.greater_is_better is None:
            self.greater_is_better = not self.metric_for_best_model.endswith("loss")
        device = device_type(self.use_cpu)
        if self.bf16 or self.fp16:
            self.precision = "bf16" if self.bf16 else "fp16"
        self.precision = choose_precision(self.precision, device)
        self.bf16, self.fp16 = self.precision == "bf16", self.precision == "fp16"
        self.use_cpu = device == "cpu"
        self.dataloader_pin_memory = self.dataloader_pin_memory and device == "cuda"
        if self.full_determinism is None:
            self.full_determinism = device == "cuda"
        # The order of the rows then depends on nothing drawn before training, so a resumed run sees the same rows.
        self.data_seed = self.seed if self.data_seed is None else self.data_seed
        unset = self.output_dir is None
        super().__post_init__()
        if unset:
            self.output_dir = None  # the library names a folder of its own here

    @property
    def trains(self) -> bool:
        """Whether there is any training step; without one the head is a probe alone."""
        return self.num_train_epochs > 0 or self.max_steps > 0

    @property
    def shuffle_seed(self) -> int:
        """Seed of the order of the training rows."""
        return self.seed if self.data_seed is None else self.data_seed


def run_name(data_name: str, encoder_name: str, pooling: str, seed: int) -> str:
    """Return the default name of a run folder: encoder, pooling, seed, and before them any data but BBC News."""
    data = "" if data_name == DataArguments.dataset else f"{folder_name(data_name)}-"
    return f"{data}{encoder_name}-{pooling}-seed{seed}"


def default_output_dir(data_name: str, encoder_name: str, pooling: str, seed: int) -> Path:
    """Return the default run folder."""
    return Path("runs") / run_name(data_name, encoder_name, pooling, seed)


def shaping_options(arguments: ClassifierTrainingArguments) -> dict[str, Any]:
    """Return what shapes the result: our own options, and the library's where they differ from its defaults."""
    ours = set(ClassifierTrainingArguments.__annotations__) | {"seed", "data_seed", "bf16", "fp16"}
    values = arguments.to_dict()
    library_default = {entry.name: entry.default for entry in fields(TrainingArguments)}
    return {
        entry.name: values[entry.name]
        for entry in fields(arguments)
        if entry.name in values
        and entry.name not in OPERATIONAL
        and (entry.name in ours or values[entry.name] != library_default.get(entry.name, values[entry.name]))
    }

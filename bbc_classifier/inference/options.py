"""The options of `bbc-classifier predict`."""

from dataclasses import dataclass, field

SHARD_FORMATS = ("parquet", "csv", "jsonl")
ENGINES = ("local", "ray")


@dataclass
class PredictArguments:
    """Which classifier, and how its answers are shown."""

    model: str = field(
        default="runs/minilm-mean-seed42", metadata={"help": "Run folder, model folder or Hub id of a classifier."}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub id."})
    top_k: int | None = field(default=None, metadata={"help": "How many labels to show; unset, all."})
    min_confidence: float = field(default=0.0, metadata={"help": "Below this confidence the answer is 'unsure'."})
    format: str = field(
        default="text",
        metadata={"help": "text: a line to read; json: one JSON object per line.", "choices": ["text", "json"]},
    )
    input: str | None = field(
        default=None,
        metadata={
            "help": "File of texts: .csv, .tsv, .json, .jsonl, .parquet, or .txt with a text per line; with a folder "
            "as --output also a folder or glob of such files."
        },
    )
    output: str | None = field(
        default=None,
        metadata={
            "help": "File to write, with every column of the input: .csv, .tsv, .jsonl, .parquet or .txt. A name "
            "without an ending is a folder: any number of rows go there in shards, and the same command goes on in it."
        },
    )
    shard_format: str = field(
        default="parquet", metadata={"help": "What the shards of a folder are.", "choices": list(SHARD_FORMATS)}
    )
    shard_rows: int = field(default=5000, metadata={"help": "Most rows of the input in a shard."})
    keep_columns: list[str] | None = field(
        default=None, metadata={"help": "Columns of the input that the shards keep; unset, all of them."}
    )
    engine: str = field(
        default="local",
        metadata={
            "help": "local: this process answers. ray: the processes of a Ray cluster answer the shards of a folder.",
            "choices": list(ENGINES),
        },
    )
    cpus_per_task: int = field(
        default=1, metadata={"help": "With --engine ray, the CPUs of a shard, which are its threads."}
    )
    gpus_per_task: float = field(
        default=0,
        metadata={
            "help": "With --engine ray, the GPUs of a shard; with 0.5 two shards share one, with 0 it sees none."
        },
    )
    spreadsheet_safe: bool = field(
        default=False,
        metadata={
            "help": "In .csv and .tsv, write an apostrophe before each text that a spreadsheet would compute (=, +, -, "
            "@); off, all columns come out as they went in."
        },
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace the output file if it is there."})
    device: str | None = field(default=None, metadata={"help": "cpu, cuda, mps, …; unset, the accelerator if any."})

    def __post_init__(self) -> None:
        """Check what can be checked without looking at files.

        Raises:
            ValueError: A value is not legal.
        """
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"--top_k must be at least 1, not {self.top_k}")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"--min_confidence must be between 0 and 1, not {self.min_confidence}")
        if self.shard_rows < 1:
            raise ValueError(f"--shard_rows must be at least 1, not {self.shard_rows}")
        if len({*(self.keep_columns or ())}) < len(self.keep_columns or ()):
            raise ValueError(f"--keep_columns names a column twice: {', '.join(self.keep_columns or ())}")
        if self.cpus_per_task < 1:
            raise ValueError(f"--cpus_per_task must be at least 1, not {self.cpus_per_task}")
        if self.gpus_per_task < 0:
            raise ValueError(f"--gpus_per_task must be at least 0, not {self.gpus_per_task:g}")
        if self.engine == "local" and (self.cpus_per_task, self.gpus_per_task) != (1, 0):
            raise ValueError("--cpus_per_task and --gpus_per_task are for --engine ray")

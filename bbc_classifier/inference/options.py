"""The options of `bbc-classifier predict`."""

from dataclasses import dataclass, field


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
        metadata={"help": "File of texts: .csv, .tsv, .json, .jsonl, .parquet, or .txt with a text per line."},
    )
    output: str | None = field(
        default=None,
        metadata={"help": "File to write, with every column of the input: .csv, .tsv, .jsonl, .parquet or .txt."},
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace the output file if it is there."})
    device: str | None = field(default=None, metadata={"help": "cpu, cuda, mps, …; unset, the accelerator if any."})

"""The options of `bbc-classifier evaluate`."""

from dataclasses import dataclass, field


@dataclass
class EvaluateArguments:
    """Which classifier, and where its evaluation goes."""

    model: str = field(
        default="runs/minilm-mean-seed42", metadata={"help": "Run folder, model folder or Hub id of a classifier."}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub id."})
    output_dir: str | None = field(
        default=None, metadata={"help": "Folder to write; unset, evaluations/<name of the model>."}
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace an evaluation that is already there."})

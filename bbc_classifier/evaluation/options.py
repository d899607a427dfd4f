"""The options of `bbc-classifier evaluate`."""

from dataclasses import dataclass, field


@dataclass
class EvaluateArguments:
    """Which classifier, and where its evaluation goes."""

    model: str = field(
        default="runs/minilm-mean-seed42", metadata={"help": "Run folder, model folder or Hub id of a classifier."}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub id."})
    rows: str = field(
        default="auto",
        metadata={
            "help": "test: the test side, ready-made or cut; all: every row; auto: the test side of a ready-made split "
            "and of the data that the run was trained on, every row of other data.",
            "choices": ["auto", "test", "all"],
        },
    )
    output_dir: str | None = field(
        default=None,
        metadata={"help": "Folder to write; unset, evaluations/<model>, or for other data <model>-on-<data>."},
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace an evaluation that is already there."})

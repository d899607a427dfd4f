"""The options of `bbc-classifier export`."""

from dataclasses import dataclass, field

FORMATS = ("transformers", "onnx", "onnx-int8")


@dataclass
class ExportArguments:
    """Which form a classifier is written in, and where."""

    format: str = field(
        default="onnx",
        metadata={
            "help": "transformers: a stock class of that library, where one computes the same; onnx: one graph, for "
            "every classifier; onnx-int8: the graph with 8-bit weights.",
            "choices": list(FORMATS),
        },
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub id."})
    output_dir: str | None = field(
        default=None,
        metadata={"help": "Folder to write; unset, RUN/export/<format>, or of a Hub id exports/<name>-<format>."},
    )
    measure: bool = field(
        default=True,
        metadata={
            "help": "Compare both forms on the run's own test side, where its data are at hand; false compares them on "
            "a few texts of our own only."
        },
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace an export that is already there."})

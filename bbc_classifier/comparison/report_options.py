"""The options of `bbc-classifier report`."""

from dataclasses import dataclass, field


@dataclass
class ReportArguments:
    """Where the report goes."""

    output_dir: str = field(default="report", metadata={"help": "Folder of the report."})
    overwrite: bool = field(default=False, metadata={"help": "Replace the report that is there."})

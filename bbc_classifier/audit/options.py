"""The options of `bbc-classifier audit`."""

from dataclasses import dataclass, field

NO_ENCODER = "none"


@dataclass
class AuditArguments:
    """Where the audit goes, and whose tokens it counts."""

    output_dir: str | None = field(
        default=None, metadata={"help": "Folder to write; unset, audits/<name of the data set>."}
    )
    overwrite: bool = field(default=False, metadata={"help": "Replace an audit that is already there."})
    encoder: str = field(
        default="minilm",
        metadata={
            "help": "Encoder whose tokenizer counts tokens: a short name, a folder or a Hub id; "
            "'none' counts words only."
        },
    )

"""`bbc-classifier audit`: what is in a data set, before anything is trained."""

import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_pairs, print_written
from bbc_classifier.data.options import DataArguments
from bbc_classifier.records import read_json


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    options = command_parser("audit", AuditArguments, DataArguments).parse(argv)

    from bbc_classifier.audit.run import audit
    from bbc_classifier.audit.table import audit_table

    folder = audit(*options)
    record = read_json(folder / "audit.json")
    print(f"\nAudited: {record['data']['name']}\n")
    print_pairs(audit_table(record))
    print_written({"findings": folder / "audit.json", "pairs": folder / "pairs.csv", "figure": folder / "audit.png"})
    unusable = record["empty"]["count"] + record["unlabelled"]["count"]
    chosen = replace(options[1], drop_broken_rows=options[1].drop_broken_rows or unusable > 0)
    print(f"Next: {shlex.join(['bbc-classifier', 'train', *_flags(chosen)])}")
    return 0


def _flags(options: Any) -> list[str]:
    """Return the flags that say how options differ from their defaults."""
    flags = []
    for option in fields(options):
        value = getattr(options, option.name)
        if value != option.default:
            flags += [f"--{option.name}", *map(str, value if isinstance(value, list) else [value])]
    return flags

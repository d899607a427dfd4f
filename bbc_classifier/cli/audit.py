"""`bbc-classifier audit`: what is in a data set, before anything is trained."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.given_flags import flags_of
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
    unusable = sum(record[what]["count"] for what in ("empty", "unlabelled", "broken"))
    chosen = replace(options[1], drop_broken_rows=options[1].drop_broken_rows or unusable > 0)
    if len(record["labels"]["rows"]) < 2:
        print("Next: add rows of a second label, without which nothing can be learnt")
    else:
        print(f"Next: {shlex.join(['bbc-classifier', 'train', *flags_of(chosen)])}")
    return 0

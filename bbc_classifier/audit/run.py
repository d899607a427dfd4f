"""One function: data options in, a finished audit folder out."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bbc_classifier.audit.distinct_texts import find_distinct_texts
from bbc_classifier.audit.figure import draw_audit
from bbc_classifier.audit.findings import findings
from bbc_classifier.audit.lengths import count_tokens
from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.audit.pairs import write_pairs
from bbc_classifier.audit.rows import read_rows
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.data.split import check_fractions
from bbc_classifier.errors import InputError
from bbc_classifier.folders import check_output_folder, folder_name, folder_written_whole
from bbc_classifier.provenance import peak_memory_mib, provenance, without_folders
from bbc_classifier.records import write_json

SCHEMA = 1
KIND = "audit"
CONTENTS = frozenset({f"{KIND}.json", "pairs.csv", f"{KIND}.png"})


def audit(options: AuditArguments, data_options: DataArguments) -> Path:
    """Examine a source as it is, drop and choose nothing, and write what was found to a folder of its own.

    `audit.json` holds the findings, `pairs.csv` the duplicate pairs by row id, `audit.png` a picture; docs/audit.md
    describes them. No text is in any of them.

    Raises:
        InputError: There is no such source or encoder, the source has no row, or the folder is taken.
        WorldError: The Hub cannot be reached, or the folder cannot be written.
    """
    source = open_source(data_options)
    folder = Path(options.output_dir or Path("audits") / folder_name(source.name))
    check_output_folder(folder, overwrite=options.overwrite, kind=KIND, contents=CONTENTS)
    check_fractions(data_options.validation_fraction, data_options.test_fraction)
    table = source.read()
    if not len(table):
        raise InputError(f"the data set '{source.name}' has no rows")
    rows = read_rows(table)
    tokens = count_tokens(table, options.encoder)
    texts = find_distinct_texts(table, rows, near=data_options.near_duplicates)
    found = findings(rows, texts, tokens, data_options)
    lengths = rows.words if tokens.of_row is None else tokens.of_row
    unit = "words" if tokens.of_row is None else f"tokens ({tokens.encoder})"
    with folder_written_whole(folder) as beside:
        write_pairs(texts, rows, beside / "pairs.csv")
        draw_audit(found, lengths[~rows.blank], unit, beside / "audit.png", f"{source.name}, {len(rows):,} rows")
        write_json(beside / f"{KIND}.json", _record(options, data_options, source.provenance(), found))
    return folder


def _record(
    options: AuditArguments, data_options: DataArguments, data: dict[str, Any], found: dict[str, Any]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {"encoder": options.encoder, "data": without_folders(asdict(data_options))},
        "data": data,
        **found,
        "peak_memory_mib": peak_memory_mib(),
        "provenance": provenance(),
    }

"""A table for a spreadsheet: no text in it, and no name of a column, that would be computed."""

import pyarrow as pa
import pyarrow.compute as pc

from bbc_classifier.data.formats.write import flat
from bbc_classifier.spreadsheet import FORMULA, plain_cell


def spreadsheet_safe(table: pa.Table) -> pa.Table:
    """Return the table as CSV shows it, with an apostrophe before each text that a spreadsheet takes for a formula."""
    columns = [_plain(flat(table[name])) for name in table.schema.names]
    return pa.table(columns, names=[plain_cell(name) for name in table.schema.names])


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    quoted = pc.binary_join_element_wise(pa.scalar("'", values.type), values, pa.scalar("", values.type))
    return pc.if_else(pc.match_substring_regex(values, FORMULA), quoted, values)

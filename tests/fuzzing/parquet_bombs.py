"""Parquet files: with changed bytes, of odd columns, and small ones that unpack to what no memory holds."""

import io
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from tests.fuzzing.mutations import mutated_bytes

ROWS = 18


def damaged_parquet(content: bytes, rng: Random) -> bytes:
    """Return the file with changed bytes, or with other columns, or a bomb."""
    return rng.choice(BOMBS)() if rng.random() < 0.03 else spoilt_parquet(content, rng)


def spoilt_parquet(content: bytes, rng: Random) -> bytes:
    """Return the file with changed bytes, or with other columns."""
    return mutated_bytes(content, rng) if rng.random() < 0.67 else _with_odd_columns(content, rng)


def _file(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    arrow_parquet.write_table(table, buffer, compression="zstd", **options)
    return buffer.getvalue()


def _repeated(value: Any, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value]))


def _with_odd_columns(content: bytes, rng: Random) -> bytes:
    table = arrow_parquet.read_table(io.BytesIO(content))
    for _ in range(rng.choice([1, 1, 2])):
        values = rng.choice(COLUMNS)(table.num_rows)
        name = rng.choice([*table.column_names, "new", "", "text", "prediction", "p_sport", "é\u2028", "x" * 3000])
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
    if rng.random() < 0.2:
        table = table.replace_schema_metadata({"huggingface": rng.choice(METADATA), "ARROW:schema": "x"})
    return _file(table.slice(0, rng.choice([0, 1, 2, table.num_rows])))


# Of as many rows as are asked for.
COLUMNS: list[Callable[[int], pa.Array]] = [
    lambda rows: pa.nulls(rows),
    lambda rows: pa.array([None] * rows, pa.string()),
    lambda rows: pa.array(["a"] * rows, pa.large_string()),
    lambda rows: pa.array(["a"] * rows, pa.string_view()),
    lambda rows: pa.array([b"\xff\xfe"] * rows, pa.binary()),
    lambda rows: pa.array([b"\xff\xfe"] * rows, pa.binary(2)),
    lambda rows: pa.array([float("nan"), float("inf")] * rows)[:rows],
    lambda rows: pa.array([1e300] * rows),
    lambda rows: pa.array([2.0] * rows, pa.float16()),
    lambda rows: pa.array([2**63] * rows, pa.uint64()),
    lambda rows: pa.array([-(2**63)] * rows, pa.int64()),
    lambda rows: pa.array([-1] * rows, pa.int8()),
    lambda rows: pa.array([Decimal("1.50")] * rows, pa.decimal128(38, 10)),
    lambda rows: pa.array([10**14] * rows, pa.timestamp("s")),
    lambda rows: pa.array([10**14] * rows, pa.timestamp("us", "Europe/Nowhere")),
    lambda rows: pa.array([1] * rows, pa.duration("ns")),
    lambda rows: pa.array([1] * rows, pa.time64("ns")),
    lambda rows: pa.array([True, None] * rows)[:rows],
    lambda rows: pa.array([["a", None], None, []] * rows)[:rows],
    lambda rows: pa.array([[["a"]]] * rows),
    lambda rows: pa.array([[0.5]] * rows),
    lambda rows: pa.array([["a"]] * rows, pa.large_list(pa.string())),
    lambda rows: pa.array([[1, 2]] * rows, pa.list_(pa.int64(), 2)),
    lambda rows: pa.array([{"a": {"b": [1]}}] * rows),
    lambda rows: pa.array([[("k", 1), ("k", 2)]] * rows, pa.map_(pa.string(), pa.int64())),
    lambda rows: pa.array(["a", "b"] * rows)[:rows].dictionary_encode(),
    lambda rows: pa.array(["=1+1\t\r\n", "\x1b[2J\u202e", "\0"] * rows)[:rows],
    lambda rows: pa.array(["x" * 1_100_000] + ["a"] * rows)[:rows],
]
METADATA = [
    "",
    "null",
    '{"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}}',
    '{"info": {"features": {"label": {"names": "sport", "_type": "ClassLabel"}}}}',
    '{"info": {"features": {"label": {"_type": "Nowhere"}, "text": 7}}}',
    '{"info": {"features": [[[]]]}}',
    "[" * 100_000,
]
BOMBS: list[Callable[[], bytes]] = [
    lambda: _file(pa.table({"text": _repeated("x" * 1_000_000, 1_000_000), "label": _repeated("a", 1_000_000)})),
    lambda: _file(pa.table({"text": ["a"] * 1000, "label": _repeated("y" * 50_000_000, 1000)})),
    lambda: _file(pa.table({"text": pa.nulls(50_000_000, pa.int8()), "label": pa.nulls(50_000_000, pa.int8())})),
    lambda: _file(pa.table({f"c{number}": pa.nulls(1) for number in range(5000)})),
    lambda: _file(pa.table({"text": pa.array([["x" * 1000] * 1000] * 100), "label": ["a"] * 100})),
]

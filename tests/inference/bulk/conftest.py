import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bbc_classifier.data.formats.write import write_table
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.inference.bulk.run import Bulk, predict_in_bulk
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.provenance import file_sha256

WORDS = ("the goal of match", "shares of the market", "a film of music")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder of three files of three formats, two hundred rows in all, of which five are bad."""
    folder = tmp_path / "news"
    folder.mkdir()
    rows = [{"id": f"n{row}", "text": f"{WORDS[row % 3]} {row}"} for row in range(195)]
    parquet.write_table(pa.table(pa.Table.from_pylist(rows[:100])), folder / "a.parquet", row_group_size=30)
    write_table(folder / "b.csv", pa.Table.from_pylist(rows[100:150]), line="text")
    with (folder / "b.csv").open("a") as file:
        file.write("n,one,two\n" + "n,\n" + 'n,"x"y\n')
    lines = [json.dumps(row) for row in rows[150:]]
    (folder / "c.jsonl").write_text("\n".join([*lines[:10], "{oops", *lines[10:], '{"id": "n", "text": 3}']) + "\n")
    return folder


@pytest.fixture
def predict(model_folder, inputs, tmp_path) -> Callable[..., Bulk]:
    """Return a caller that answers the inputs into a folder."""

    def call(output: str = "answers", **options: object) -> Bulk:
        text_column = options.pop("text_column", None)
        place = output if options.pop("output_as_it_is", False) else str(tmp_path / output)
        options = {"input": str(inputs), "model": str(model_folder), "shard_rows": 16, **options}
        return predict_in_bulk(PredictArguments(output=place, **options), ColumnArguments(text_column=text_column))

    return call


def answers(bulk: Bulk) -> list[dict]:
    """Return the rows of all shards, in the order of the shards."""
    return [row for shard in sorted(bulk.folder.shards.iterdir()) for row in parquet.read_table(shard).to_pylist()]


def bad_rows(bulk: Bulk) -> list[dict]:
    return [json.loads(line) for line in bulk.folder.bad_rows.read_text(encoding="utf-8").splitlines()]


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every shard, and of the bad rows."""
    files = [*sorted((folder / "shards").iterdir()), folder / "bad_rows.jsonl"]
    return {path.name: file_sha256(path) for path in files}

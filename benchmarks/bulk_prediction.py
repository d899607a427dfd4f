"""Memory and rate of `bbc-classifier predict --output_dir` by the number of rows.

The classifier is a tiny encoder with random weights and the tokenizer of MiniLM, so reading, tokenizing and writing are
measured rather than the encoder. Rows have 6 to 18 made-up words. Writes results/bulk_prediction.json.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet
from common import RESULTS, save_tiny_encoder, write_results
from transformers import AutoTokenizer

from bbc_classifier.inference.bulk import MANIFEST
from bbc_classifier.io import read_json
from bbc_classifier.model import PooledEncoderForSequenceClassification

LABELS = ["business", "entertainment", "politics", "sport", "tech"]
BLOCK_ROWS, SECONDS_BETWEEN = 10_000, 0.1


def save_classifier(path: Path) -> None:
    """Write a classifier of the tiny encoder."""
    encoder = save_tiny_encoder(path.with_name("encoder"))
    options = {"labels": LABELS, "pooling": "mean", "max_input_tokens": 64}
    PooledEncoderForSequenceClassification.from_encoder(str(encoder), **options).save_pretrained(path)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(path)


def write_rows(count: int, path: Path) -> None:
    """Write the rows as Parquet, some thousands at a time."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("etaoinshrdlcumwfgypbvk"), rng.integers(2, 9))) for _ in range(5_000)])
    with pa.parquet.ParquetWriter(path, pa.schema({"id": pa.string(), "text": pa.string()})) as file:
        for start in range(0, count, BLOCK_ROWS):
            numbers = range(start, min(count, start + BLOCK_ROWS))
            texts = [" ".join(rng.choice(words, rng.integers(6, 19))) for _ in numbers]
            file.write_table(pa.table({"id": [f"n{number}" for number in numbers], "text": texts}))


def measure(model: Path, rows: Path, output_dir: Path) -> dict[str, Any]:
    """Predict the rows with the command; return seconds, rate, and the peak resident memory of the process."""
    command = [sys.executable, "-m", "bbc_classifier", "predict", "--model", str(model)]
    started, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as log:
        command += ["--input", str(rows), "--output_dir", str(output_dir)]
        process = psutil.Popen(command, stdout=log, stderr=log)
        while process.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(SECONDS_BETWEEN)
        seconds = time.perf_counter() - started
        if process.wait():
            log.seek(0)
            raise RuntimeError(log.read().decode(errors="replace")[-2000:])
    counted = read_json(output_dir / MANIFEST)["rows"]
    return {
        "rows": counted,
        "file_mb": round(rows.stat().st_size / 2**20, 1),
        "seconds": round(seconds, 1),
        "rows_per_second": round(counted / seconds),
        "peak_memory_mb": round(peak / 2**20),
    }


def main() -> None:
    """Measure every number of rows and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="numbers of rows")
    parser.add_argument("--output_file", type=Path, default=RESULTS / "bulk_prediction.json", help="JSON to write")
    args = parser.parse_args()
    cases: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        save_classifier(directory / "model")
        for count in args.rows:
            rows = directory / f"rows-{count}.parquet"
            write_rows(count, rows)
            cases.append(measure(directory / "model", rows, directory / f"predictions-{count}"))
            print(cases[-1], flush=True)
            rows.unlink()
    write_results(args.output_file, {"cases": cases})


if __name__ == "__main__":
    main()

"""What bulk prediction takes as the rows become many: `python benchmarks/bulk_prediction.py`.

Short made-up rows in Parquet, CSV and JSON Lines, ten thousand to a million of each, answered by the command itself
into a folder. The classifier is a tiny encoder with random weights and MiniLM's tokenizer, so that what is measured is
the streaming and not the encoder. The resident memory of the process is looked at five times a second. Writes
`results/bulk-prediction.json` and `.png`.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
import torch
from matplotlib.figure import Figure
from transformers import AutoTokenizer, BertConfig

from bbc_classifier.figure_file import save_figure
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance
from bbc_classifier.records import read_json, write_json

RECORD = Path("results") / "bulk-prediction.json"
ROWS = (10_000, 100_000, 1_000_000)
FORMATS = ("parquet", "csv", "jsonl")
LABELS = ["business", "entertainment", "politics", "sport", "tech"]
WORDS, SHORTEST, LONGEST, SEED = 5_000, 6, 18, 0
ROWS_AT_ONCE, SECONDS_BETWEEN = 10_000, 0.2
# Layers, width, inner width, heads.
ENCODER = (1, 32, 64, 2)
SCHEMA = pa.schema({"id": pa.string(), "text": pa.string()})
COLOURS, MARKS = ("#0072B2", "#D55E00", "#009E73"), "osD"


def save_classifier(folder: Path) -> None:
    """Write the tiny classifier."""
    tokenizer = AutoTokenizer.from_pretrained(locate_encoder("minilm").path)
    layers, width, inner, heads = ENCODER
    encoder = BertConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=layers,
        hidden_size=width,
        intermediate_size=inner,
        num_attention_heads=heads,
    )
    names = dict(enumerate(LABELS))
    config = PooledEncoderConfig(
        encoder_config=encoder,
        id2label=names,
        label2id={name: index for index, name in names.items()},
        max_input_tokens=64,
    )
    torch.manual_seed(SEED)
    PooledEncoderForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def pieces(count: int) -> Iterator[pa.Table]:
    """Yield the rows, a piece at a time: six to eighteen words each."""
    rng = np.random.default_rng(SEED)
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(WORDS)])
    texts = (" ".join(words[rng.integers(0, WORDS, rng.integers(SHORTEST, LONGEST + 1))]) for _ in range(count))
    first = 0
    while piece := list(islice(texts, ROWS_AT_ONCE)):
        yield pa.table({"id": [f"n{first + row}" for row in range(len(piece))], "text": piece}, schema=SCHEMA)
        first += len(piece)


def write_rows(count: int, path: Path) -> None:
    """Write the rows in the format that the file's name ends in."""
    if path.suffix == ".parquet":
        with arrow_parquet.ParquetWriter(path, SCHEMA) as writer:
            for piece in pieces(count):
                writer.write_table(piece)
    elif path.suffix == ".csv":
        with arrow_csv.CSVWriter(path, SCHEMA) as writer:
            for piece in pieces(count):
                writer.write_table(piece)
    else:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for piece in pieces(count):
                file.writelines(json.dumps(row) + "\n" for row in piece.to_pylist())


def measure(model: Path, rows: Path, output: Path) -> dict[str, Any]:
    """Answer the rows; return seconds, peak memory, and the memory over time."""
    command = [sys.executable, "-m", "bbc_classifier", "predict", "--model", str(model)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--input", str(rows), "--output", str(output)], stderr=subprocess.DEVNULL)
    watched, curve, peak = psutil.Process(process.pid), [], 0
    while process.poll() is None:
        try:
            memory = watched.memory_info()
        except psutil.NoSuchProcess:
            break
        peak = max(peak, memory.rss)
        curve.append([round(time.perf_counter() - started, 1), round(memory.rss / 2**20)])
        time.sleep(SECONDS_BETWEEN)
    if process.wait():
        raise SystemExit(f"the command failed on {rows.name}")
    summary = read_json(output / "summary.json")
    return {
        "rows": summary["rows"],
        "file_mib": round(rows.stat().st_size / 2**20, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "answering_seconds": summary["seconds"],
        "peak_resident_mib": round(peak / 2**20),
        "resident_mib_over_seconds": curve[:: max(1, len(curve) // 200)],
    }


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw the peak by the number of rows, and the memory over time of the longest runs."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for form, colour, mark in zip(FORMATS, COLOURS, MARKS, strict=True):
        cases = record["cases"][form]
        left.plot(
            [case["rows"] for case in cases], [case["peak_resident_mib"] for case in cases], f"{mark}-", color=colour
        )
        seconds, memory = zip(*cases[-1]["resident_mib_over_seconds"], strict=True)
        right.plot(seconds, memory, color=colour, label=form)
    left.set_xscale("log")
    left.set_xticks(ROWS, [f"{rows:,}" for rows in ROWS])
    left.minorticks_off()
    left.set(
        xlabel="rows (logarithmic)", ylabel="resident memory in MiB", title="Peak by the number of rows", ylim=(0, None)
    )
    right.set(xlabel="seconds", title=f"Over time, {ROWS[-1]:,} rows")
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save_figure(figure, path)


if __name__ == "__main__":
    record: dict[str, Any] = {"cases": {form: [] for form in FORMATS}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_classifier(folder / "model")
        for form in FORMATS:
            for count in ROWS:
                rows = folder / f"rows-{count}.{form}"
                write_rows(count, rows)
                case = measure(folder / "model", rows, folder / f"answers-{count}-{form}")
                record["cases"][form].append(case)
                print(
                    "{rows:,} rows: {seconds:.0f} s, at most {peak_resident_mib:,} MiB".format(**case), form, flush=True
                )
                rows.unlink()
    record["provenance"] = provenance()
    write_json(RECORD, record)
    draw(record, RECORD.with_suffix(".png"))
    print(f"Written: {RECORD}, {RECORD.with_suffix('.png')}")

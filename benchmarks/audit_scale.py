"""What an audit costs at scale: exact duplicates among a million rows, and near duplicates among a hundred thousand.

`python benchmarks/audit_scale.py` writes `results/audit_scale.json`. The rows are news-like, about 300 words each,
drawn from 50,000 words by Zipf's law, with exact and near duplicates planted, and lie in a Parquet file that is read as
`--dataset` reads it. Each case runs in a process of its own. Tokens are not counted: how long that takes is the
tokenizer's affair.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from bbc_classifier.audit.distinct_texts import DistinctTexts, find_distinct_texts
from bbc_classifier.audit.findings import findings
from bbc_classifier.audit.lengths import TokenCounts
from bbc_classifier.audit.rows import read_rows
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.provenance import peak_memory_mib, provenance
from bbc_classifier.records import write_json

RECORD = Path("results") / "audit_scale.json"
CASES = {"exact, 1,000,000 rows": (1_000_000, False), "exact and near, 100,000 rows": (100_000, True)}
VOCABULARY = 50_000
LABELS = ["business", "entertainment", "politics", "sport", "tech"]
SCHEMA = pa.schema({"text": pa.string(), "label": pa.string()})
ROWS_AT_ONCE = 10_000
# Of every hundred rows the last one is an exact copy and the fiftieth a near copy of the one three rows before.
EVERY, NEAR_AT, EXACT_AT, BACK = 100, 49, 99, 3


def vocabulary(rng: np.random.Generator) -> np.ndarray:
    """Return words of two to eleven letters."""
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    return np.array(["".join(rng.choice(letters, rng.integers(2, 12))) + f"{n:x}" for n in range(VOCABULARY)])


def word_numbers(rng: np.random.Generator) -> np.ndarray:
    """Return the words of one text, by Zipf's law with exponent 1 (rank = size ** uniform), 100 words or more."""
    length = max(100, int(rng.lognormal(np.log(280), 0.4)))
    return np.floor(VOCABULARY ** rng.random(length)).astype(np.int64) - 1


def nearly(words: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a copy with a run of words replaced, as many as leave a Jaccard similarity of 0.8 or more.

    k new words in a row change k + 4 of n - 4 shingles: J = (n - 8 - k) / (n + k).
    """
    most = int((0.2 * len(words) - 8) / 1.8)
    run = rng.integers(1, most + 1)
    start = rng.integers(4, len(words) - run - 4)
    changed = words.copy()
    changed[start : start + run] = rng.integers(0, VOCABULARY, run)
    return changed


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield the rows; a copy differs from its original in case and punctuation too."""
    rng = np.random.default_rng(0)
    words = vocabulary(rng)
    recent: list[np.ndarray] = []
    for row in range(count):
        place = row % EVERY
        numbers = word_numbers(rng)
        if place in (NEAR_AT, EXACT_AT):
            numbers = nearly(recent[-BACK], rng) if place == NEAR_AT else recent[-BACK]
        recent = [*recent[1 - BACK :], numbers]
        text = " ".join(words[numbers])
        yield {"text": f"{text.upper()}!" if place == EXACT_AT else text, "label": LABELS[row % len(LABELS)]}


def write_rows(count: int, path: Path) -> None:
    """Write the rows as Parquet, a piece at a time."""
    left = rows(count)
    with arrow_parquet.ParquetWriter(path, SCHEMA) as writer:
        while piece := list(islice(left, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(piece, SCHEMA))


def measure(name: str, file: str) -> dict[str, Any]:
    """Audit the file of one case; return seconds, memory, and how much of what was planted was found."""
    count, near = CASES[name]
    before = peak_memory_mib()["resident"]
    times = [time.perf_counter()]
    table = open_source(DataArguments(dataset=file)).read()
    times.append(time.perf_counter())
    read = read_rows(table)
    times.append(time.perf_counter())
    texts = find_distinct_texts(table, read, near=near)
    times.append(time.perf_counter())
    findings(read, texts, TokenCounts("none", None, "not asked for"), DataArguments(near_duplicates=near))
    times.append(time.perf_counter())
    stages = dict(zip(("file", "rows", "duplicates", "findings"), np.diff(times).round(1).tolist(), strict=True))
    return {
        "seconds": {**stages, "all": round(times[-1] - times[0], 1)},
        "peak_memory_mib": {"before": before, "after": peak_memory_mib()["resident"]},
        "exact": planted_and_found(count, EXACT_AT, texts),
        "near": planted_and_found(count, NEAR_AT, texts) if near else None,
    }


def planted_and_found(count: int, place: int, texts: DistinctTexts) -> dict[str, int]:
    """Return how many copies were planted at a place of every hundred rows, how many were found, and what else was."""
    copies = np.arange(place, count, EVERY)
    one, other = texts.of_row[copies - BACK], texts.of_row[copies]
    if place == EXACT_AT:
        return {"planted": len(copies), "found": int((one == other).sum()), "all": int(count - len(texts))}
    pairs = {tuple(pair) for pair in texts.pairs.tolist()}
    found = sum(tuple(sorted(pair)) in pairs for pair in zip(one.tolist(), other.tolist(), strict=True))
    return {"planted": len(copies), "found": found, "all": len(pairs)}


if __name__ == "__main__":
    results = {}
    for name in CASES:
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=context) as pool:
            file = Path(folder) / "rows.parquet"
            write_rows(CASES[name][0], file)
            results[name] = pool.submit(measure, name, str(file)).result()
            results[name]["file_mib"] = round(file.stat().st_size / 2**20)
        seconds, memory = results[name]["seconds"]["all"], results[name]["peak_memory_mib"]["after"]
        print(f"{name}: {seconds:.0f} s, at most {memory:,.0f} MiB")
        for kind in ("exact", "near"):
            if results[name][kind]:
                print(
                    "  {}: found {found:,} of {planted:,} planted, {all:,} in all".format(kind, **results[name][kind])
                )
    write_json(RECORD, {"cases": results, "provenance": provenance()})
    print(f"Written: {RECORD}")

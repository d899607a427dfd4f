"""Bulk prediction of headlines with a real classifier: rate, memory, resuming after a kill, two processes, Ray.

Headlines are halves of BBC titles put together. Writes results/bulk_prediction.json.
"""

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet
from common import make_parser, write_results

from bbc_classifier import load_data
from bbc_classifier.config import PredictArguments
from bbc_classifier.inference.bulk import MANIFEST
from bbc_classifier.io import read_json

SECONDS_BETWEEN = 1.0


def write_headlines(count: int, path: Path) -> None:
    """Write so many rows as Parquet."""
    rng, words = np.random.default_rng(0), [text.split("\n")[0].split() for text in load_data()["train"]["text"]]
    pairs = rng.integers(len(words), size=(count, 2))
    texts = [" ".join(words[a][: len(words[a]) // 2] + words[b][len(words[b]) // 2 :]) for a, b in pairs]
    pa.parquet.write_table(pa.table({"id": range(count), "text": texts}), path)


def measure(options: list[str], output_dir: Path, threads: int, processes: int = 1, kill_at: int = 0) -> dict[str, Any]:
    """Predict with the command; return seconds and the memory of its processes once a second, in MB.

    With `kill_at` it is killed as soon as so many shards are written.
    """
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    command = [sys.executable, *launch, "-m", "bbc_classifier", "predict", *options, "--output_dir", str(output_dir)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    started, memory = time.perf_counter(), list[int]()
    process = psutil.Popen(command, env=environment)
    while process.poll() is None:
        tree = [process, *process.children(recursive=True)]
        memory.append(round(sum(each.memory_info().rss for each in tree if each.is_running()) / 2**20))
        if kill_at and len(list(output_dir.glob("progress/*.json"))) >= kill_at:
            process.kill()
        time.sleep(SECONDS_BETWEEN)
    if process.wait() and not kill_at:
        raise SystemExit(f"{command} failed")
    return {"seconds": round(time.perf_counter() - started, 1), "memory_mb": memory}


def shards_digest(output_dir: Path) -> str:
    """Return the hash of the rows of all shards in their order."""
    tables = [pa.parquet.read_table(path) for path in sorted((output_dir / "shards").iterdir())]
    return hashlib.sha256(repr(pa.concat_tables(tables).to_pydict()).encode()).hexdigest()


def main() -> None:
    """Measure and write the results."""
    parser = make_parser(__doc__, "bulk_prediction.json")
    parser.add_argument("--model", default=PredictArguments.model, help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=100_000, help="default: %(default)s")
    args = parser.parse_args()
    cores, cases = os.cpu_count() or 1, dict[str, Any]()
    with tempfile.TemporaryDirectory() as name:
        rows, directory = Path(name) / "headlines.parquet", Path(name)
        write_headlines(args.rows, rows)
        options = ["--model", args.model, "--input", str(rows)]
        cases["all cores"] = measure(options, directory / "whole", threads=cores)
        half = read_json(directory / "whole" / MANIFEST)["shards"][-1]["shard"] // 2
        cases["killed"] = measure(options, directory / "killed", threads=cores, kill_at=half)
        cases["resumed"] = measure(options, directory / "killed", threads=cores)
        equal = shards_digest(directory / "killed") == shards_digest(directory / "whole")
        cases["one process, one thread"] = measure(options, directory / "one", threads=1)
        cases["two processes, one thread each"] = measure(options, directory / "two", threads=1, processes=2)
        ray = ["--engine", "ray", "--cpus_per_worker", "1"]
        cases["Ray, one CPU a worker"] = measure([*options, *ray], directory / "ray", threads=1)
        manifest = read_json(directory / "whole" / MANIFEST)
    for name, case in cases.items():
        print(f"{name:32} {case['seconds']:7.1f} s, {max(case['memory_mb']):,} MB")
    record = {"rows": manifest["rows"], "precision": manifest["request"]["--precision"], "resumed_equal": equal}
    write_results(args.output_file, {**record, "cases": cases})


if __name__ == "__main__":
    main()

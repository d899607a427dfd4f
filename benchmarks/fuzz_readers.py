"""A thousand damaged files and more for every reader, through the commands that read them.

`python -m benchmarks.fuzz_readers` writes `results/fuzz.json`. Each case is a copy of whole files of which one is
damaged, by a seed, a name and a number: bits, cuts, doubled blocks, values of another kind, names of every script, and
small files that unpack to huge ones. The command runs in a process that may take 2 GiB more than it has when it starts.
A fault is a traceback or a message without a reason, a second sentence, a hang, a crash, something left behind, or too
much memory.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bbc_classifier.provenance import commit, provenance
from bbc_classifier.records import read_json, write_json
from tests.fuzzing.readers import READERS
from tests.fuzzing.specimens import make_all
from tests.fuzzing.watched import Watched

# Before the record itself is changed.
COMMIT = commit()
RECORD = Path("results") / "fuzz.json"


def fuzz(watched: Watched, name: str, cases: int, seed: int) -> dict[str, Any]:
    """Run the cases of one reader; every fault is printed with what brings it back."""
    started = time.perf_counter()
    codes: Counter[str] = Counter()
    accepted, longest, peak, faults = 0, 0.0, 0.0, 0
    for number in range(cases):
        outcome = watched.run(name, number, seed)
        codes[str(outcome["code"])] += 1
        accepted += outcome["accepted"]
        longest, peak = max(longest, outcome["seconds"]), max(peak, outcome["peak_mib"])
        for fault in outcome["faults"]:
            faults += 1
            print(f"{name}, case {number}, seed {seed}: {fault}", flush=True)
    return {
        "kind": READERS[name].kind,
        "commit": COMMIT,
        "seed": seed,
        "cases": cases,
        "accepted": accepted,
        "exit_codes": dict(sorted(codes.items())),
        "faults": faults,
        "longest_seconds": round(longest, 2),
        "peak_mib": round(peak, 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def write_down(name: str, outcome: dict[str, Any]) -> None:
    """Put what came of a reader into the record, in the place of what was there of it; the others stay."""
    readers = (read_json(RECORD)["readers"] if RECORD.is_file() else {}) | {name: outcome}
    ordered = {name: readers[name] for name in READERS if name in readers}
    total = sum(each["cases"] for each in ordered.values())
    write_json(RECORD, {"cases": total, "readers": ordered, "provenance": {**provenance(), "commit": COMMIT}})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--readers", nargs="+", default=list(READERS), choices=list(READERS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Watched(make_all(Path(folder))) as worker:
        for reader in options.readers:
            outcome = fuzz(worker, reader, options.cases, options.seed)
            write_down(reader, outcome)
            print(f"{reader}: {outcome}", flush=True)
    print(f"Written: {RECORD}")

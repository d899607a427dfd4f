"""Faults, each caused for real, and what came of them: `python benchmarks/faults.py`.

Without names all cases run, half an hour's worth on two cores; with names, these alone, and the others' entries in
`results/faults.json` stay. The table of `docs/faults.md` is written from that record. What a machine cannot cause
(disks and mounts need Linux and root, the clock `faketime`, a locale `localedef`) is said and left out.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fault_cases.damage import damaged_checkpoints, damaged_classifier, damaged_export
from fault_cases.full_disk import full_disk
from fault_cases.full_disk_prediction import full_disk_prediction
from fault_cases.killed_comparison import killed_comparison
from fault_cases.killed_prediction import killed_prediction
from fault_cases.killed_training import killed_training
from fault_cases.little_memory import little_memory
from fault_cases.material import make_material
from fault_cases.odd_surroundings import odd_surroundings
from fault_cases.signalled import signalled
from fault_cases.small_disk import why_no_small_disk
from fault_cases.table import PAGE, SCRIPT, faults_table

from bbc_classifier.marked_section import write_marked_section
from bbc_classifier.provenance import provenance
from bbc_classifier.records import read_json, write_json

RECORD = Path("results") / "faults.json"
SEED = 42


def cases(kills: int, times: int) -> dict[str, Callable[..., dict[str, Any]]]:
    """Return each case by its name: from material and folder to what came of it."""
    return {
        "training killed": partial(killed_training, kills=kills, seed=SEED),
        "comparison killed": partial(killed_comparison, kills=kills, seed=SEED),
        "bulk prediction killed": partial(killed_prediction, kills=kills, seed=SEED),
        "SIGTERM and Ctrl-C": partial(signalled, times=max(1, times // 2), seed=SEED),
        "disk full": partial(full_disk, times=times, seed=SEED),
        "disk full, bulk prediction": partial(full_disk_prediction, times=times, seed=SEED),
        "checkpoint damaged": partial(damaged_checkpoints, times=times, seed=SEED),
        "classifier damaged": partial(damaged_classifier, times=10 * times, seed=SEED),
        "export damaged": partial(damaged_export, times=5 * times, seed=SEED),
        "memory too small": little_memory,
        "odd surroundings": odd_surroundings,
    }


def main() -> None:
    """Run the cases, and write record and table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"Of {', '.join(cases(0, 0))}; none is all.")
    parser.add_argument("--kills", type=int, default=30, help="Kills of trainings, of comparisons, and of predictions.")
    parser.add_argument("--times", type=int, default=4, help="How often each other fault is caused.")
    options = parser.parse_args()
    every = cases(options.kills, options.times)
    if unknown := set(options.names) - set(every):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Before the record is written: it is a file of the checkout itself.
    origin = provenance()
    record = read_json(RECORD) if RECORD.is_file() else {"schema": 1, "cases": {}}
    for name in options.names or every:
        if name.startswith("disk full") and (reason := why_no_small_disk()):
            print(f"{name}: left out: {reason}", flush=True)
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            work.mkdir()
            result = every[name](make_material(Path(folder)), work)
        seconds = round(time.perf_counter() - started)
        record["cases"][name] = {**result, "seconds": seconds, "provenance": origin}
        record["cases"] = {known: record["cases"][known] for known in every if known in record["cases"]}
        write_json(RECORD, record)
        print(f"{name}, {result['times']} times, {seconds} s: {result['happened']}", flush=True)
    write_marked_section(PAGE, "faults", SCRIPT, faults_table(record))
    print(f"Written: {RECORD} and {PAGE}")


if __name__ == "__main__":
    main()

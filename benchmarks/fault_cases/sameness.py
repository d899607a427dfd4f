"""Whether what a disturbed command left is what an undisturbed one left: byte for byte, but for times."""

from pathlib import Path
from typing import Any

from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json

# Whose content tells when and how fast it was made; they are compared by what else they say, or not at all.
TIMED = ("record.json", "history.json", "results.json", "results.csv", "report.md", "report.html")
# What a record says of the process, not of the result. The mean training loss is that of the last process.
OF_THE_PROCESS = {"created", "seconds", "peak_memory_mib", "provenance"}


def differences(whole: Path, other: Path) -> list[str]:
    """Return the files that are in one folder alone, or differ; an interrupted file's leftover is one of them."""
    left, right = _content(whole), _content(other)
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def leftovers(folder: Path) -> list[str]:
    """Return the hidden files beside a folder that belong to it."""
    return sorted(path.name for path in folder.parent.glob(f".{folder.name}.*"))


def _content(folder: Path) -> dict[str, Any]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: _said(path) if path.name in TIMED else file_sha256(path) for name, path in files.items()}


def _said(path: Path) -> Any:
    if path.name == "record.json":
        return _of_record(read_json(path))
    if path.name == "history.json":
        rows = [row for row in read_json(path) if "train_runtime" not in row]
        return [{name: value for name, value in row.items() if not _is_timed(name)} for row in rows]
    if path.name == "results.json":
        content = read_json(path)
        rows = [{**row, "cost": None} for row in content["configurations"]]
        kept = ("protocol", "labels", "verdict", "pairs", "pooling_effects", "encoder_effects", "hardest", "classes")
        return {**{name: content[name] for name in kept}, "configurations": rows}
    return "there"


def _of_record(record: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in OF_THE_PROCESS}
    if "training" in kept:
        training = {**kept["training"]}
        for name in ("resumed", "final_train_loss"):
            del training[name]
        kept["training"] = training
    sides = {side: {**report, "seconds": None} for side, report in kept["evaluation"].items()}
    return {**kept, "evaluation": sides}


def _is_timed(name: str) -> bool:
    return name.endswith(("runtime", "per_second"))

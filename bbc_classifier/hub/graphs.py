"""The ONNX graphs that were exported from a run, for those who publish them beside the weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.export.layout import GRAPH_FILES, RUN_EXPORTS
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json
from bbc_classifier.shapes import COUNT, NUMBER, SHA256, one_of, refuse_other_shape

EXPORT = "export.json"
SHAPE = {
    "original": {"weights_sha256": SHA256},
    "exported": {"weights_sha256": SHA256, "weights_bytes": COUNT},
    "measured": {"n": COUNT, "agreement": NUMBER, "accuracy?": (None, {"change": NUMBER})},
}


def exported_graphs(run: FinishedRun) -> dict[str, dict[str, Any]]:
    """Return the record of each ONNX export of the run, by the path of its graph in a repository.

    Raises:
        InputError: There is none, one is of other weights, or its record is damaged.
    """
    records = {}
    for form, path in GRAPH_FILES.items():
        file = run.folder / RUN_EXPORTS / form / EXPORT
        if file.is_file():
            records[path] = read_json(file)
            refuse_other_shape(f"'{file}'", records[path], {**SHAPE, "format": one_of([form])})
            _refuse_other_weights(run, form, records[path])
    if not records:
        command = f"bbc-classifier export {run.folder} --format onnx"
        raise InputError(f"--onnx: '{run.folder}' has no ONNX export; make one with: {command}")
    return records


def graph_files(run: FinishedRun, graphs: Mapping[str, Mapping[str, Any]]) -> dict[str, Path]:
    """Return where each graph lies, by its path in a repository."""
    return {path: run.folder / RUN_EXPORTS / record["format"] / path for path, record in graphs.items()}


def _refuse_other_weights(run: FinishedRun, form: str, record: Mapping[str, Any]) -> None:
    folder = run.folder / RUN_EXPORTS / form
    again = f"add --overwrite to: bbc-classifier export {run.folder} --format {form}"
    if record["original"]["weights_sha256"] != run.record["model"]["weights_sha256"]:
        raise InputError(f"--onnx: the export in '{folder}' is of other weights; {again}")
    graph = folder / GRAPH_FILES[form]
    if not graph.is_file() or file_sha256(graph) != record["exported"]["weights_sha256"]:
        raise InputError(f"--onnx: '{graph}' is not the graph that {EXPORT} describes; {again}")

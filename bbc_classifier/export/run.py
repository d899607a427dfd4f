"""One function: a classifier and options in, a finished exported folder out."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from bbc_classifier.described_files import described
from bbc_classifier.errors import InputError
from bbc_classifier.export.layout import CONTENTS, RUN_EXPORTS, WEIGHT_FILES
from bbc_classifier.export.onnx_folder import export_onnx
from bbc_classifier.export.options import ExportArguments
from bbc_classifier.export.stock_class import export_stock_class
from bbc_classifier.folders import check_output_folder, folder_written_whole
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.provenance import file_sha256, provenance, settings_sha256
from bbc_classifier.records import write_json

SCHEMA = 1


def export_folder(run: str, options: ExportArguments) -> Path:
    """Return the folder to write, which is free or may be replaced.

    Raises:
        InputError: It is not.
    """
    folder = Path(options.output_dir) if options.output_dir else _default_folder(run, options.format)
    if Path(run).is_dir() and folder.resolve() in (Path(run).resolve(), *Path(run).resolve().parents):
        raise InputError(f"--output_dir: '{folder}' holds the classifier that is to be exported; choose another folder")
    check_output_folder(folder, overwrite=options.overwrite, kind="export", contents=CONTENTS | _described(folder))
    return folder


def export(
    model: PooledEncoderForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    weights: Path | None,
    folder: Path,
    options: ExportArguments,
    measure: Callable[[Path], dict[str, Any]],
) -> dict[str, Any]:
    """Write the classifier in the format asked for, checked and measured, whole or not at all.

    Args:
        model: The classifier, in float32, in evaluation mode.
        tokenizer: Its tokenizer.
        weights: The file that the model was loaded from, if there is one.
        folder: What `export_folder` returned.
        options: The format.
        measure: From the exported folder to what its answers are against those of the original.

    Returns:
        The record, as it is in `export.json`.

    Raises:
        InputError: The format cannot hold the classifier, a library is missing, or the logits would be others.
        WorldError: The folder cannot be written.
    """
    with folder_written_whole(folder) as beside:
        if options.format == "transformers":
            logits = export_stock_class(model, tokenizer, beside)
        else:
            logits = export_onnx(model, tokenizer, beside, options.format)
        record = {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "format": options.format,
            "logits": logits,
            "original": _weights(weights) if weights else None,
            "exported": {
                **_weights(beside / WEIGHT_FILES[options.format]),
                "settings_sha256": settings_sha256(beside),
            },
            "measured": measure(beside),
            "provenance": provenance(),
        }
        write_json(beside / "export.json", record)
    return record


def _described(folder: Path) -> set[str]:
    """Return what an earlier export here says that it holds, whatever a tokenizer may call its files."""
    try:
        return set(described(folder / "export.json").settings)
    except (InputError, OSError):
        return set()


def _weights(path: Path) -> dict[str, Any]:
    return {"weights_sha256": file_sha256(path), "weights_bytes": path.stat().st_size}


def _default_folder(run: str, form: str) -> Path:
    """Return RUN/export/<format>, or of what is no run folder, exports/<name>-<format>."""
    path = Path(run)
    if path.name == "model" and (path.parent / "record.json").is_file():
        path = path.parent
    if (path / "record.json").is_file():
        return path / RUN_EXPORTS / form
    return Path("exports") / f"{path.resolve().name if path.is_dir() else path.name}-{form}"

"""The record of a finished run, assembled from what each stage knows. Its schema is docs/run-folder.md."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bbc_classifier.data.articles import Articles
from bbc_classifier.evaluation.calibration import Calibration
from bbc_classifier.provenance import file_sha256, peak_memory_mib, settings_sha256
from bbc_classifier.training.arguments import ModelArguments
from bbc_classifier.training.run_folder import RunFolder
from bbc_classifier.training.starting_point import encoder_record
from bbc_classifier.training.trainer import ClassifierTrainer

SCHEMA = 1


class Clock:
    """Wall-clock seconds of the stages of a run, one after the other."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Note that `stage` ends now."""
        now = time.perf_counter()
        self._laps[stage], self._last = now - self._last, now

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage and in all."""
        laps = {**self._laps, "total": self._last - self._started}
        return {stage: round(seconds, 2) for stage, seconds in laps.items()}


def run_record(
    *,
    folder: RunFolder,
    options: dict[str, Any],
    model_options: ModelArguments,
    articles: Articles,
    parameters: int,
    truncated_share: dict[str, float],
    trainer: ClassifierTrainer,
    train_loss: float | None,
    resumed: bool,
    refitted: bool,
    shares_reading: bool,
    calibration: Calibration,
    reports: dict[str, Any],
    examples: list[dict[str, Any]],
    clock: Clock,
    origin: dict[str, Any],
) -> dict[str, Any]:
    """Return the record as plain data. `origin` is the provenance, taken when the run started."""
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options,
        "encoder": encoder_record(model_options),
        "model": {
            "parameters": parameters,
            "weights_sha256": file_sha256(folder.model / "model.safetensors"),
            "weights_bytes": (folder.model / "model.safetensors").stat().st_size,
            "settings_sha256": settings_sha256(folder.model),
            "labels": articles.label_names,
        },
        "data": {
            **articles.provenance,
            **articles.counts(),
            "split_fingerprint": articles.split.fingerprint,
            "truncated_share": truncated_share,
        },
        "training": {
            **training_figures(trainer),
            "final_train_loss": train_loss,
            "resumed": resumed,
            "refitted": refitted,
            "shares_reading": shares_reading,
        },
        "problem_type": trainer.model.config.problem_type,
        "temperature": calibration.temperature,
        "thresholds": _by_label(articles.label_names, calibration.thresholds),
        "evaluation": reports,
        "examples": examples,
        "seconds": clock.seconds(),
        "peak_memory_mib": peak_memory_mib(),
        "provenance": origin,
    }


def _by_label(names: list[str], thresholds: list[float] | None) -> dict[str, float] | None:
    return None if thresholds is None else dict(zip(names, thresholds, strict=True))


def training_figures(trainer: ClassifierTrainer) -> dict[str, Any]:
    """Return on what the Trainer ran, how far, and which step it chose."""
    arguments, state = trainer.args, trainer.state
    # The library notes the best step also where the last one is kept.
    keeps_best = arguments.load_best_model_at_end
    best = state.best_model_checkpoint if keeps_best else None
    return {
        "precision": arguments.precision,
        "attention": trainer.model.config._attn_implementation,
        "device": str(arguments.device),
        "processes": arguments.world_size,
        "steps": state.global_step,
        "epochs": state.epoch,
        "best_step": int(Path(best).name.rpartition("-")[2]) if best else state.global_step,
        "best_value": state.best_metric if keeps_best else None,
    }

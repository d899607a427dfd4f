"""One function: options in, finished run out. Every door (command line, launcher, script, Python) leads here."""

import copy
import logging
import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from transformers import PreTrainedTokenizerBase, enable_full_determinism, set_seed

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.encode import EncodedTexts, encode_texts
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.calibration import fit_temperature
from bbc_classifier.evaluation.checkpoint import SIDES, evaluate_side
from bbc_classifier.evaluation.figures import draw_learning_curves
from bbc_classifier.inference.batching import predict_logits
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.model import PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import file_sha256, peak_memory_mib, provenance
from bbc_classifier.records import write_json
from bbc_classifier.training.arguments import (
    ClassifierTrainingArguments,
    ModelArguments,
    default_output_dir,
    shaping_options,
)
from bbc_classifier.training.run_folder import RunFolder
from bbc_classifier.training.starting_point import balanced_weights, encoder_record, start_model, start_tokenizer
from bbc_classifier.training.trainer import ClassifierTrainer, build_trainer

logger = logging.getLogger(__name__)

SCHEMA = 1


def train(
    model_options: ModelArguments, data_options: DataArguments, arguments: ClassifierTrainingArguments
) -> RunFolder:
    """Fine-tune, choose the best checkpoint, calibrate, save, reload, evaluate, and write the run folder.

    A finished run with the same options is left as it is and returned. On several processes all of them train, and the
    first one does everything after that.

    Raises:
        InputError: An option or pair of options is not legal, or the run folder holds something else.
        WorldError: The encoder cannot be fetched, or the run folder cannot be written.
    """
    folder = RunFolder(_output_dir(model_options, arguments))
    options = {
        "model": asdict(model_options),
        "data": asdict(data_options),
        "training": shaping_options(arguments),
    }
    state = PartialState()
    if state.is_main_process and arguments.overwrite:
        folder.clear()
    state.wait_for_everyone()
    if folder.has_finished_with(options):
        return folder
    checkpoint = folder.checkpoint_to_resume(arguments.resume_from_checkpoint)
    leftover = _first_missing(folder.path)
    arguments = copy.copy(arguments)
    arguments.output_dir = str(folder.checkpoints)
    state.wait_for_everyone()
    try:
        _run(folder, model_options, data_options, arguments, options, checkpoint)
    except InputError:
        if state.is_main_process and leftover is not None:
            shutil.rmtree(leftover, ignore_errors=True)
        raise
    return folder


def _first_missing(path: Path) -> Path | None:
    """Return the outermost folder of `path` that does not exist yet, or None where all do."""
    return next((folder for folder in [*reversed(path.parents), path] if not folder.exists()), None)


def _output_dir(model_options: ModelArguments, arguments: ClassifierTrainingArguments) -> Path:
    if arguments.output_dir is not None:
        return Path(arguments.output_dir)
    try:
        encoder = locate_encoder(model_options.encoder).name
    except PooledEncoderError as error:
        raise InputError(f"--encoder: {error}") from error
    return default_output_dir(encoder, model_options.pooling, arguments.seed)


def _run(
    folder: RunFolder,
    model_options: ModelArguments,
    data_options: DataArguments,
    arguments: ClassifierTrainingArguments,
    options: dict[str, Any],
    checkpoint: str | None,
) -> None:
    started, origin = time.perf_counter(), provenance()
    articles = load_articles(data_options)
    _log_data(articles)
    (enable_full_determinism if arguments.full_determinism else set_seed)(arguments.seed)
    train_side = articles.side("train")
    weights = balanced_weights(list(train_side["label"]), len(articles.label_names))
    model = start_model(
        model_options,
        data_options,
        articles.label_names,
        class_weights=weights if model_options.class_weights == "balanced" else None,
        label_smoothing=arguments.label_smoothing_factor,
    )
    tokenizer = start_tokenizer(model_options, data_options.max_length)
    encoded = {side: _encode(tokenizer, articles, side, data_options) for side in ("train", "validation")}
    rows = {side: encoded[side].rows(list(articles.side(side)["label"])) for side in encoded}
    if PartialState().is_main_process:
        folder.begin(options)
    trainer = build_trainer(model, tokenizer, arguments, rows["train"], rows["validation"])
    prepared = time.perf_counter()
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    trained = time.perf_counter()
    if not trainer.is_world_process_zero():
        return
    temperature = _calibrate(model, tokenizer, encoded["validation"], rows["validation"])
    _save(folder, model, tokenizer)
    reports = _evaluate(folder, articles)
    write_json(folder.history, trainer.state.log_history)
    articles.split.save(folder.split)
    draw_learning_curves(trainer.state.log_history, folder.figures / "learning_curves.png")
    folder.finish(
        {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "options": options,
            "encoder": encoder_record(model_options),
            "model": {
                "parameters": sum(parameter.numel() for parameter in model.parameters()),
                "weights_sha256": file_sha256(folder.model / "model.safetensors"),
                "labels": articles.label_names,
            },
            "data": {
                **articles.provenance,
                **articles.counts(),
                "split_fingerprint": articles.split.fingerprint,
                "truncated_share": {side: encoded[side].truncated_share for side in encoded}
                | {"test": reports["test"]["truncated_share"]},
            },
            "training": _training_record(trainer, outcome.metrics, checkpoint),
            "temperature": temperature,
            "evaluation": reports,
            "seconds": {
                "prepare": round(prepared - started, 2),
                "train": round(trained - prepared, 2),
                "calibrate_save_evaluate": round(time.perf_counter() - trained, 2),
                "total": round(time.perf_counter() - started, 2),
            },
            "peak_memory_mib": peak_memory_mib(),
            "provenance": origin,
        }
    )


def _encode(tokenizer: PreTrainedTokenizerBase, articles: Articles, side: str, options: DataArguments) -> EncodedTexts:
    return encode_texts(tokenizer, list(articles.side(side)["text"]), options.max_length, options.truncation)


def _calibrate(
    model: PooledEncoderForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    validation: EncodedTexts,
    rows: list[dict[str, Any]],
) -> float:
    """Fit the temperature on validation and fold it into the head; return it."""
    logits = predict_logits(model, validation.input_ids, tokenizer.pad_token_id)
    temperature = fit_temperature(logits, np.array([row["labels"] for row in rows]))
    model.fold_temperature(temperature)
    return temperature


def _save(folder: RunFolder, model: PooledEncoderForSequenceClassification, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write the classifier beside its place and rename it, so that `model/` is never half there."""
    beside = folder.path / ".model.partial"
    shutil.rmtree(beside, ignore_errors=True)
    model.save_pretrained(beside)
    tokenizer.save_pretrained(beside)
    shutil.rmtree(folder.model, ignore_errors=True)
    beside.rename(folder.model)


def _evaluate(folder: RunFolder, articles: Articles) -> dict[str, Any]:
    """Reload the saved classifier and evaluate it; nothing after this changes the weights."""
    classifier = NewsClassifier.from_pretrained(str(folder.model))
    return {side: evaluate_side(classifier, articles, side, folder.path) for side in SIDES}


def _training_record(trainer: ClassifierTrainer, metrics: dict[str, float], checkpoint: str | None) -> dict[str, Any]:
    arguments, state = trainer.args, trainer.state
    best = state.best_model_checkpoint
    return {
        "precision": arguments.precision,
        "device": str(arguments.device),
        "processes": arguments.world_size,
        "steps": state.global_step,
        "epochs": state.epoch,
        "best_step": int(Path(best).name.rpartition("-")[2]) if best else state.global_step,
        "best_value": state.best_metric,
        "final_train_loss": metrics["train_loss"],
        "resumed": checkpoint is not None,
    }


def _log_data(articles: Articles) -> None:
    counts = articles.counts()
    logger.info(
        "%s: %d articles, %d exact duplicates dropped; %d train, %d validation, %d test",
        articles.provenance["name"],
        counts["rows"],
        counts["exact_duplicates_dropped"],
        *(sum(counts["sides"][side].values()) for side in ("train", "validation", "test")),
    )

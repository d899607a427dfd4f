"""One function from options to a finished run: `train`. The command, the script and the launchers all call it."""

import copy
import json
import logging
import math
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import try_to_load_from_cache
from transformers import AutoConfig, PreTrainedTokenizerBase, TrainerCallback, enable_full_determinism, set_seed
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from bbc_classifier.config import (
    IN_MEMORY,
    DataArguments,
    ModelArguments,
    TrainArguments,
    hyperparameters,
    import_pooling_module,
    resolve_recipe,
)
from bbc_classifier.data.duplicates import text_hash
from bbc_classifier.data.loading import LoadedData, labels_to_array, load_splits, with_excerpts
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.baselines import run_baseline
from bbc_classifier.evaluation.calibration import (
    choose_reading_threshold,
    fit_temperature,
    fit_thresholds,
    suggest_min_confidence,
)
from bbc_classifier.evaluation.evaluate import evaluate_split, predict_examples
from bbc_classifier.inference.classifier import (
    Predictor,
    choose_precision,
    encode,
    hub_errors,
    keep_freed_memory,
    load_tokenizer,
    opening,
    sigmoid,
    softmax,
    tokenize,
)
from bbc_classifier.io import atomic_write, directory_lock, file_sha256, prepare_output_dir, read_json, slug, write_json
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification, locate_encoder
from bbc_classifier.plots import plot_learning_curves
from bbc_classifier.provenance import Timer, environment, peak_memory_mb, record_header, without_local_paths
from bbc_classifier.training.linear_probe import PENALTY_BEFORE_TRAINING, choose_penalty, fit_linear_probe, head_logits
from bbc_classifier.training.run_dir import RunDirectory
from bbc_classifier.training.trainer import (
    ClassifierTrainer,
    ComputeMetrics,
    StopOnSignal,
    TokenizedRows,
    explained_failures,
    restore_finished_training,
    training_arguments,
    training_attention,
    validate_metric,
    validate_training,
    weight_changes,
)

# The splits that training reads; nothing but the final evaluation reads the test split.
FITTED_SPLITS = ("train", "validation")
# Tokens of a text that adaptive reading reads first, and on which the head is fitted before a training.
OPENING_TOKENS = 64
# What the record shows beside every single-label run, unless there are more training rows, or rows times labels.
BASELINE, MAX_BASELINE_ROWS, MAX_BASELINE_SIZE = "tfidf-logistic", 50_000, 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class TrainResult:
    """A finished run: its directory and record."""

    run_dir: RunDirectory
    record: dict[str, Any]  # the content of record.json; empty on all processes but the first
    is_new: bool = True  # False: it was finished before, with the same options
    is_main_process: bool = True  # the one that evaluates and writes

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics on the test split; on validation without one."""
        evaluation = self.record.get("evaluation", {"test": {"metrics": {}}})
        return evaluation["test" if "test" in evaluation else "validation"]["metrics"]

    def __repr__(self) -> str:
        shown = "".join(f", {name} {value:.4f}" for name, value in list(self.metrics.items())[:1])
        return f"TrainResult('{self.run_dir.path}'{shown})"


def train(
    model_args: ModelArguments | None = None,
    data_args: DataArguments | None = None,
    training_args: TrainArguments | None = None,
    *,
    dataset: Any = None,
    compute_metrics: ComputeMetrics | None = None,
    callbacks: Sequence[TrainerCallback | type[TrainerCallback]] = (),
) -> TrainResult:
    """Fine-tune a classifier, calibrate it on validation, save it, evaluate it reloaded, and record it.

    A finished run with the same options is returned as it is. All processes of `torchrun` or `accelerate launch` train;
    the first one does everything after that.

    Args:
        model_args: Encoder, pooling and head. None means the defaults, here and below.
        data_args: Data set and splits.
        training_args: Training, and the run directory.
        dataset: Data in memory in place of `data_args.dataset`, as `load_splits` takes it.
        compute_metrics: More metrics of the validation rows, from their logits and labels; `metric_for_best_model` can
            name one of them.
        callbacks: More callbacks of the Trainer.

    Raises:
        UserError: An option, the data or the run directory is not valid.
        EnvironmentFailure: The Hub cannot be reached, or memory or disk space ran out.
        TrainingDivergedError: The loss or gradient norm is NaN, infinite or too large, or the encoder did not change.
        Interrupted: A signal stopped it after a checkpoint was written.
    """
    timer, provenance = Timer(), environment()
    if training_args and training_args.overwrite and training_args.resume_from_checkpoint not in (None, "false"):
        raise UserError("--overwrite and --resume_from_checkpoint exclude each other")
    model_args, data_args, args = resolve_options(model_args, data_args, training_args)
    if dataset is not None and not isinstance(dataset, LoadedData):
        data_args = replace(data_args, dataset=IN_MEMORY)
    data_name = Path(data_args.train_file or data_args.dataset).name
    prefix = "" if data_name == DataArguments.dataset else f"{slug(data_name)}-"
    name = f"{prefix}{find_encoder(model_args).name}-{model_args.pooling}-seed{args.seed}"
    run = RunDirectory(args.output_dir or Path("runs") / name)
    trainer_args = training_arguments(args, run.checkpoints)
    is_main, device = trainer_args.process_index == 0, trainer_args.device
    precision = choose_precision(args.precision or "auto", device.type)
    warn_if_single_process()
    prepare_output_dir("--output_dir", run.path, overwrite=True, marker=run.options.name)
    with directory_lock(run.path, "training") if is_main else nullcontext():
        data = load_splits(data_args, dataset)
        if args.push_to_hub and not len(data.dataset["test"]):
            raise UserError("--push_to_hub: a model card states test results, but --test_fraction 0 leaves no test row")
        if compute_metrics is None:
            validate_metric(args.metric_for_best_model, data.multi_label)
        identity = {name: data.info[name] for name in ("identity", "split_fingerprint")}
        options = hyperparameters(model_args, data_args, args) | {"dataset": {**identity, "labels": data.label_names}}
        if not args.overwrite and run.is_finished_with(options):
            return TrainResult(run, read_json(run.record), is_new=False, is_main_process=is_main)
        resumes = args.trains_encoder and not args.overwrite
        checkpoint = run.checkpoint_to_resume(args.resume_from_checkpoint) if resumes else None

        # The seed comes before the model, whose head is drawn from the global random state.
        (enable_full_determinism if trainer_args.full_determinism else set_seed)(args.seed)
        # Deterministic mode would also fill every new tensor: a thousand kernels a step, which only help debugging.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        model, tokenizer = build_model(model_args, data_args, args, data)
        model.to(device)
        keep_freed_memory()
        train_config = copy.copy(model.config)
        if args.trains_encoder and args.train_max_length:
            train_config.max_input_tokens = min(args.train_max_length, data_args.max_length or 0)
        train_rows = tokenize_split(data, "train", tokenizer, train_config, data_args.excerpts or ())
        validation_rows = tokenize_split(data, "validation", tokenizer, model.config, data_args.excerpts or ())
        num_validation = len(data.dataset["validation"])
        encode_rows = partial(encode, model, pad_token_id=tokenizer.pad_token_id, progress=not args.disable_tqdm)
        # A multi-label threshold lies between two rows, so validation rows are encoded in the precision of predictions.
        validation_precision = "fp32" if data.multi_label else precision
        trainer_args.distributed_state.wait_for_everyone()  # all processes have looked at the run directory
        if is_main:
            # The directory of an encoder that is a run of this package has hashes of the texts it was trained on.
            of_encoder = Path(find_encoder(model_args).path)
            files = [RunDirectory(path).seen_texts for path in (of_encoder, of_encoder.parent)]
            encoder_texts = {text for file in files if file.is_file() for text in read_json(file)}
            num_seen = sum(text_hash(text) in encoder_texts for text in data.dataset["test"]["text"])
            if num_seen:
                logger.warning("--encoder was trained on the text of %d test rows: scores are optimistic", num_seen)
            run.start(options, checkpoint, overwrite=args.overwrite)
            row_ids = {split: list(rows["row_id"]) for split, rows in data.dataset.items()}
            write_json(run.split, {"fingerprint": data.info["split_fingerprint"], **row_ids})
            fitted_texts = [text for split in FITTED_SPLITS for text in data.dataset[split]["text"]]
            fitted_texts, _ = with_excerpts(fitted_texts, data.info["has_titles"], data_args.excerpts or ())
            write_json(run.seen_texts, sorted({*map(text_hash, fitted_texts), *encoder_texts}))
        timer.mark("prepare")

        is_probe = model_args.head_init == "linear_probe" and checkpoint is None
        train_loss, inverse_penalty = None, 0.0  # without training, and without a linear probe
        attention = model.encoder.config._attn_implementation
        if is_probe and args.trains_encoder:
            openings = [opening(ids, OPENING_TOKENS) for ids in train_rows.input_ids]
            embeddings = encode_rows(openings, precision=precision)
            inverse_penalty = PENALTY_BEFORE_TRAINING / len(embeddings)
            fit_linear_probe(model, embeddings, train_rows.labels, inverse_penalty)
        elif is_probe:
            embeddings = encode_rows(validation_rows.input_ids, precision=validation_precision)
            fitted = encode_rows(train_rows.input_ids, precision=precision), train_rows.labels
            held_out = embeddings, validation_rows.labels
            inverse_penalty = choose_penalty(model, fitted, held_out)
        with StopOnSignal() as stop, explained_failures(trainer_args):
            initial_weights = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
            trainer = ClassifierTrainer(
                *(model, tokenizer, trainer_args, args, train_rows, validation_rows.first(num_validation)),
                compute_metrics=compute_metrics,
                callbacks=[stop, *callbacks],
            )
            if args.trains_encoder and not restore_finished_training(trainer, checkpoint):
                max_tokens = math.inf if model_args.attn_implementation else train_config.max_encoder_tokens
                with training_attention(model, precision, max_tokens) as attention:
                    resume = str(checkpoint) if checkpoint else None
                    train_loss = trainer.train(resume_from_checkpoint=resume).training_loss
        if not is_main:
            return TrainResult(run, {}, is_main_process=False)
        # In bf16 and fp16 the Trainer leaves the model's forward wrapped in autocast.
        trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        timer.mark("train")

        weight_change = weight_changes(initial_weights, model)
        if checkpoint is not None and model_args.head_init == "linear_probe":
            weight_change.pop("head", None)  # the process that fitted the probe knew where the head started
        classifier = Predictor(model, tokenizer)
        classifier.progress = not args.disable_tqdm
        classifier.set_precision(validation_precision)
        if args.trains_encoder:
            validate_training(weight_change, trainer)
            logits = classifier.logits(validation_rows.input_ids)
            trainer.log_validation(logits[:num_validation], validation_rows.labels[:num_validation])
        else:
            logits = head_logits(model, held_out[0])
        calibration, probabilities = calibrate(classifier, validation_rows, num_validation, logits)
        is_refit = is_probe and model_args.refit_on_validation and not args.trains_encoder
        if is_refit:
            embeddings, labels = (np.concatenate(parts) for parts in zip(fitted, held_out, strict=True))
            fit_linear_probe(model, embeddings, labels, inverse_penalty)
        model.apply_temperature(calibration["temperature"])
        with atomic_write(run.model) as tmp_path:
            model.save_pretrained(tmp_path)
            tokenizer.save_pretrained(tmp_path)
        timer.mark("calibrate_and_save")

        # The saved classifier is loaded as anyone would load it; nothing changes the weights after this.
        classifier = Predictor.from_pretrained(run.model, device=str(device))
        classifier.progress = not args.disable_tqdm
        # The metrics on validation are those of the calibration: a head that is refitted has seen these rows.
        scored = probabilities[:num_validation], validation_rows.truncated[:num_validation]
        evaluation = {"validation": evaluate_split(classifier, data, "validation", run.path, scored)}
        if len(data.dataset["test"]):
            evaluation["test"] = evaluate_split(classifier, data, "test", run.path)
        history = write_history(run, trainer)
        timer.mark("evaluate")
        record = {
            **record_header(),
            "options": without_local_paths(hyperparameters(model_args, data_args, args)),
            "encoder": {**encoder_record(model_args), "test_rows_seen": num_seen},
            "model": model_record(model, run.model / "model.safetensors"),
            "data": data.info,
            "training": {
                "precision": precision,
                "attn_implementation": attention,
                "device": device.type,
                "num_processes": trainer_args.world_size,
                **history,
                "train_loss": train_loss,
                "num_rows": len(train_rows.input_ids),  # texts and excerpts
                "inverse_penalty": inverse_penalty,
                "weight_change": weight_change,
                "resumed": checkpoint is not None,
                "refit_on_validation": is_refit,
                "head_max_abs_weight": float(model.classifier.weight.detach().abs().max()),
            },
            "problem_type": model.config.problem_type,
            **calibration,
            "evaluation": evaluation,
            "baseline": tfidf_report(data),
            "examples": predict_examples(classifier),
            "seconds": timer.seconds(),
            "peak_memory_mb": peak_memory_mb(),
            "provenance": provenance,
        }
        run.finish(record)
        return TrainResult(run, record)


def resolve_options(
    model_args: ModelArguments | None, data_args: DataArguments | None, args: TrainArguments | None
) -> tuple[ModelArguments, DataArguments, TrainArguments]:
    """Return the options with those of the recipe; an encoder that is a run or its model keeps recipe and reading."""
    model_args, data_args = model_args or ModelArguments(), data_args or DataArguments()
    if model_args.pooling_module:
        import_pooling_module(model_args.pooling_module)
    path = find_encoder(model_args).path
    with hub_errors(f"--encoder {model_args.encoder}"):
        try:
            config = AutoConfig.from_pretrained(path, revision=model_args.encoder_revision, trust_remote_code=False)
        except ValueError as error:
            reason = " ".join(str(error).split())[:300]
            raise UserError(f"--encoder: transformers cannot read '{model_args.encoder}' ({reason})") from error
    if isinstance(config, PooledEncoderConfig):
        run = RunDirectory(Path(path).parent)
        recipe = model_args.recipe or (read_json(run.options)["model"]["recipe"] if run.options.is_file() else None)
        model_args = replace(model_args, recipe=recipe, pooling=model_args.pooling or config.pooling)
        data_args = replace(
            data_args,
            max_length=data_args.max_length or config.max_input_tokens,
            window_length=data_args.window_length or config.window_length,
            truncation=data_args.truncation or config.truncation,
        )
    return resolve_recipe(model_args, data_args, args or TrainArguments())


def find_encoder(model_args: ModelArguments) -> Any:
    """Return where the encoder is; raise a UserError if there is none."""
    try:
        return locate_encoder(model_args.encoder)
    except ValueError as error:
        raise UserError(f"--encoder: {error}") from error


def build_model(
    model_args: ModelArguments, data_args: DataArguments, args: TrainArguments, data: LoadedData
) -> tuple[PooledEncoderForSequenceClassification, PreTrainedTokenizerBase]:
    """Return the classifier that training starts with, and its tokenizer."""
    weights = None
    if model_args.class_weights == "balanced":
        train = labels_to_array(data.dataset["train"]["label"], data.label_names, data.label_names)
        totals = train.sum(axis=0) if data.multi_label else np.bincount(train, minlength=len(data.label_names))
        # n / (K n_c): every label counts the same (G. King and L. Zeng, 2001).
        weights = (totals.sum() / (len(totals) * np.maximum(1, totals))).tolist()
    what = f"--encoder {model_args.encoder}"
    with hub_errors(what):
        try:
            model = PooledEncoderForSequenceClassification.from_encoder(
                model_args.encoder,
                labels=data.label_names,
                revision=model_args.encoder_revision,
                encoder_dropout=model_args.encoder_dropout,
                attn_implementation=model_args.attn_implementation,
                problem_type=f"{'multi' if data.multi_label else 'single'}_label_classification",
                pooling=model_args.pooling,
                pooling_module=model_args.pooling_module,
                classifier_dropout=model_args.classifier_dropout,
                max_input_tokens=data_args.max_length,
                window_length=data_args.window_length,
                truncation=data_args.truncation,
                class_weights=weights,
                label_smoothing=args.label_smoothing_factor,
            )
        except ValueError as error:
            raise UserError(f"{what}: {str(error).replace('max_input_tokens', '--max_length')}") from error
    tokenizer = load_tokenizer(find_encoder(model_args).path, model_args.encoder_revision)
    tokenizer.model_max_length = VERY_LARGE_INTEGER  # the model cuts texts; with a limit, pipelines would warn
    return model, tokenizer


def model_record(model: PooledEncoderForSequenceClassification, weights: Path) -> dict[str, Any]:
    """Return the labels and sizes of a classifier and its file of weights: the record's `model` entry."""
    parameters: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        parameters["pooling" if name.startswith("encoder.pooler.") else name.partition(".")[0]] += parameter.numel()
    shapes = {
        "max_input_tokens": model.config.max_input_tokens,
        "window_length": model.config.window_length,
        "num_hidden_layers": getattr(model.config.encoder_config, "num_hidden_layers", None),
        "hidden_size": model.config.hidden_size,
        "pooled_size": model.classifier.in_features,
        "num_labels": model.classifier.out_features,
        "parameters": dict(parameters),
    }
    return {
        "num_parameters": model.num_parameters(),
        "shapes": shapes,
        "weights_sha256": file_sha256(weights),
        "weights_bytes": weights.stat().st_size,
        "labels": list(model.config.id2label.values()),
    }


def tokenize_split(
    data: LoadedData, split: str, tokenizer: PreTrainedTokenizerBase, config: PooledEncoderConfig, kinds: Sequence[str]
) -> TokenizedRows:
    """Return the token ids and labels of a split's texts, followed by those of these kinds of excerpts."""
    rows = data.dataset[split]
    texts, numbers = with_excerpts(rows["text"][:], data.info["has_titles"], kinds)
    input_ids, truncated = tokenize(tokenizer, texts, config)
    labels = labels_to_array(rows["label"], data.label_names, data.label_names)[numbers]
    return TokenizedRows(input_ids, labels, truncated, numbers)


def calibrate(
    classifier: Predictor, rows: TokenizedRows, num_texts: int, logits: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """Fit temperature and thresholds on validation rows and their `logits`; return the record and the probabilities.

    The texts are the first `num_texts` rows. The threshold of adaptive reading and `suggested_min_confidence` are
    fitted on the texts alone.
    """
    config, multi_label = classifier.config, classifier.multi_label
    temperature = fit_temperature(rows.labels, logits, multi_label)
    probabilities = (sigmoid if multi_label else softmax)(logits / temperature)
    thresholds = min_confidence = adaptive_reading = None
    if multi_label:
        config.label_thresholds = fit_thresholds(rows.labels, probabilities)
        thresholds = dict(zip(classifier.label_names, config.label_thresholds, strict=True))
    else:
        texts, whole = rows.first(num_texts), probabilities[:num_texts]
        min_confidence = suggest_min_confidence(texts.labels, whole)
        openings = softmax(classifier.logits([opening(ids, OPENING_TOKENS) for ids in texts.input_ids]) / temperature)
        threshold = choose_reading_threshold(openings, whole)
        if threshold is not None:
            config.adaptive_reading = {"tokens": OPENING_TOKENS, "threshold": threshold}
            is_long = np.array([len(ids) > OPENING_TOKENS for ids in texts.input_ids])
            is_clear = openings.max(axis=1) >= threshold
            differs = is_long & is_clear & (openings.argmax(axis=1) != whole.argmax(axis=1))
            shares = {"read_whole": float((is_long & ~is_clear).mean()), "different_labels": float(differs.mean())}
            adaptive_reading = {**config.adaptive_reading, "num_rows": num_texts, **shares}
    record = {
        "temperature": temperature,
        "suggested_min_confidence": min_confidence,
        "adaptive_reading": adaptive_reading,
        "thresholds": thresholds,
    }
    return record, probabilities


def tfidf_report(data: LoadedData) -> dict[str, Any] | None:
    """Return the test metrics of TF-IDF fitted on the training split; None for multi-label, very many or no rows.

    None also for texts without words.
    """
    num_rows = len(data.dataset["train"])
    is_too_large = num_rows > MAX_BASELINE_ROWS or num_rows * len(data.label_names) > MAX_BASELINE_SIZE
    if data.multi_label or is_too_large or not len(data.dataset["test"]):
        return None
    try:
        result = run_baseline(BASELINE, data, use_validation=False)
    except ValueError as error:  # an empty vocabulary
        logger.warning("no TF-IDF baseline: %s", error)
        return None
    shown = {name: result.report[name] for name in ("metrics", "by_length")}
    return {"name": BASELINE, "num_rows": num_rows, "seconds": round(result.seconds, 2), **shown}


def write_history(run: RunDirectory, trainer: ClassifierTrainer) -> dict[str, Any]:
    """Write the Trainer's log and the learning curves; return the record's steps, epochs and best checkpoint."""
    state, keeps_best = trainer.state, trainer.args.load_best_model_at_end
    best_step = (keeps_best and state.best_global_step) or state.global_step
    history = json.loads(json.dumps(state.log_history), parse_constant=lambda name: None)  # JSON has no infinity
    norms = [entry["grad_norm"] for entry in history if entry.get("grad_norm") is not None]  # None: overflow in fp16
    write_json(run.history, history)
    if state.global_step:
        plot_learning_curves(history, run.figures / "learning_curves.png", title=run.path.name, best_step=best_step)
    return {
        "global_step": state.global_step,
        "epochs": state.epoch or 0.0,
        "best_step": best_step,
        "best_metric": state.best_metric if keeps_best else None,
        "grad_norm": {"first": norms[0], "last": norms[-1]} if norms else None,
    }


def encoder_record(model_args: ModelArguments) -> dict[str, Any]:
    """Return the encoder's name, origin and the hash of its weights: the record's `encoder` entry."""
    encoder, revision, name = find_encoder(model_args), model_args.encoder_revision, "model.safetensors"
    cached = None if Path(encoder.path).is_dir() else try_to_load_from_cache(encoder.path, name, revision=revision)
    weights = Path(cached) if isinstance(cached, str) else Path(encoder.path, name)
    sha256 = file_sha256(weights) if weights.is_file() else None
    where = {"name": encoder.name, "origin": encoder.origin, "hub_id": encoder.hub_id}
    return {**where, "revision": revision, "weights_sha256": sha256}


def warn_if_single_process() -> None:
    """Warn if `accelerate launch` was asked for several processes and started one, as it does on a CPU without MPI."""
    if {"ACCELERATE_MIXED_PRECISION", "MASTER_ADDR"} <= set(os.environ) and "WORLD_SIZE" not in os.environ:
        command = "torchrun --nproc_per_node 2 --standalone -m bbc_classifier train …"
        logger.warning("accelerate launch started ONE PROCESS ONLY. To start several on a CPU: %s", command)

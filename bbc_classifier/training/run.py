"""One function: options in, finished run out. Every door (command line, launcher, script, Python) leads here."""

import copy
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from transformers import PreTrainedTokenizerBase, enable_full_determinism, set_seed

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.encode import EncodedTexts, encode_texts
from bbc_classifier.data.label_names import read_label_map
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.calibration import Calibration
from bbc_classifier.evaluation.checkpoint import SIDES, evaluate_side
from bbc_classifier.evaluation.figures import draw_learning_curves
from bbc_classifier.evaluation.problem import Problem, problem_of
from bbc_classifier.folders import first_missing
from bbc_classifier.inference.batching import predict_logits
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.model import PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json
from bbc_classifier.training.arguments import (
    ClassifierTrainingArguments,
    ModelArguments,
    default_output_dir,
    shaping_options,
)
from bbc_classifier.training.attention import choose_attention
from bbc_classifier.training.linear_probe import fit_head
from bbc_classifier.training.precision import autocast
from bbc_classifier.training.record import Clock, run_record
from bbc_classifier.training.run_folder import RunFolder
from bbc_classifier.training.starting_point import balanced_weights, start_model, start_tokenizer
from bbc_classifier.training.trainer import build_trainer, check_metric

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """Everything training starts with.

    Attributes:
        articles: The articles, split.
        problem: Which kind of classification they are for.
        model: The encoder with a fresh head.
        tokenizer: The encoder's tokenizer.
        encoded: Token ids of the train and the validation side.
        targets: What is true of the rows of these sides.
    """

    articles: Articles
    problem: Problem
    model: PooledEncoderForSequenceClassification
    tokenizer: PreTrainedTokenizerBase
    encoded: dict[str, EncodedTexts]
    targets: dict[str, np.ndarray]

    def rows(self, side: str) -> list[dict[str, object]]:
        """Return a side as the Trainer takes it."""
        return self.encoded[side].rows(self.targets[side])


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
    if model_options.head_start == "random" and not arguments.trains:
        raise InputError("--num_train_epochs 0 trains nothing; add --head_start probe, which needs no epoch")
    if model_options.lexical_head and model_options.head_start != "probe":
        raise InputError("--lexical_head is fitted together with --head_start probe; add that")
    source = open_source(data_options)
    folder = RunFolder(_output_dir(model_options, arguments, source.name))
    options = {
        "model": asdict(model_options),
        "data": asdict(data_options),
        "training": shaping_options(arguments),
        # The same file name with other rows in it is other data,
        # and so is the same label map with other names in it.
        "source": {"identity": source.identity(), "label_map": read_label_map(data_options.label_map)},
    }
    checkpoint = None
    if arguments.overwrite:
        folder.refuse_foreign_files()
    elif folder.has_finished_with(options):
        return folder
    else:
        checkpoint = folder.checkpoint_to_resume(arguments.resume_from_checkpoint)
    leftover = None if folder.path.exists() else first_missing(folder.path)
    arguments = copy.copy(arguments)
    arguments.output_dir = str(folder.checkpoints)
    state = PartialState()
    # No process may write before every process has looked at what is there.
    state.wait_for_everyone()
    try:
        _run(folder, arguments, options, model_options, data_options, checkpoint)
    except InputError:
        if state.is_main_process and leftover is not None:
            shutil.rmtree(leftover, ignore_errors=True)
        raise
    return folder


def _run(
    folder: RunFolder,
    arguments: ClassifierTrainingArguments,
    options: dict[str, Any],
    model_options: ModelArguments,
    data_options: DataArguments,
    checkpoint: str | None,
) -> None:
    clock, origin = Clock(), provenance()
    start = _start(model_options, data_options, arguments)
    if checkpoint is not None:
        folder.refuse_other_split(start.articles.split.fingerprint)
    if PartialState().is_main_process:
        folder.begin(options, overwrite=arguments.overwrite)
        start.articles.split.save(folder.split)
        write_json(folder.seen_texts, start.articles.seen_texts())
    clock.lap("prepare")
    # A run that goes on takes its head from the checkpoint.
    if model_options.head_start == "probe" and checkpoint is None:
        _probe(start, arguments)
    trainer = build_trainer(
        start.model, start.tokenizer, arguments, start.problem, start.rows("train"), start.rows("validation")
    )
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    clock.lap("train")
    if not trainer.is_world_process_zero():
        return
    # In bf16 the Trainer leaves the model's forward in autocast; whoever runs the model now says in which format.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    calibration = _calibrate(start, arguments)
    _save(folder, start)
    clock.lap("calibrate_and_save")
    reports = _evaluate(folder, start.articles)
    write_json(folder.history, trainer.state.log_history)
    if trainer.state.global_step:
        draw_learning_curves(trainer.state.log_history, folder.figures / "learning_curves.png")
    clock.lap("evaluate")
    truncated = {side: encoded.truncated_share for side, encoded in start.encoded.items()}
    folder.finish(
        run_record(
            folder=folder,
            options=without_folders(options),
            model_options=model_options,
            articles=start.articles,
            parameters=sum(parameter.numel() for parameter in start.model.parameters()),
            truncated_share={**truncated, "test": reports["test"]["truncated_share"]},
            trainer=trainer,
            train_loss=outcome.metrics["train_loss"],
            resumed=checkpoint is not None,
            calibration=calibration,
            reports=reports,
            clock=clock,
            origin=origin,
        )
    )


def _start(model_options: ModelArguments, data_options: DataArguments, arguments: ClassifierTrainingArguments) -> Start:
    articles = load_articles(data_options)
    _log_data(articles)
    problem = problem_of(articles.label_names, multi_label=articles.multi_label)
    check_metric(arguments, problem)
    if model_options.lexical_head and articles.multi_label:
        raise InputError("--lexical_head is for one label per text; these rows have any number")
    targets = {
        side: problem.targets(articles.side(side)["label"][:], articles.label_names) for side in ("train", "validation")
    }
    balanced = model_options.class_weights == "balanced"
    # Before the model is built: its head is drawn from the global random state.
    (enable_full_determinism if arguments.full_determinism else set_seed)(arguments.seed)
    model = start_model(
        model_options,
        data_options,
        articles.label_names,
        problem_type=problem.problem_type,
        class_weights=balanced_weights(problem.label_totals(targets["train"])) if balanced else None,
        label_smoothing=arguments.label_smoothing_factor,
        attn_implementation=choose_attention(
            model_options.attn_implementation,
            arguments.device.type,
            arguments.precision,
            tokens=data_options.max_length,
            trains_encoder=arguments.trains,
        ),
    )
    tokenizer = start_tokenizer(model_options)
    encoded = {
        side: encode_texts(
            tokenizer,
            list(articles.side(side)["text"]),
            data_options.max_length,
            data_options.truncation,
            distinct=data_options.distinct_tokens,
            keep_whole=model_options.lexical_head,
        )
        for side in targets
    }
    return Start(articles, problem, model, tokenizer, encoded, targets)


def _probe(start: Start, arguments: ClassifierTrainingArguments) -> None:
    logger.info("fitting the head to the encoder's vectors of %d articles", len(start.targets["train"]))
    start.model.to(arguments.device)
    with autocast(arguments.precision, arguments.device.type):
        fit_head(start.model, start.encoded["train"].input_ids, start.targets["train"], start.tokenizer.pad_token_id)


def _calibrate(start: Start, arguments: ClassifierTrainingArguments) -> Calibration:
    """Fit temperature and thresholds on validation, and put them into the model; return them.

    A temperature is one number, which the format of training moves by next to nothing. A threshold lies between two
    rows, so it is fitted on what its users will see.
    """
    precision = "fp32" if start.articles.multi_label else arguments.precision
    with autocast(precision, start.model.device.type):
        logits = predict_logits(start.model, start.encoded["validation"].input_ids, start.tokenizer.pad_token_id)
    calibration = start.problem.calibrate(start.targets["validation"], logits)
    start.model.fold_temperature(calibration.temperature)
    start.model.config.label_thresholds = calibration.thresholds
    return calibration


def _save(folder: RunFolder, start: Start) -> None:
    """Write the classifier beside its place and rename it, so that `model/` is never half there."""
    beside = folder.path / ".model.partial"
    shutil.rmtree(beside, ignore_errors=True)
    start.model.save_pretrained(beside)
    start.tokenizer.save_pretrained(beside)
    shutil.rmtree(folder.model, ignore_errors=True)
    beside.rename(folder.model)


def _evaluate(folder: RunFolder, articles: Articles) -> dict[str, Any]:
    """Reload the saved classifier and evaluate it; nothing after this changes the weights."""
    classifier = NewsClassifier.from_pretrained(str(folder.model))
    return {side: evaluate_side(classifier, articles, side, folder.path) for side in SIDES}


def _output_dir(model_options: ModelArguments, arguments: ClassifierTrainingArguments, data_name: str) -> Path:
    if arguments.output_dir is not None:
        return Path(arguments.output_dir)
    try:
        encoder = locate_encoder(model_options.encoder).name
    except PooledEncoderError as error:
        raise InputError(f"--encoder: {error}") from error
    return default_output_dir(data_name, encoder, model_options.pooling, arguments.seed)


def _log_data(articles: Articles) -> None:
    counts = articles.counts()
    logger.info(
        "%s: %d articles, %d copies dropped, %d pairs of near duplicates; %d train, %d validation, %d test",
        articles.provenance["name"],
        counts["rows"],
        counts["exact_duplicates_dropped"],
        counts["near_duplicate_pairs"] or 0,
        *articles.sizes().values(),
    )

"""One function: options in, finished run out. Every door (command line, launcher, script, Python) leads here."""

import copy
import shutil
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate import PartialState

from bbc_classifier.data.label_names import read_label_map
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import Source, open_source
from bbc_classifier.errors import InputError, NoSpace
from bbc_classifier.evaluation.checkpoint import evaluate_side
from bbc_classifier.evaluation.example_texts import answer_examples
from bbc_classifier.evaluation.figures import draw_learning_curves
from bbc_classifier.folder_lock import locked
from bbc_classifier.folders import first_missing, folder_written_whole
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.memory import memory_for
from bbc_classifier.model import PooledEncoderError
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance, without_folders
from bbc_classifier.records import write_json
from bbc_classifier.training.arguments import (
    ClassifierTrainingArguments,
    ModelArguments,
    default_output_dir,
    shaping_options,
)
from bbc_classifier.training.checkpoints import Checkpoints
from bbc_classifier.training.going_on import had_ended, take_over, take_the_end
from bbc_classifier.training.interruption import StopOnSignal
from bbc_classifier.training.launch import warn_if_fewer
from bbc_classifier.training.loading_processes import refuse_without_shared_memory
from bbc_classifier.training.probe import fit_probe, refit_probe
from bbc_classifier.training.record import Clock, run_record
from bbc_classifier.training.reuse import Reuse
from bbc_classifier.training.run_folder import RunFolder
from bbc_classifier.training.start import Start, start_training
from bbc_classifier.training.trainer import ClassifierTrainer, build_trainer, smaller_batches
from bbc_classifier.training.validation import Validation, calibrate, report_validation


def train(
    model_options: ModelArguments,
    data_options: DataArguments,
    arguments: ClassifierTrainingArguments,
    reuse: Reuse | None = None,
) -> RunFolder:
    """Fine-tune, choose the best checkpoint, calibrate, save, reload, evaluate, and write the run folder.

    A finished run with the same options is left as it is and returned. On several processes all of them train, and the
    first one does everything after that. What trainings of one process share by `reuse` changes nothing but the time.
    Nothing is published here: the command line does that with the finished run where `push_to_hub` is set, since the
    library's own pushing publishes unfinished checkpoints, a pickle, and a card that knows nothing of the run.

    Raises:
        InputError: An option or pair of options is not legal, or the run folder holds something else.
        WorldError: The encoder cannot be fetched, or the run folder cannot be written.
        NoSpace: The disk is full; a run with a checkpoint can go on from it.
        OutOfMemory: Memory does not suffice; the message names the options that help.
    """
    if model_options.head_start == "random" and not arguments.trains:
        raise InputError("--num_train_epochs 0 trains nothing; add --head_start probe, which needs no epoch")
    if model_options.lexical_head and model_options.head_start != "probe":
        raise InputError("--lexical_head is fitted together with --head_start probe; add that")
    refuse_without_shared_memory(arguments.dataloader_num_workers)
    warn_if_fewer()
    source = open_source(data_options)
    folder = RunFolder(_output_dir(model_options, arguments, source.name))
    # Of several processes the first one holds the folder for all.
    with locked(folder.path, "training") if PartialState().is_main_process else nullcontext():
        return _train_in(folder, source, model_options, data_options, arguments, reuse or Reuse())


def _train_in(
    folder: RunFolder,
    source: Source,
    model_options: ModelArguments,
    data_options: DataArguments,
    arguments: ClassifierTrainingArguments,
    reuse: Reuse,
) -> RunFolder:
    """Return the finished run, in a folder that nobody else works in."""
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
        if PartialState().is_main_process:
            folder.drop_checkpoints()
        return folder
    else:
        checkpoint = folder.checkpoint_to_resume(
            arguments.resume_from_checkpoint, with_best=arguments.load_best_model_at_end
        )
    leftover = None if folder.path.exists() else first_missing(folder.path)
    arguments = copy.copy(arguments)
    arguments.output_dir = str(folder.checkpoints)
    # The Trainer pickles its arguments beside each checkpoint.
    arguments.push_to_hub, arguments.hub_token = False, None
    state = PartialState()
    # No process may write before every process has looked at what is there.
    state.wait_for_everyone()
    try:
        _run(folder, arguments, options, model_options, data_options, checkpoint, reuse)
    except InputError:
        if state.is_main_process and leftover is not None and not folder.holds_training:
            shutil.rmtree(leftover, ignore_errors=True)
        raise
    except NoSpace as error:
        goes_on = Checkpoints(folder.checkpoints).newest_whole(with_best=arguments.load_best_model_at_end)
        raise NoSpace(error.place, *(["go on with --resume_from_checkpoint"] if goes_on else [])) from error
    return folder


def _run(
    folder: RunFolder,
    arguments: ClassifierTrainingArguments,
    options: dict[str, Any],
    model_options: ModelArguments,
    data_options: DataArguments,
    checkpoint: str | None,
    reuse: Reuse,
) -> None:
    clock, origin = Clock(), provenance()
    if arguments.trains:
        # What an encoder read before it was trained is of no use after.
        reuse = Reuse(reuse.tokens)
    start = start_training(model_options, data_options, arguments, reuse)
    if checkpoint is not None:
        folder.refuse_other_split(start.articles.split.fingerprint)
    if PartialState().is_main_process:
        _begin(folder, options, start, checkpoint, overwrite=arguments.overwrite)
    clock.lap("prepare")
    # A run that goes on takes its head from the checkpoint.
    probed = fit_probe(start, arguments) if model_options.head_start == "probe" and checkpoint is None else None
    # A step says more; this is for what is allocated around them, as the optimizer's state is.
    with StopOnSignal() as stop, memory_for("training", smaller_batches(arguments)):
        trainer = build_trainer(start, arguments, stop)
        train_loss = _train(trainer, folder, checkpoint)
    clock.lap("train")
    if not trainer.is_world_process_zero():
        return
    # In bf16 the Trainer leaves the model's forward in autocast; whoever runs the model now says in which format.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    validation = calibrate(start, arguments)
    refitted = False
    if probed is not None and model_options.refit_probe and not arguments.trains:
        refit_probe(start, probed, validation.reading.vectors, validation.calibration.temperature)
        refitted = True
    _save(folder, start)
    clock.lap("calibrate_and_save")
    classifier = _reload(folder, reuse)
    reports = _evaluate(classifier, folder, start, validation if refitted else None)
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
            train_loss=train_loss,
            resumed=checkpoint is not None,
            refitted=refitted,
            shares_reading=reuse.states is not None,
            calibration=validation.calibration,
            reports=reports,
            examples=answer_examples(classifier),
            clock=clock,
            origin=origin,
        )
    )


def _train(trainer: ClassifierTrainer, folder: RunFolder, checkpoint: str | None) -> float | None:
    """Train, from a checkpoint on where there is one; return the mean loss, None where no step was left to take."""
    if checkpoint is not None:
        place = Path(checkpoint)
        # Another run's may have ended where this one is to go on.
        if place.parent.resolve() == folder.checkpoints.resolve() and had_ended(place):
            take_the_end(trainer, place)
            return None
        take_over(trainer, place)
    return trainer.train(resume_from_checkpoint=checkpoint).metrics["train_loss"]


def _begin(
    folder: RunFolder, options: dict[str, Any], start: Start, checkpoint: str | None, *, overwrite: bool
) -> None:
    """Write down what the run starts with; of a run that goes on, drop the checkpoints that were passed over."""
    if checkpoint is not None:
        Checkpoints(folder.checkpoints).drop_after(Path(checkpoint))
    folder.begin(options, overwrite=overwrite)
    start.articles.split.save(folder.split)
    write_json(folder.seen_texts, start.articles.seen_texts())


def _save(folder: RunFolder, start: Start) -> None:
    """Write the classifier beside its place and rename it, so that `model/` is never half there."""
    with folder_written_whole(folder.model) as beside:
        start.model.save_pretrained(beside)
        start.tokenizer.save_pretrained(beside)


def _reload(folder: RunFolder, reuse: Reuse) -> NewsClassifier:
    """Load the saved classifier as anyone would; nothing after this changes the weights."""
    classifier = NewsClassifier.from_pretrained(str(folder.model))
    classifier.memory = reuse.tokens
    if reuse.states is not None:
        reuse.states.attach(classifier.model)
    return classifier


def _evaluate(
    classifier: NewsClassifier, folder: RunFolder, start: Start, first_fit: Validation | None
) -> dict[str, Any]:
    """Evaluate the reloaded classifier; validation is what the first fit made of it where the head saw it later."""
    if first_fit is not None:
        validation = report_validation(start, first_fit, folder.path)
    else:
        validation = evaluate_side(classifier, start.articles, "validation", folder.path)
    return {"validation": validation, "test": evaluate_side(classifier, start.articles, "test", folder.path)}


def _output_dir(model_options: ModelArguments, arguments: ClassifierTrainingArguments, data_name: str) -> Path:
    if arguments.output_dir is not None:
        return Path(arguments.output_dir)
    try:
        encoder = locate_encoder(model_options.encoder).name
    except PooledEncoderError as error:
        raise InputError(f"--encoder: {error}") from error
    return default_output_dir(data_name, encoder, model_options.pooling, arguments.seed)

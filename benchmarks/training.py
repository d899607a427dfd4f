"""Fine-tuning on BBC News: this package's recipe of an encoder against the stock Trainer recipe, on a CPU or a GPU.

Stock: AutoModelForSequenceClassification, 128 tokens, 3 epochs, 2e-5, batches of 16, fp32 as torch computes it. Both
take turns on one split, in warm processes of their own. Seconds run from loading to the saved model, without checks of
the validation accuracy. Both get the rows in memory; ours includes its checks of the data and the linear probe.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from math import inf
from multiprocessing import get_context
from typing import Any

import torch
from common import make_parser, stock_model, summary, synchronize, training_flop, write_results
from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer, Trainer, TrainerCallback, TrainingArguments

from bbc_classifier import ModelArguments, TrainArguments, load_data, train
from bbc_classifier.config import ENCODER_RECIPES
from bbc_classifier.model import locate_encoder

Predict = Callable[[Sequence[str]], Sequence[int]]  # texts to label indices
PEAK_TFLOPS = {"H100": 989, "H200": 989, "A100": 312}  # dense bf16 of the SXM cards, by NVIDIA's data sheets
RECIPES, EVAL_ROWS = ("stock", "ours"), 64
MEASURES = ("seconds", "seconds_to_accuracy", "test_accuracy", "peak_memory_mb", "tokens_per_second", "mfu")


class Recorder(TrainerCallback):
    """Notes validation accuracy every few steps, tokens and peak memory; `pause` is the seconds that this takes."""

    def __init__(self, task: dict[str, Any]):
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self.task, self.curve, self.pause, self.started = task, [], 0.0, time.perf_counter()

    def seconds(self) -> float:
        """Return the seconds since the start without `pause`."""
        synchronize()
        return time.perf_counter() - self.started - self.pause

    def evaluate(self, model: torch.nn.Module, step: int) -> None:
        """Add [step, seconds, validation accuracy] to the curve."""
        now, paused_at, is_correct = self.seconds(), time.perf_counter(), []
        model.eval()
        for batch, labels in self.batches:
            with torch.no_grad():
                is_correct += map(int.__eq__, model(**batch.to(model.device)).logits.argmax(-1).tolist(), labels)
        model.train()
        self.curve.append([step, round(now, 3), round(statistics.mean(is_correct), 4)])
        self.pause += time.perf_counter() - paused_at

    def count(self, model: torch.nn.Module, args: tuple, inputs: dict[str, torch.Tensor]) -> None:
        """Add the tokens of a training batch, padding left out, and their squares of every row."""
        lengths = inputs["attention_mask"].sum(1).double()
        self.tokens += torch.stack([lengths.sum(), lengths.square().sum()]) * model.training

    def on_train_begin(self, args, state, control, model, processing_class, **kwargs):
        """Tokenize the validation rows as the classifier reads them, and evaluate the start."""
        paused_at = time.perf_counter()
        (texts, labels), longest = self.task["validation"].values(), getattr(model.config, "max_input_tokens", 128)
        options = {"truncation": True, "padding": True, "return_tensors": "pt", "max_length": longest}
        parts = (slice(start, start + EVAL_ROWS) for start in range(0, len(texts), EVAL_ROWS))
        self.batches = [(processing_class(texts[part], **options), labels[part]) for part in parts]
        self.hook = model.register_forward_pre_hook(self.count, with_kwargs=True)
        self.tokens = torch.zeros(2, dtype=torch.float64, device=model.device)
        self.pause += time.perf_counter() - paused_at
        self.evaluate(model, 0)

    def on_step_end(self, args, state, control, model, **kwargs):
        """Evaluate every few steps, and after the last one."""
        if state.global_step % self.task["eval_steps"] == 0 or state.global_step == state.max_steps:
            self.evaluate(model, state.global_step)

    def on_train_end(self, args, state, control, model, **kwargs):
        """Note rates of all steps and the peak memory."""
        self.hook.remove()
        seconds, peak = self.curve[-1][1] - self.curve[0][1], self.task["peak_tflops"]
        flops = training_flop(getattr(model, "encoder", model.base_model), *self.tokens.tolist()) / seconds
        memory = round(torch.cuda.max_memory_allocated() / 2**20) if torch.cuda.is_available() else None
        self.rates = {"tokens_per_second": round(float(self.tokens[0]) / seconds), "steps_seconds": round(seconds, 3)}
        self.rates |= {"mfu": peak and round(flops / peak / 1e12, 6), "peak_memory_mb": memory, "curve": self.curve}


def stock_trainer(task: dict[str, Any], output_dir: str, recorder: Recorder, **options: Any) -> Predict:
    """Train and save by the values of the library's example; return the function that predicts label indices."""
    tokenizer = AutoTokenizer.from_pretrained(task["encoder"])
    model = stock_model(task["encoder"], len(task["labels"]), task["seed"])

    def tokenized(texts: Sequence[str], labels: Sequence[int]) -> Dataset:
        tokens = tokenizer(list(texts), truncation=True, max_length=128, padding="max_length")
        return Dataset.from_dict({**tokens, "labels": labels})

    recipe = {"per_device_train_batch_size": 16, "num_train_epochs": 3, "learning_rate": 2e-5, "seed": task["seed"]}
    arguments = TrainingArguments(output_dir, **recipe, report_to="none", save_strategy="no", **options)
    rows = tokenized(**task["train"])
    trainer = Trainer(model, arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[recorder])
    trainer.train()
    trainer.save_model()
    return lambda texts: trainer.predict(tokenized(texts, [0] * len(texts))).predictions.argmax(axis=1).tolist()


def run(recipe: str, task: dict[str, Any]) -> dict[str, Any]:
    """Train once in an empty directory; return the entry of the run."""
    dataset, options = DatasetDict(), {"disable_tqdm": True, "use_cpu": task["use_cpu"]}
    for split in ("train", "validation", "test"):
        names = [task["labels"][label] for label in task[split]["labels"]]
        dataset[split] = Dataset.from_dict({"text": task[split]["texts"], "label": names})
    recorder = Recorder(task)
    with tempfile.TemporaryDirectory() as directory:
        if recipe == "stock":
            predict = stock_trainer(task, directory, recorder, **options)
            seconds, more = recorder.seconds(), {"precision": f"fp32, {torch.get_float32_matmul_precision()}"}
            accuracy = statistics.mean(map(int.__eq__, predict(task["test"]["texts"]), task["test"]["labels"]))
        else:
            model_args = ModelArguments(encoder=task["encoder"], recipe=task["recipe"])
            args = TrainArguments(output_dir=directory, seed=task["seed"], **options)
            result = train(model_args, None, args, dataset=dataset, callbacks=[recorder])
            stages = {name: result.record["seconds"][name] for name in ("prepare", "train", "calibrate_and_save")}
            more = {"stages": stages, "precision": result.record["training"]["precision"]}
            seconds, accuracy = sum(stages.values()) - recorder.pause, result.metrics["accuracy"]
    more |= {"seed": task["seed"], "seconds": round(seconds, 3), "test_accuracy": round(accuracy, 4)}
    return {**more, **recorder.rates}


def compare(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return summaries and the ratios of medians; a run that misses the accuracy counts as infinitely long."""
    target = statistics.median(entry["curve"][-1][2] for entry in runs["stock"])
    result: dict[str, Any] = {"target_validation_accuracy": target}
    for recipe, entries in runs.items():
        result[recipe] = {"runs": entries}
        for entry in entries:
            reached = (seconds for _, seconds, accuracy in entry["curve"] if accuracy >= target)
            entry["seconds_to_accuracy"] = min(reached, default=None)
        for name in MEASURES:
            known = [entry[name] for entry in entries if entry[name] is not None]
            if 2 * len(known) > len(entries):  # or else the median is infinite
                figures = summary(known + [inf] * (len(entries) - len(known)), 6)
                result[recipe][name] = {**figures, "max": max(known), "num_runs": len(known)}
    stock, ours = (result[recipe] for recipe in RECIPES)
    pairs = {name: (stock[name]["median"], ours[name]["median"]) for name in MEASURES if name in stock and name in ours}
    return {**result, "stock_to_ours": {name: round(one / other, 3) for name, (one, other) in pairs.items()}}


def main() -> None:
    """Take turns until all runs are done or the time is over; write the results after each round."""
    parser = make_parser(__doc__, "training.json")
    parser.add_argument("--encoders", nargs="+", choices=("minilm", "mpnet"), default=["minilm"])
    parser.add_argument("--mpnet_dir", help="directory of all-mpnet-base-v2 (default: the cache of the Hub)")
    parser.add_argument("--runs", type=int, default=3, help="of each recipe and encoder (default: %(default)s)")
    parser.add_argument("--eval_steps", type=int, default=25, help="steps between checks (default: %(default)s)")
    parser.add_argument("--time_limit", type=float, default=inf, help="start no round that would exceed these seconds")
    parser.add_argument("--peak_tflops", type=float, help="dense bf16 peak (default: by the name of the card)")
    parser.add_argument("--max_samples", type=int, help="rows of each split (default: all)")
    parser.add_argument("--use_cpu", action="store_true", help="run on the CPU even if there is a GPU")
    args, started = parser.parse_args(), time.perf_counter()
    args.use_cpu |= not torch.cuda.is_available()
    os.environ["HF_HUB_OFFLINE"] = "1"  # read by the processes that train
    card = "CPU" if args.use_cpu else torch.cuda.get_device_name()
    peak = args.peak_tflops or next((tflops for name, tflops in PEAK_TFLOPS.items() if name in card), None)
    data = load_data(max_train_samples=args.max_samples, max_eval_samples=args.max_samples)
    shared = {**vars(args), "peak_tflops": peak, "labels": data["train"].features["label"].names}
    shared |= {split: {"texts": list(rows["text"]), "labels": list(rows["label"])} for split, rows in data.items()}
    paths = {name: (name == "mpnet" and args.mpnet_dir) or locate_encoder(name).path for name in args.encoders}
    tasks = {name: {**shared, "encoder": path, "recipe": ENCODER_RECIPES[name]} for name, path in paths.items()}
    workers = {recipe: ProcessPoolExecutor(1, mp_context=get_context("spawn")) for recipe in RECIPES}
    for recipe, worker in workers.items():  # imports, CUDA and its kernels
        few = {split: {name: rows[:: len(rows) // 32 or 1] for name, rows in shared[split].items()} for split in data}
        worker.submit(run, recipe, {**tasks[args.encoders[0]], **few, "seed": 0}).result()
    runs: dict[str, dict[str, Any]] = {name: {recipe: [] for recipe in RECIPES} for name in tasks}
    record = {"card": card, "peak_bf16_tflops": peak, "rows": data.num_rows}
    warm = time.perf_counter()
    for turn in range(args.runs):
        now = time.perf_counter()
        if turn and now - started + (now - warm) / turn > args.time_limit:
            break
        for name, recipe in product(tasks, RECIPES if turn % 2 == 0 else reversed(RECIPES)):
            entry = workers[recipe].submit(run, recipe, {**tasks[name], "seed": 42 + turn}).result()
            runs[name][recipe].append(entry)
            print(f"round {turn + 1}, {name}, {recipe}:", {**entry, "curve": "…"}, flush=True)
        record |= {"rounds": turn + 1, "encoders": {name: compare(runs[name]) for name in tasks}}
        print({name: result["stock_to_ours"] for name, result in record["encoders"].items()})
        write_results(args.output_file, record)


if __name__ == "__main__":
    main()

"""Training against its peers: seconds from the start of the process to the model on disk, and test accuracy.

Each contender trains on the same rows of BBC News in a process of its own; in each round all of them take their turn,
so that a machine whose speed drifts slows all alike. Imports and loading count, the evaluation does not. Writes
results/peers.json. Needs: pip install -e ".[benchmark]"
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Seconds since 1970 when the model was on disk, and the function that predicts label indices.
Trained = tuple[float, Callable[[list[str]], Sequence[Any]]]
QUIET = {"report_to": "none", "save_strategy": "no"}


def in_memory(task: dict[str, Any]) -> Any:
    """Return the rows of a task as a DatasetDict."""
    from datasets import Dataset, DatasetDict

    dataset = DatasetDict()
    for split in ("train", "validation", "test"):
        names = [task["labels"][label] for label in task[split]["labels"]]
        dataset[split] = Dataset.from_dict({"text": task[split]["texts"], "label": names})
    return dataset


def this_package(task: dict[str, Any], output_dir: Path) -> Trained:
    """Train by the recipe that the encoder's name chooses."""
    from bbc_classifier import TextClassifier, train
    from bbc_classifier.config import ModelArguments, TrainArguments

    dataset = in_memory(task)
    args = TrainArguments(output_dir=str(output_dir / "run"), seed=task["seed"], disable_tqdm=True)
    run = train(ModelArguments(encoder=task["encoder_name"]), None, args, dataset=dataset).run_dir
    classifier = TextClassifier.from_pretrained(run.path)
    index_of = [task["labels"].index(name) for name in classifier.classes_]
    saved_at = max(file.stat().st_mtime for file in run.model.iterdir())  # train() evaluates after that
    return saved_at, lambda texts: [index_of[label] for label in classifier.predict_proba(texts).argmax(axis=1)]


def stock_trainer(task: dict[str, Any], output_dir: Path, **options: Any) -> Trained:
    """Train AutoModelForSequenceClassification by the values of the library's example: 128 tokens, 3 epochs, fp32.

    `options` are more `TrainingArguments`, and `callbacks`.
    """
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed

    set_seed(task["seed"])
    tokenizer = AutoTokenizer.from_pretrained(task["encoder"])
    model = AutoModelForSequenceClassification.from_pretrained(task["encoder"], num_labels=len(task["labels"]))

    def tokenized(texts: list[str], labels: list[int]) -> Dataset:
        tokens = tokenizer(texts, truncation=True, max_length=128, padding="max_length")
        return Dataset.from_dict({**tokens, "labels": labels})

    recipe = {"per_device_train_batch_size": 16, "num_train_epochs": 3, "learning_rate": 2e-5}
    kwargs = {"callbacks": options.pop("callbacks", None), "processing_class": tokenizer}
    arguments = TrainingArguments(str(output_dir), seed=task["seed"], **recipe, **QUIET, **options)
    trainer = Trainer(model, arguments, train_dataset=tokenized(**task["train"]), **kwargs)
    trainer.train()
    trainer.save_model()
    return time.time(), lambda texts: trainer.predict(tokenized(texts, [0] * len(texts))).predictions.argmax(axis=1)


def sentence_embeddings(task: dict[str, Any], output_dir: Path) -> Trained:
    """Fit a logistic regression on the embeddings of sentence-transformers."""
    import joblib
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    encoder = SentenceTransformer(task["sentence_encoder"])
    regression = LogisticRegression(max_iter=1000)
    regression.fit(encoder.encode(task["train"]["texts"]), task["train"]["labels"])
    encoder.save(str(output_dir / "encoder"))
    joblib.dump(regression, output_dir / "regression.joblib")
    return time.time(), lambda texts: regression.predict(encoder.encode(texts))


def tfidf(task: dict[str, Any], output_dir: Path) -> Trained:
    """Fit a linear SVM on TF-IDF of words and pairs of words."""
    import joblib

    from bbc_classifier.evaluation.baselines import BASELINES

    pipeline = BASELINES["tfidf-svm"]().fit(task["train"]["texts"], task["train"]["labels"])
    joblib.dump(pipeline, output_dir / "pipeline.joblib")
    return time.time(), pipeline.predict


CONTENDERS: dict[str, Callable[[dict[str, Any], Path], Trained]] = {
    "this-package": this_package,
    "stock-trainer": stock_trainer,
    "sentence-embeddings": sentence_embeddings,
    "tfidf-svm": tfidf,
}


def run_contender(name: str, work: Path) -> None:
    """Train one contender in this process and write its answer."""
    task = json.loads((work / "task.json").read_text(encoding="utf-8"))
    output_dir = Path(tempfile.mkdtemp(dir=work))
    saved_at, predict = CONTENDERS[name](task, output_dir)
    predictions = [int(label) for label in predict(task["test"]["texts"])]
    correct = sum(map(int.__eq__, predictions, task["test"]["labels"]))
    from bbc_classifier.provenance import peak_memory_mb

    answer = {"saved_at": saved_at, "correct": correct, "n": len(predictions), "peak_memory_mb": peak_memory_mb()}
    (work / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def save_sentence_encoder(encoder: str, path: str) -> str:
    """Write an encoder in the layout of sentence-transformers; return its directory."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    from bbc_classifier.model import locate_encoder

    # The mean, normalized, of at most 256 tokens: the model card of all-MiniLM-L6-v2.
    transformer = Transformer(str(locate_encoder(encoder).path), max_seq_length=256)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save(path)
    return path


def make_task(work: Path, encoder: str, train_rows: int | None) -> dict[str, Any]:
    """Return the rows of every split, the encoder, and the same encoder in the layout of sentence-transformers."""
    from bbc_classifier import load_data
    from bbc_classifier.model import locate_encoder

    data = load_data(max_train_samples=train_rows)
    task = {"labels": data["train"].features["label"].names, "encoder_name": encoder}
    task["encoder"] = str(locate_encoder(encoder).path)
    task["sentence_encoder"] = save_sentence_encoder(encoder, str(work / "sentence-encoder"))
    for split, rows in data.items():
        task[split] = {"texts": list(rows["text"]), "labels": list(rows["label"])}
    return task


def measure(name: str, task: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run one contender in a process of its own."""
    (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
    command = [sys.executable, __file__, "--contender", name, "--work", str(work)]
    started = time.time()
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{process.stderr[-3000:]}")
    answer = json.loads((work / "answer.json").read_text(encoding="utf-8"))
    return {"seed": task["seed"], "seconds": round(answer.pop("saved_at") - started, 2), **answer}


def main() -> None:
    """Run the rounds and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), help="contenders to run")
    parser.add_argument("--encoder", default="minilm", help="encoder of all contenders (default: %(default)s)")
    parser.add_argument("--train_rows", type=int, help="train on this many rows (default: all)")
    parser.add_argument("--output_file", type=Path, default=Path("results/peers.json"), help="default: %(default)s")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.contender:
        run_contender(args.contender, args.work)
        return
    from common import shown, summary, write_results

    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in args.only}
    with tempfile.TemporaryDirectory() as directory:
        task = make_task(Path(directory), args.encoder, args.train_rows)
        for turn in range(args.rounds):
            for name in args.only:
                runs[name].append(measure(name, {**task, "seed": 42 + turn}, Path(directory)))
                print(f"round {turn + 1}, {name}: {runs[name][-1]}", flush=True)
    contenders = {}
    for name, entries in runs.items():
        seconds = summary(run["seconds"] for run in entries)
        accuracy = summary((run["correct"] / run["n"] for run in entries), 4)
        ratios = summary(one["seconds"] / own["seconds"] for one, own in zip(entries, runs[args.only[0]], strict=True))
        contenders[name] = {"seconds": seconds, "times_as_long_as_first": ratios, "accuracy": accuracy, "runs": entries}
        print(f"{name:20} {shown(seconds)} s, accuracy {shown(accuracy, '.4f')}")
    sizes = {split: len(task[split]["texts"]) for split in ("train", "validation", "test")}
    record = {"encoder": args.encoder, "rows": sizes, "rounds": args.rounds}
    write_results(args.output_file, {**record, "contenders": contenders})


if __name__ == "__main__":
    main()

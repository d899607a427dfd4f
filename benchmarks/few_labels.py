"""Few labels: accuracy after training on 8, 16 and 64 articles a class of BBC News, on whole texts and on titles.

Every method trains on the same random draws from the train split and predicts the fixed test split, or with --split
validation the rows that choices are made on. The recipes cut their validation rows from the drawn articles; TF-IDF and
SetFit are fitted on all of them. SetFit (pip install setfit; without it, it is left out) has its defaults but for a
limit on its steps. Encoders compute in bf16 where the processor has it. Each training is written at once to
results/few-labels.json; what the file has is not measured again.
"""

import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import make_parser, save_sentence_encoder, write_results
from datasets import Dataset

from bbc_classifier import DataArguments, ModelArguments, TrainArguments, train
from bbc_classifier.data.loading import excerpts, load_splits
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.inference.classifier import Predictor, choose_precision
from bbc_classifier.io import read_json

METHODS = ("default", "quick", "few", "tfidf-svm", "tfidf-logistic", "setfit")
SETFIT_STEPS = 25
PRECISION = choose_precision("auto", "cpu")


def draw(rows: Dataset, per_class: int, seed: int) -> Dataset:
    """Return `per_class` random rows of each class, in random order."""
    rng, labels = np.random.default_rng(seed), np.array(rows["label"][:])
    chosen = [rng.choice(np.flatnonzero(labels == label), per_class, replace=False) for label in np.unique(labels)]
    return rows.select(rng.permutation(np.concatenate(chosen)))


def fit(method: str, few: Dataset, seed: int, work: Path) -> Any:
    """Train once; return the function from texts to label indices."""
    texts, labels = few["text"][:], few["label"][:]
    if method in BASELINES:
        return BASELINES[method]().fit(texts, labels).predict
    if method == "setfit":
        from setfit import SetFitModel, Trainer, TrainingArguments

        model = SetFitModel.from_pretrained(save_sentence_encoder("minilm", str(work / "sentence-encoder")))
        quiet = {"report_to": "none", "save_strategy": "no"}
        arguments = TrainingArguments(str(work / "steps"), seed=seed, max_steps=SETFIT_STEPS, **quiet)
        trainer = Trainer(model=model, args=arguments, train_dataset=few.select_columns(["text", "label"]))
        # Around steps, autocast must not cache weights: it would keep those of the first step.
        half = torch.autocast("cpu", torch.bfloat16, enabled=PRECISION == "bf16", cache_enabled=False)
        half(trainer.train)()
        return half(model.predict)
    args = TrainArguments(output_dir=str(work / "run"), seed=seed, disable_tqdm=True)
    run = train(ModelArguments(recipe=method), DataArguments(test_fraction=0), args, dataset=few).run_dir
    predictor = Predictor.from_pretrained(run.path, device="cpu")
    predictor.precision = PRECISION
    return lambda texts: predictor.predict_proba(texts).argmax(axis=1)


def measure(method: str, few: Dataset, rows: Dataset, seed: int) -> dict[str, float]:
    """Return the accuracy on whole texts and titles after a training, and its seconds."""
    started = time.perf_counter()
    parts = {"whole": rows["text"][:], "title": [excerpts(text, titled=True)["title"] for text in rows["text"]]}
    with tempfile.TemporaryDirectory() as work:
        predict = fit(method, few, seed, Path(work))
        result = {"seconds": round(time.perf_counter() - started, 1)}
        for part, texts in parts.items():
            result[part] = round(float((np.asarray(predict(texts)) == rows["label"][:]).mean()), 4)
    return result


def main() -> None:
    """Measure every method on every draw and write the results."""
    parser = make_parser(__doc__, "few-labels.json")
    parser.add_argument("--per_class", type=int, nargs="+", default=[8, 16, 64], help="training articles of a class")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="default: all")
    parser.add_argument("--draws", type=int, default=5, help="draws, and seeds, of a size (default: %(default)s)")
    parser.add_argument("--split", choices=("test", "validation"), default="test", help="default: %(default)s")
    args = parser.parse_args()
    data = load_splits(DataArguments())
    rows, record = data.dataset[args.split], {name: data.info[name] for name in ("name", "split_fingerprint")}
    record |= {"split": args.split, "n": len(rows), "setfit_steps": SETFIT_STEPS, "precision": PRECISION, "sizes": {}}
    if args.output_file.is_file():
        record["sizes"] = read_json(args.output_file)["sizes"]
    methods = [method for method in args.methods if method != "setfit" or find_spec("setfit")]
    if len(methods) < len(args.methods):
        print("SetFit is not installed and is left out")
    for seed, size, method in ((s, n, m) for s in range(args.draws) for n in args.per_class for m in methods):
        entry = record["sizes"].setdefault(str(size), {}).setdefault(method, {"runs": []})
        if any(run["seed"] == seed for run in entry["runs"]):
            continue
        few = draw(data.dataset["train"], size, seed)
        entry["runs"].append({"seed": seed, **measure(method, few, rows, seed)})
        for figure in ("whole", "title", "seconds"):
            values = [run[figure] for run in entry["runs"]]
            entry[figure] = {"mean": round(statistics.fmean(values), 4), "min": min(values), "max": max(values)}
        print(f"{size} a class, {method}: {entry['runs'][-1]}", flush=True)
        write_results(args.output_file, record)


if __name__ == "__main__":
    main()

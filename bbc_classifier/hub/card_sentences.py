"""What a card says in sentences, from the record."""

from collections.abc import Mapping
from typing import Any

from bbc_classifier.comparison.sentences import p_value
from bbc_classifier.hub.standing import Standing
from bbc_classifier.markdown import escape_markdown

POOLINGS = {
    "cls": "the vector of the first token",
    "mean": "the mean of its token vectors",
    "max": "the largest value of each dimension over its tokens",
    "pooler": "the encoder's own pretrained pooler",
    "attention": "a learned weighted mean of its token vectors",
    "cls+mean": "the vector of the first token beside the mean of all",
}
TRUNCATIONS = {"head": "the first", "tail": "the last", "head+tail": "the first and last, together"}


def headline(record: Mapping[str, Any]) -> str:
    """Return the main result: how many of how many, and with what interval."""
    test = record["evaluation"]["test"]
    key = "accuracy" if "accuracy" in test["metrics"] else "subset_accuracy"
    low, high = test["intervals"][key]
    what = "right" if key == "accuracy" else "right in every label"
    return (
        f"Of {test['n']:,} test articles, on which nothing was chosen, it gets {test['correct']:,} {what}: "
        f"{key.replace('_', ' ')} {test['metrics'][key]:.4f}, 95 % interval {low:.4f} to {high:.4f}."
    )


def reading(record: Mapping[str, Any]) -> str:
    """Return what of a text the classifier reads, and how it becomes an answer."""
    model, data = record["options"]["model"], record["options"]["data"]
    tokens = "distinct tokens" if data["distinct_tokens"] else "tokens"
    text = (
        f"It reads {TRUNCATIONS[data['truncation']]} {data['max_length']} {tokens} of a text, takes "
        f"{POOLINGS[model['pooling']]}, and a linear layer gives the labels."
    )
    if model["lexical_head"]:
        text += (
            " Beside it, a linear classifier over the tokens of the whole text gives scores of its own; both are added."
        )
    return f"{text} Longer texts need no care: the model cuts them itself."


def made_by(record: Mapping[str, Any]) -> str:
    """Return how the weights came to be."""
    training, options = record["training"], record["options"]
    seed = options["training"]["seed"]
    if training["steps"]:
        text = f"Trained for {training['epochs']:.3g} epochs ({training['steps']:,} steps), seed {seed}"
        if training["best_value"] is not None:
            metric = options["training"]["metric_for_best_model"]
            best = f"{metric} on validation ({training['best_value']:.4f})"
            text += f"; kept is step {training['best_step']:,}, the best in {best}"
    else:
        text = f"The encoder is as it was pretrained; the head was fitted to its vectors, seed {seed}"
    if training["refitted"]:
        text += ", and fitted again on train and validation together once validation had given its figures"
    seconds, memory = record["seconds"]["total"], record["peak_memory_mib"]["resident"]
    return (
        f"{text}. On {_machine(record)} in {training['precision']} this took {seconds:.0f} s from start to end and at "
        f"most {memory / 1024:.1f} GiB."
    )


def calibration(record: Mapping[str, Any]) -> str:
    """Return how the confidences were calibrated, and how far they are off."""
    error = record["evaluation"]["test"]["metrics"]["expected_calibration_error"]
    return (
        f"Confidences are divided by a temperature of {record['temperature']:.3f} fitted on validation and part of "
        f"the weights. On test, confidence and accuracy differ by {error:.4f} on average (expected calibration error, "
        "15 bins)."
    )


def compared(standing: Standing) -> str:
    """Return what the tests say of this configuration: against TF-IDF, and among the others."""
    protocol = standing.protocol
    how = "on the fixed split" if protocol["folds"] is None else f"out of {protocol['folds']} folds"
    text = f"In a comparison on {protocol['articles']:,} articles, each predicted {how}: "
    text += f"rank group {standing.group} of {standing.groups}"
    if standing.tied:
        text += f"; the tests do not tell it apart from {', '.join(map(escape_markdown, standing.tied))}"
    return f"{text}. {_against_baseline(standing)}".strip()


def _against_baseline(standing: Standing) -> str:
    pair, baseline = standing.pair, standing.baseline
    if pair is None or baseline is None:
        return ""
    sign = 1 if pair["first"] == standing.row["name"] else -1
    low, high = sorted(sign * bound for bound in pair["interval"])
    verdict = "significant" if pair["different"] else "not significant"
    return (
        f"Against {escape_markdown(baseline['name'])}, the better TF-IDF: {sign * pair['points']:+.2f} points "
        f"({low:+.2f} to {high:+.2f}), adjusted {p_value(pair['p_holm'])}: {verdict}."
    )


def _machine(record: Mapping[str, Any]) -> str:
    hardware = record["provenance"]["hardware"]
    if hardware.get("gpu") and record["training"]["device"].startswith("cuda"):
        return f"one {hardware['gpu']}"
    return f"{hardware['cores']} cores ({hardware['processor']})"

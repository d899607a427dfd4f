"""What a card says in sentences, from the record."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bbc_classifier.comparison.sentences import p_value
from bbc_classifier.hub.card_words import POOLINGS, TRUNCATIONS
from bbc_classifier.markdown import escape_markdown

if TYPE_CHECKING:
    from bbc_classifier.hub.standing import Standing


def headline(record: Mapping[str, Any]) -> str:
    """Return the main result: how many of how many, and with what interval."""
    test = record["evaluation"]["test"]
    key = "accuracy" if "accuracy" in test["metrics"] else "subset_accuracy"
    low, high = test["intervals"][key]
    what = "right" if key == "accuracy" else "right in every label"
    text = (
        f"Of {test['n']:,} test articles, on which nothing was chosen, it gets {test['correct']:,} {what}: "
        f"{key.replace('_', ' ')} {test['metrics'][key]:.4f}, {100 * test['interval_method']['level']:g} % interval "
        f"{low:.4f} to {high:.4f}."
    )
    leaked = record["data"]["leaks"]["test"]
    return f"{text} {leaked:,} of them also stand in train or validation, which flatters." if leaked else text


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
    """Return how the weights came to be, and at what cost."""
    training, options = record["training"], record["options"]
    seed = options["training"]["seed"]
    if training["steps"]:
        text = f"Trained for {training['epochs']:.3g} epochs ({training['steps']:,} steps), seed {seed}; kept is "
        text += _kept(training, options["training"]["metric_for_best_model"])
    else:
        text = f"The encoder is as it was pretrained; the head was fitted to its vectors, seed {seed}"
    if training["refitted"]:
        text += ", and fitted again on train and validation together once validation had given its figures"
    return f"{text}. {_cost(record)}"


def _kept(training: Mapping[str, Any], metric: str) -> str:
    if training["best_value"] is None:
        return "the last step"
    return f"step {training['best_step']:,}, the best in {metric} on validation ({training['best_value']:.4f})"


def _cost(record: Mapping[str, Any]) -> str:
    """Return on what machine, how long and with how much memory; of a run that was resumed, since then."""
    training, memory = record["training"], record["peak_memory_mib"]
    precision = escape_markdown(training["precision"])
    span = "since it was resumed" if training["resumed"] else "from start to end"
    text = (
        f"On {_machine(record)} in {precision} this took {record['seconds']['total']:.0f} s {span} and at "
        f"most {memory['resident'] / 1024:.1f} GiB of memory"
    )
    if "gpu" in memory:
        text += f" and {memory['gpu'] / 1024:.1f} GiB of the GPU's"
    if training["shares_reading"]:
        text += "; what it read it shared with other cells of a comparison, so that alone it takes longer"
    return f"{text}."


def calibration(record: Mapping[str, Any]) -> str:
    """Return how the confidences were calibrated, and how far they are off."""
    test = record["evaluation"]["test"]
    return (
        f"Scores are divided by a temperature of {record['temperature']:.3f}, fitted on validation and part of the "
        f"weights. On test, confidence and accuracy differ by {test['metrics']['expected_calibration_error']:.4f} on "
        f"average (expected calibration error, {test['interval_method']['calibration_bins']} bins)."
    )


def compared(standing: "Standing") -> str:
    """Return what the tests say of this configuration: against TF-IDF, and among the others."""
    protocol = standing.protocol
    how = "on the fixed split" if protocol["folds"] is None else f"out of {protocol['folds']} folds"
    text = f"In a comparison on {protocol['articles']:,} articles, each predicted {how}: "
    text += f"rank group {standing.group} of {standing.groups}"
    if standing.tied:
        text += f"; the tests do not tell it apart from {', '.join(map(escape_markdown, standing.tied))}"
    return f"{text}. {_against_baseline(standing)}".strip()


def _against_baseline(standing: "Standing") -> str:
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
    hardware, training = record["provenance"]["hardware"], record["training"]
    several = f"{training['processes']} processes on " if training["processes"] > 1 else ""
    if hardware.get("gpu") and training["device"].startswith("cuda"):
        return f"{several}{escape_markdown(hardware['gpu'])}"
    threads, cores = hardware.get("torch_threads", hardware["cores"]), hardware["cores"]
    used = f"{cores} cores" if threads >= cores else f"{threads} of {cores} cores"
    return f"{several}{used} ({escape_markdown(hardware['processor'])})"


def commit(record: Mapping[str, Any]) -> str:
    """Return the commit that trained it, and whether files differed from it; nothing outside a checkout."""
    name, _, changes = (record["provenance"]["commit"] or "").partition("+")
    return f"; commit `{name[:12]}`{' with uncommitted changes' if changes else ''}" if name else ""

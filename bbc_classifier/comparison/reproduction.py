"""A configuration as what reproduces it: a complete script, and the command that does the same."""

import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

# What follows from the precision, the metric and the machine at hand, and what the grid sets in each cell beside it.
OF_THE_MACHINE = frozenset({"use_cpu", "bf16", "fp16", "full_determinism", "greater_is_better"})
LEFT_OUT = OF_THE_MACHINE | {"fold", "folds", "max_train_samples"}
SCRIPT = '''"""{name}: train, evaluate and save this configuration. Needs `pip install "bbc-classifier[offline]"`."""

import logging

from bbc_classifier import ClassifierTrainingArguments, DataArguments, ModelArguments, NewsClassifier, train
from bbc_classifier.records import read_json

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    run = train(
        ModelArguments({model}),
        DataArguments({data}),
        ClassifierTrainingArguments({training}),
    )
    test = read_json(run.record)["evaluation"]["test"]
    low, high = test["intervals"]["accuracy"]
    print(f"accuracy {{test['metrics']['accuracy']:.4f}} ({{low:.4f}} to {{high:.4f}}), n = {{test['n']}}")
    classifier = NewsClassifier.from_pretrained(str(run.path))
    print(classifier.predict(["Shares fell in early trading."])[0])
'''


def script(name: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a complete Python script that trains the configuration on the fixed split.

    Args:
        name: The configuration.
        options: `configuration` of the results: options by group.
    """
    groups = {group: _said(options.get(group, {})) for group in ("model", "data", "training")}
    groups["training"]["output_dir"] = f"runs/{name}"
    # No name may end the text that it stands in.
    shown = re.sub(r"[^\w .+-]", "_", name)
    return SCRIPT.format(name=shown, **{group: _keywords(values) for group, values in groups.items()})


def command(name: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the command that trains the configuration on the fixed split."""
    return _command(name, options, LEFT_OUT)


def run_command(name: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the command that trains one run again, on the very rows of its fold or sample."""
    return _command(name, options, OF_THE_MACHINE)


def _command(name: str, options: Mapping[str, Mapping[str, Any]], left_out: Collection[str]) -> str:
    groups = ("model", "data", "training")
    said = {option: value for group in groups for option, value in _said(options[group], left_out).items()}
    flags = [f"--{option}={value}" for option, value in said.items() if not isinstance(value, list)]
    lists = [
        part for option, value in said.items() if isinstance(value, list) for part in (f"--{option}", *map(str, value))
    ]
    return shlex.join(["bbc-classifier", "train", *flags, *lists, f"--output_dir=runs/{name}"])


def _said(values: Mapping[str, Any], left_out: Collection[str] = LEFT_OUT) -> dict[str, Any]:
    """Return the options without those that are unset, empty, or follow from others and the machine."""
    return {
        name: value
        for name, value in values.items()
        if name not in left_out and value is not None and value not in ([], {}) and not isinstance(value, dict)
    }


def _keywords(values: Mapping[str, Any]) -> str:
    inner = "".join(f"\n            {name}={value!r}," for name, value in values.items())
    return f"{inner}\n        " if inner else ""

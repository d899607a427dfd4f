"""A finished run, built by hand, a Hub on the loopback, and a process that pushes to it."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from bbc_classifier.config import DataArguments, ModelArguments, TrainArguments, hyperparameters, resolve_recipe
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.io import file_sha256, read_json, write_json
from bbc_classifier.provenance import environment
from tests.conftest import LABELS
from tests.hub_server import TOKEN, HubServer

NUMBERS = count(1)
TEXTS = ("the shares fell in the market", "the team", "a minister and a vote in the party")
# Reads a line of JSON, [paths, options, token], and answers each with a line: the addresses, or the error.
PUSH_PROCESS = """
import json, os, sys, time
time.sleep = lambda seconds: None  # the client waits before it retries
answers, sys.stdout = sys.stdout, sys.stderr
from bbc_classifier.config import PushArguments
from bbc_classifier.hub.push import push
for line in sys.stdin:
    paths, options, token = json.loads(line)
    os.environ.pop("HF_TOKEN", None)
    if token:
        os.environ["HF_TOKEN"] = token
    try:
        answer = {"urls": push(paths, PushArguments(**options))}
    except (ValueError, RuntimeError) as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), file=answers, flush=True)
"""


def make_record(weights: Path, examples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of a run on 100 short texts; 18 of 20 test texts are predicted correctly."""
    options = resolve_recipe(
        ModelArguments(encoder="/home/ann/encoders/tiny-bert"),
        DataArguments(dataset="/home/ann/topics.jsonl", max_length=16),
        TrainArguments(num_train_epochs=1.0),
    )
    scores = {"precision": 0.91, "recall": 0.9, "f1": 0.8994}
    counts = [[2, 1, 1, 0, 0], *([4 if row == column else 0 for column in range(5)] for row in range(1, 5))]
    bootstrap = "percentile bootstrap over rows, 2000 resamples, seed 0"
    test = {
        "n": 20,
        "correct": 18,
        "metrics": {"accuracy": 0.9, "macro_f1": 0.8994, "log_loss": 0.4123, "expected_calibration_error": 0.0517},
        "intervals": {"accuracy": [0.699, 0.9721], "macro_f1": [0.7513, 1.0]},
        "interval_method": {"level": 0.95, "accuracy": "Wilson score", "others": bootstrap, "calibration_bins": 15},
        "per_class": {name: {**scores, "support": 4 + index} for index, name in enumerate(LABELS)},
        "confusion_matrix": {"labels": LABELS, "counts": counts},
        **{"truncated_share": 0.05, "seconds": 0.31},
    }
    data = {
        **{"name": "topics.jsonl", "num_rows": 103, "num_unique_texts": 100, "exact_duplicates_dropped": 3},
        **{"near_duplicate_pairs": 7, "conflicting_labels": 1, "predefined_split": False},
        "leakage": {"validation": 0, "test": 0},
        "split_sizes": {"train": 60, "validation": 22, "test": 20},
        "split_fingerprint": "f1" * 32,
    }
    training = {
        **{"precision": "fp32", "device": "cpu", "num_processes": 1, "global_step": 48, "epochs": 1.5, "best_step": 36},
        **{"best_metric": 0.8765, "resumed": False, "refit_on_validation": False},
    }
    model = {"num_parameters": 12_345, "weights_sha256": file_sha256(weights), "weights_bytes": 9, "labels": LABELS}
    return {
        "schema": 2,
        "options": hyperparameters(*options),
        "encoder": {"name": "tiny-bert", "origin": "directory", "hub_id": None, "revision": None},
        **{"model": model, "data": data, "training": training, "examples": examples},
        **{"problem_type": "single_label_classification", "temperature": 1.234, "thresholds": None},
        "evaluation": {"validation": {"truncated_share": 0.04}, "test": test},
        "seconds": {"total": 77.0},
        "peak_memory_mb": {"rss": 1536.0},
        "provenance": environment(),
    }


@pytest.fixture
def make_run(
    tiny_classifier: Callable, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> Callable[[str, float], Path]:
    """Return a function that builds a finished run with this name; another bias gives other weights."""

    def make(name: str = "tiny-run", bias: float = 0.0) -> Path:
        run_dir = tmp_path / "runs" / name
        model = tiny_classifier(max_input_tokens=16)
        model.classifier.bias.data[0] += bias
        model.save_pretrained(run_dir / "model")
        tokenizer.save_pretrained(run_dir / "model")
        predictions = TextClassifier.from_pretrained(run_dir / "model").predict(TEXTS)
        pairs = zip(TEXTS, predictions, strict=True)
        examples = [{"text": text, "probabilities": prediction.probabilities} for text, prediction in pairs]
        (run_dir / "figures").mkdir()
        (run_dir / "figures" / "confusion_matrix.png").write_bytes(b"a picture")
        for other in ("options.json", "split.json", "model/training_args.bin", "model/notes.txt", "figures/notes.txt"):
            (run_dir / other).write_text("not for others")
        write_json(run_dir / "record.json", make_record(run_dir / "model" / "model.safetensors", examples))
        return run_dir

    return make


@pytest.fixture
def run(make_run: Callable[..., Path]) -> Path:
    return make_run()


@pytest.fixture
def edit_record(run: Path) -> Callable[..., None]:
    """Return a function that changes entries of the run's record: `edit(data={"name": "x"}, temperature=2.0)`."""

    def edit(**changes: Any) -> None:
        record = copy.deepcopy(read_json(run / "record.json"))
        for name, value in changes.items():
            record[name] = {**record[name], **value} if isinstance(value, dict) else value
        write_json(run / "record.json", record)

    return edit


@pytest.fixture(scope="session")
def hub_server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def hub(hub_server: HubServer) -> Iterator[HubServer]:
    yield hub_server
    hub_server.failures.clear()


@pytest.fixture(scope="session")
def push_process(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    environment = hub_server.environment(tmp_path_factory.mktemp("hub-home"), HF_HUB_DISABLE_PROGRESS_BARS="1")
    with (tmp_path_factory.mktemp("log") / "stderr").open("w") as log:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
        command, root = [sys.executable, "-c", PUSH_PROCESS], Path(__file__).parents[2]
        process = subprocess.Popen(command, env=environment, cwd=root, **pipes)
        process.log = Path(log.name)  # type: ignore[attr-defined]
        yield process
        process.communicate()


@pytest.fixture
def push(push_process: subprocess.Popen) -> Callable[..., dict[str, Any]]:
    """Return a function that pushes runs in the other process and returns {"urls"}, or {"error", "message"}."""

    def ask(*paths: Path, hf_token: str | None = TOKEN, **options: Any) -> dict[str, Any]:
        question = [[str(path) for path in paths], {"license": "mit", **options}, hf_token]
        print(json.dumps(question), file=push_process.stdin, flush=True)
        line = push_process.stdout.readline()
        assert line, push_process.log.read_text()
        return json.loads(line)

    return ask


@pytest.fixture
def repo_id() -> str:
    """A repository that no other test uses."""
    return f"ann/news-{next(NUMBERS)}"

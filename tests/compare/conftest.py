"""A comparison written by hand, and one really trained with tiny encoders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bbc_classifier.compare.report import write_report
from bbc_classifier.compare.run import CompareOutcome, compare
from bbc_classifier.config import CompareArguments
from tests.compare.synthetic import write_comparison
from tests.tiny import articles, save_tiny_encoder, write_csv

QUICK = {"max_length": 16, "max_steps": 2, "per_device_train_batch_size": 8, "learning_rate": 5e-3}
QUIET = {"disable_tqdm": True, "use_cpu": True, "precision": "fp32"}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic comparison with its report; read-only."""
    path = write_comparison(tmp_path_factory.mktemp("written") / "comparison")
    write_report([path], path, command="bbc-classifier compare --encoders /home/me/bert '<script>alert(3)</script>'")
    return path


@pytest.fixture(scope="session")
def results(written: Path) -> dict[str, Any]:
    return json.loads((written / "results.json").read_text())


@pytest.fixture(scope="session")
def tiny_encoders(tiny_bert_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A tiny BERT and a tiny DistilBERT, which has no pooler."""
    distilbert = save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny-distilbert", "distilbert")
    return [str(tiny_bert_dir), str(distilbert)]


@pytest.fixture(scope="session")
def train_grid(tiny_bert_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CompareOutcome]:
    """Return a function that trains a grid of tiny encoders, two steps each; `given` are options of `train`."""
    rows = articles("business", "sport", "tech", each=16)
    data_file = write_csv(tmp_path_factory.mktemp("data") / "news.csv", rows)

    def run(path: Path, given: dict[str, Any] | None = None, **grid: Any) -> CompareOutcome:
        grid = {"encoders": [str(tiny_bert_dir)], "poolings": ["cls"], **grid}
        quick = {} if grid.get("mode") == "linear_probe" else QUICK
        options = {"dataset": data_file, "output_dir": str(path), **quick, **QUIET, **(given or {})}
        return compare(CompareArguments(**grid), options)

    return run


@pytest.fixture(scope="session")
def trained(
    train_grid: Callable[..., CompareOutcome], tiny_encoders: list[str], tmp_path_factory: pytest.TempPathFactory
) -> CompareOutcome:
    """A finished comparison: two encoders, the pooling that one does not support, two folds; read-only."""
    path = tmp_path_factory.mktemp("trained") / "comparison"
    return train_grid(path, {"folds": 2}, encoders=tiny_encoders, poolings=["pooler"])

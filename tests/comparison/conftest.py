"""A small data set of the test's own, two tiny encoders, and a caller of the command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bbc_classifier.cli import main
from bbc_classifier.comparison.results import results
from tests.comparison.finished_cells import answers, cell
from tests.tiny import save_tiny_encoder

TOPICS = {"business": "shares market", "sport": "goal match", "tech": "phone software"}
NASTY = ["<script>alert(1)</script>", "a|b`c*", '"quoted" & $x$']
QUICK = ["--max_length", "16", "--max_steps", "2", "--per_device_train_batch_size", "8", "--learning_rate", "5e-3"]
QUICK += ["--disable_tqdm", "true", "--use_cpu", "true"]


def write_articles(path: Path) -> Path:
    """Write sixty short texts, a third of a topic each; every tenth is about another topic than its words say."""
    rows = []
    for number in range(60):
        label = list(TOPICS)[number % 3]
        words = TOPICS[list(TOPICS)[(number + (number % 10 == 0)) % 3]]
        rows.append({"text": f"the {words} {number}\nof a team {number * number}", "label": label})
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The articles, as JSON Lines."""
    return write_articles(tmp_path_factory.mktemp("articles") / "articles.jsonl")


@pytest.fixture(scope="session")
def tiny_distilbert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DistilBERT, which has no pooler."""
    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny-distilbert", "distilbert")


@pytest.fixture(scope="session")
def compare(articles: Path, tiny_bert_folder: Path, tiny_distilbert_folder: Path) -> Callable[..., int]:
    """Return a caller of `bbc-classifier compare` on the articles; it returns the exit code."""

    def run(folder: Path, *flags: str, encoders: str | None = None, quick: bool = True) -> int:
        chosen = encoders or f"{tiny_bert_folder},{tiny_distilbert_folder}"
        arguments = ["--encoders", chosen, "--dataset", str(articles), "--output_dir", str(folder), *flags]
        return main(["compare", *arguments, *(QUICK if quick else [])])

    return run


@pytest.fixture(scope="session")
def compared(compare: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished comparison: two encoders, two poolings, two seeds, two folds, a short curve. Only read it."""
    folder = tmp_path_factory.mktemp("compared") / "comparison"
    assert compare(folder, "--poolings", "cls,pooler", "--seeds", "2", "--folds", "2", "--train_sizes", "12,all") == 0
    return folder


@pytest.fixture(scope="session")
def nasty() -> dict:
    """Results whose labels, names and titles try to be markup."""
    renamed = dict(zip("abc", NASTY, strict=True))
    rows = {row: (renamed[true], renamed[given]) for row, (true, given) in answers([0, 4]).items()}
    cells = [cell(rows, encoder="<b>bold</b>", labels=NASTY), cell(rows, pooling="mean", labels=NASTY)]
    cells.append(cell(rows, baseline="tfidf-svm", labels=NASTY))
    content = results(cells, {"<i>failed</i>": "<img src=x onerror=alert(1)>"}, {"x|y": "no <pooler>"})
    content["hardest"] = [{**row, "title": "<script>alert(2)</script>"} for row in content["hardest"]]
    return {**content, "reproduce": "bbc-classifier compare --encoders '<script>alert(3)</script>'"}

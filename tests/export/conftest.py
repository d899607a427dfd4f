import itertools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.records import write_json
from tests.conftest import LABELS
from tests.export.stock_families import stock_classifier
from tests.tiny import WORDS, tiny_tokenizer

PAIRS = list(enumerate(itertools.permutations(WORDS[:12], 2)))


@pytest.fixture
def news_run(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Return a maker of the run folder `run` in an empty working folder, whose files say that it is of `news.csv`."""
    monkeypatch.chdir(tmp_path)

    def make(pooling: str = "pooler", **options: object) -> Path:
        rows = [f"the {first} of {second} in {number},{LABELS[number % 5]}" for number, (first, second) in PAIRS]
        Path("news.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
        run, data = Path("run"), DataArguments(dataset="news.csv")
        articles = load_articles(data)
        stock_classifier("bert", pooling, **options).save_pretrained(run / "model")
        tiny_tokenizer().save_pretrained(run / "model")
        write_json(run / "options.json", {"data": asdict(data)})
        articles.split.save(run / "split.json")
        write_json(run / "seen_texts.json", articles.seen_texts())
        write_json(run / "record.json", {})
        return run

    return make

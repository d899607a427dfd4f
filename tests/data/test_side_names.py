import pytest

from bbc_classifier.data.side_names import SIDE_OF_WORD, side_in_name, side_of_split


@pytest.mark.parametrize("word", SIDE_OF_WORD)
def test_every_word_is_a_split_and_a_file_of_its_side(word):
    assert side_of_split(word) == side_of_split(word.upper()) == side_in_name(word) == SIDE_OF_WORD[word]


@pytest.mark.parametrize("name", ["", "unsupervised", "train_small", "train+test", "test_matched", "latest", "tests"])
def test_a_split_that_is_not_named_for_a_whole_side_has_none(name):
    assert side_of_split(name) is None


@pytest.mark.parametrize(
    ("stem", "side"),
    [
        ("news-train-00000-of-00002", "train"),
        ("my_test", "test"),
        ("News.Validation.v2", "validation"),
        ("dev-eval", "validation"),
        ("zürich_train", "train"),
    ],
)
def test_a_word_of_the_stem_names_the_side(stem, side):
    assert side_in_name(stem) == side


@pytest.mark.parametrize("stem", ["", "-", "latest", "trainers", "contest", "devices", "train1", "news"])
def test_a_side_inside_another_word_does_not_count(stem):
    assert side_in_name(stem) is None


@pytest.mark.parametrize("stem", ["train_test", "train-val-test", "test of the dev set"])
def test_a_stem_that_names_two_sides_names_none(stem):
    assert side_in_name(stem) is None

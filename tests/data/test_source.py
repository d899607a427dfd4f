"""Which source the options mean; a name that could be both is a path where there is one."""

from pathlib import Path

import pytest

from bbc_classifier.data.bbc_news import BbcNews
from bbc_classifier.data.class_folders import ClassFolders
from bbc_classifier.data.file_source import FileSource
from bbc_classifier.data.hub_source import HubSource
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError
from tests.data.stories import stories, write_csv


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder with a file, a folder of files and one of class folders."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "news.csv", stories("arts"))
    write_csv(tmp_path / "files" / "news.csv", stories("arts"))
    write_csv(tmp_path / "acme" / "news" / "train.csv", stories("arts"))
    (tmp_path / "classes" / "sport").mkdir(parents=True)
    (tmp_path / "classes" / "sport" / "1.txt").write_text("a goal")
    return tmp_path


SOURCES = {
    "bbc-news": BbcNews,
    "news.csv": FileSource,
    "./news.csv": FileSource,
    "*.csv": FileSource,
    "files": FileSource,
    "files/*.csv": FileSource,
    "classes": ClassFolders,
    "acme/news": FileSource,
    "acme/other": HubSource,
    "imdb": HubSource,
    "fancyzhx/ag_news": HubSource,
}


@pytest.mark.parametrize("dataset", SOURCES)
def test_the_name_says_what_is_meant(dataset, here):
    assert type(open_source(DataArguments(dataset=dataset))) is SOURCES[dataset]


def test_the_whole_path_means_the_same(here):
    assert isinstance(open_source(DataArguments(dataset=str(here / "news.csv"))), FileSource)
    assert isinstance(open_source(DataArguments(dataset=str(here / "classes"))), ClassFolders)


MISSING = {
    "nowhere.csv": "there is no file 'nowhere.csv'",
    "acme/nowhere.parquet": "there is no file 'acme/nowhere.parquet'",
    "./nowhere": "there is no file './nowhere'",
    "a/b/c": "there is no file 'a/b/c'",
    "~/nowhere-at-all": "there is no file '~/nowhere-at-all'",
    "nowhere/*": r"no file matches 'nowhere/\*'",
}


@pytest.mark.parametrize("dataset", MISSING)
def test_a_path_that_is_not_there_is_never_taken_for_a_hub_id(dataset, here):
    with pytest.raises(InputError, match=f"--dataset: {MISSING[dataset]}"):
        open_source(DataArguments(dataset=dataset))


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_a_data_set_and_files_of_sides_exclude_each_other(side, here):
    with pytest.raises(
        InputError, match="--dataset and --train_file, --validation_file or --test_file exclude each other"
    ):
        open_source(DataArguments(dataset="news.csv", **{f"{side}_file": "news.csv"}))
    assert isinstance(open_source(DataArguments(**{f"{side}_file": "news.csv"})), FileSource)

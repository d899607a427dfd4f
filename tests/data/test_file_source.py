"""Files as a source: which files are meant, what side each is on, and names that say nothing of the machine."""

import json
from pathlib import Path

import pytest

from bbc_classifier.data.file_source import FileSource, SidedFile, files_of_dataset, files_of_sides, short_names
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError
from tests.data.stories import write_csv

ROWS = [("a goal", "sport"), ("a film", "arts")]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Work in an empty folder; return a maker of small files there."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> None:
        for name in names:
            write_csv(tmp_path / name, ROWS)

    return make


def sides(dataset: str) -> dict[str, str | None]:
    return {file.path.as_posix(): file.side for file in files_of_dataset(dataset)}


def test_a_file_named_by_itself_is_on_no_side_whatever_its_name(files):
    files("test.csv", "other/test.csv")
    assert sides("test.csv") == {"test.csv": None}
    # What a folder or a pattern happens to hold is another matter: what is called test must not train.
    assert sides("other") == sides("other/*.csv") == {"other/test.csv": "test"}


def test_folders_that_are_named_for_sides_say_it_where_the_files_do_not(files, tmp_path):
    files("hub/train/part-0.csv", "hub/test/part-0.csv", "hub/dev/a/part-0.csv")
    there = {"hub/train/part-0.csv": "train", "hub/test/part-0.csv": "test", "hub/dev/a/part-0.csv": "validation"}
    assert sides("hub") == sides("hub/**/*.csv") == there
    # The folders before a pattern are nobody's choice.
    files("test/news/1.csv", "test/news/2.csv")
    assert set(sides("test/news").values()) == set(sides("test/news/*.csv").values()) == {None}
    assert set(sides(f"{tmp_path}/test/news/*.csv").values()) == {None}


@pytest.mark.parametrize("name", ["~nobody-of-this-name/news.csv", "n" * 300 + ".csv"], ids=["home", "long"])
def test_a_name_that_no_system_takes_is_refused(name):
    with pytest.raises(InputError, match="--dataset: "):
        files_of_dataset(name)


def test_files_that_are_named_for_sides_are_on_them(files):
    files("news/Train.csv", "news/dev.csv", "news/my-test-00001.csv", "news/my-test-00000.csv")
    there = {"Train.csv": "train", "dev.csv": "validation", "my-test-00000.csv": "test", "my-test-00001.csv": "test"}
    assert sides("news") == sides("news/*.csv") == {f"news/{name}": side for name, side in there.items()}


def test_files_that_are_not_are_all_rows(files):
    files("news/2004.csv", "news/old/2003.csv", "news/2005.tsv", "news/notes.md", "news/latest.csv")
    assert sides("news") == dict.fromkeys(["news/2004.csv", "news/2005.tsv", "news/latest.csv", "news/old/2003.csv"])
    assert sides("news/**/*.csv") == dict.fromkeys(["news/2004.csv", "news/latest.csv", "news/old/2003.csv"])
    assert sides("news/200[3-5].*") == dict.fromkeys(["news/2004.csv", "news/2005.tsv"])
    assert len(sides(str(Path.cwd() / "news" / "*.csv"))) == 2


def test_the_case_of_an_ending_does_not_matter(files):
    files("news/2004.CSV")
    assert sides("news") == {"news/2004.CSV": None}


def test_a_name_with_the_marks_of_a_pattern_is_a_file_if_there_is_one(files):
    files("news[1].csv", "news1.csv")
    assert sides("news[1].csv") == {"news[1].csv": None}


def test_the_options_name_a_file_or_a_pattern_for_each_side(files):
    files("a1.csv", "a2.csv", "b.csv", "c.csv")
    options = DataArguments(train_file="a*.csv", validation_file="b.csv", test_file="c.csv")
    there = [(file.path.name, file.side) for file in files_of_sides(options)]
    assert there == [("a1.csv", "train"), ("a2.csv", "train"), ("b.csv", "validation"), ("c.csv", "test")]
    assert [file.side for file in files_of_sides(DataArguments(test_file="c.csv"))] == ["test"]


REFUSED = {
    "no such file": ("nowhere.csv", "--dataset: there is no file 'nowhere.csv'"),
    "nothing matches": ("*.jsonl", r"--dataset: no file matches '\*\.jsonl'"),
    "a pattern of folders": ("fold*", r"--dataset: no file matches 'fold\*'"),
    "no pattern": ("folder/**.csv", r"--dataset: 'folder/\*\*\.csv' is no pattern of file names: "),
    "an empty folder": (
        "empty",
        "the folder 'empty' holds neither a file of rows .* nor a folder of text files per class",
    ),
    "some are named for a side": (
        "folder",
        "'folder.train.csv' is named for a side and 'folder.news.csv' is not; name the",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_data_set_that_names_no_files_is_refused(name, files, tmp_path):
    files("folder/train.csv", "folder/news.csv")
    (tmp_path / "empty").mkdir()
    dataset, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        files_of_dataset(dataset)


def test_a_side_needs_files_of_its_own(files):
    files("a.csv", "b.csv", "folder/c.csv")
    with pytest.raises(InputError, match=r"the file 'a\.csv' is on two sides; every file may be on one"):
        files_of_sides(DataArguments(train_file="*.csv", test_file="folder/../a.csv"))
    with pytest.raises(InputError, match="--test_file: 'folder' is a folder where a file is meant"):
        files_of_sides(DataArguments(test_file="folder"))
    with pytest.raises(InputError, match=r"--validation_file: there is no file 'd.csv'"):
        files_of_sides(DataArguments(train_file="a.csv", validation_file="d.csv"))


NAMES = [
    (["/home/ann/news.csv"], ["news.csv"]),
    (["/home/ann/train.csv", "/data/test.csv"], ["train.csv", "test.csv"]),
    (["/home/ann/a/news.csv", "/home/ann/b/news.csv"], ["a/news.csv", "b/news.csv"]),
    (["a/x/1.csv", "b/x/1.csv", "b/x/2.csv"], ["a/x/1.csv", "b/x/1.csv", "b/x/2.csv"]),
    (["news.csv", "old/../older/news.csv"], None),
]


@pytest.mark.parametrize(("paths", "names"), NAMES, ids=str)
def test_a_file_is_named_with_no_more_folders_than_tell_it_apart(paths, names):
    assert short_names([Path(path) for path in paths]) == (names or [f"{Path.cwd().name}/news.csv", "older/news.csv"])


def test_a_link_is_called_by_its_own_name(files, tmp_path):
    files("blobs/3f2a.csv")
    try:
        (tmp_path / "news.csv").symlink_to(tmp_path / "blobs" / "3f2a.csv")
    except OSError:
        pytest.skip("this system makes no links")
    assert FileSource([SidedFile(Path("news.csv"), None)], DataArguments()).read()["row_id"][0] == "news.csv:1"


def test_rows_and_provenance_say_nothing_of_the_machine(files, tmp_path):
    files("deep/here/train.csv", "elsewhere/test.csv")
    options = DataArguments(train_file=str(tmp_path / "deep/here/train.csv"), test_file="elsewhere/test.csv")
    source = FileSource(files_of_sides(options), options)
    table, said = source.read(), source.provenance()
    assert table["row_id"][:] == ["train.csv:1", "train.csv:2", "test.csv:1", "test.csv:2"]
    assert str(tmp_path) not in json.dumps([table.to_list(), said])
    assert said["name"] == "elsewhere+here (2 files)"
    assert said["columns"] == {"text": ["text"], "label": "label"}
    assert [(file["name"], file["side"]) for file in said["files"]] == [("train.csv", "train"), ("test.csv", "test")]
    # The SHA-256 of "text,label\r\na goal,sport\r\na film,arts\r\n".
    assert {file["sha256"] for file in said["files"]} == {
        "f0e324a7371083fd2759e67ddcbb9984a9bfff855f0c35f2acf5a1c5ffdc092e"
    }


def test_formats_may_be_mixed_as_long_as_the_columns_are_the_same(files, tmp_path):
    files("news/1.csv")
    (tmp_path / "news" / "2.jsonl").write_text('{"text": "a vote", "label": "politics"}\n', encoding="utf-8")
    table = FileSource(files_of_dataset("news"), DataArguments()).read()
    assert table["row_id"][:] == ["1.csv:1", "1.csv:2", "2.jsonl:1"]
    (tmp_path / "news" / "3.json").write_text('[{"story": "a vote", "label": "politics"}]', encoding="utf-8")
    with pytest.raises(InputError, match=r"'news.3\.json' has no column 'text', unlike 'news.1\.csv'; it has 'story'"):
        FileSource(files_of_dataset("news"), DataArguments()).read()


def test_the_delimiter_holds_for_every_file(files, tmp_path):
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("text;label\na, b;sport\n", encoding="utf-8")
    table = FileSource(files_of_dataset("*.csv"), DataArguments(delimiter=";")).read()
    assert table["text"][:] == ["a, b", "a, b"]

"""A folder of class folders: a text file per article, the folder's name for a label, and sides above them."""

import json
import random

import pytest

from bbc_classifier.data.class_folders import ClassFolders, holds_class_folders
from bbc_classifier.data.labelled_table import label_sets
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.source import open_source
from bbc_classifier.errors import InputError, WorldError


@pytest.fixture
def write(tmp_path):
    """Return a writer of files in the folder `news`, by path, in a random order."""

    def write_files(**files: str | bytes):
        for path in random.Random(0).sample(sorted(files), len(files)):
            file = tmp_path / "news" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(files[path] if isinstance(files[path], bytes) else files[path].encode())
        return tmp_path / "news"

    return write_files


def test_the_folder_is_the_label_and_the_path_is_the_row_id(write):
    folder = write(**{"tech/001.txt": " A phone\r\n", "sport/002.txt": "\ufeffA goal\n\nlate", "sport/001.txt": ""})
    table = ClassFolders(folder).read()
    assert table.to_list() == [
        {"row_id": "sport/001.txt", "text": "", "label": 0},
        {"row_id": "sport/002.txt", "text": "A goal\n\nlate", "label": 0},
        {"row_id": "tech/001.txt", "text": "A phone", "label": 1},
    ]
    assert table.features["label"].names == ["sport", "tech"]


def test_folders_named_for_sides_are_ready_made_splits(write):
    folder = write(
        **{"test/tech/1.txt": "c", "Train/sport/1.txt": "a", "train2/sport/1.txt": "?", "dev/tech/1.txt": "b"}
    )
    table = ClassFolders(folder).read()
    assert [(row["row_id"], row["side"]) for row in table] == [
        ("Train/sport/1.txt", "train"),
        ("dev/tech/1.txt", "validation"),
        ("test/tech/1.txt", "test"),
    ]
    assert label_sets(table) == [("sport",), ("tech",), ("tech",)]


def test_a_class_may_be_called_like_a_side(write):
    table = ClassFolders(write(**{"train/1.txt": "A late train", "test/1.txt": "A hard test"})).read()
    assert label_sets(table) == [("test",), ("train",)]
    assert "side" not in table.column_names


def test_only_text_files_in_class_folders_count(write):
    folder = write(
        **{
            "sport/1.txt": "a goal",
            "README.txt": "read me",
            "sport/notes.md": "not me",
            "sport/old/1.txt": "too deep",
            ".git/1.txt": "hidden",
            "sport/._1.txt": b"\x00\x05\x16\x07",
        }
    )
    (folder / "sport" / "folder.txt").mkdir()
    source = ClassFolders(folder)
    assert source.read()["row_id"][:] == ["sport/1.txt"]
    assert source.provenance() == {"name": "news", "files": 1, "terms": "the owner's"}


def test_a_source_that_is_a_folder_is_told_by_what_is_in_it(write, tmp_path):
    folder = write(**{"sport/1.txt": "a goal"})
    assert holds_class_folders(folder)
    assert isinstance(open_source(DataArguments(dataset=str(folder))), ClassFolders)
    (tmp_path / "empty").mkdir()
    assert not holds_class_folders(tmp_path / "empty")
    assert not holds_class_folders(folder / "sport")


def test_nothing_tells_on_which_machine_it_was_read(write, tmp_path):
    source = ClassFolders(write(**{"sport/1.txt": "a goal"}))
    assert str(tmp_path) not in json.dumps([source.read().to_list(), source.provenance()])


def test_a_file_that_is_not_text_is_named(write):
    folder = write(**{"sport/1.txt": "a goal", "sport/2.txt": "caf\xe9".encode("latin-1")})
    with pytest.raises(InputError, match=r"sport.2\.txt', line 1: byte 0xE9 at byte 3 is not UTF-8"):
        ClassFolders(folder).read()


def test_any_script_names_a_class_and_a_file(write):
    table = ClassFolders(write(**{"رياضة/خبر ١.txt": "‏الفريق فاز", "科技/👩‍👩‍👧.txt": "e\u0301"})).read()
    assert table["row_id"][:] == ["رياضة/خبر ١.txt", "科技/👩‍👩‍👧.txt"]
    assert label_sets(table) == [("رياضة",), ("科技",)]


def test_an_article_that_cannot_be_read_is_the_worlds_fault(write):
    folder = write(**{"tech/001.txt": "A phone"})
    # A file as any other by its kind, and no system lets it be read from its beginning.
    (folder / "tech" / "002.txt").symlink_to("/proc/self/mem")
    if not (folder / "tech" / "002.txt").is_file():
        pytest.skip("this system has no such file")
    for read in (ClassFolders(folder).read, ClassFolders(folder).identity):
        with pytest.raises(WorldError, match=r"cannot read '.*002.txt': "):
            read()


def test_links_to_nowhere_in_circles_and_to_devices_are_no_articles(write):
    folder = write(**{"tech/001.txt": "A phone", "sport/001.txt": "A goal"})
    for name, target in {
        "tech/loop": "..",
        "tech/gone.txt": "nowhere",
        "tech/zero.txt": "/dev/zero",
        "up": ".",
    }.items():
        (folder / name).symlink_to(target)
    assert len(ClassFolders(folder).read()) == 2

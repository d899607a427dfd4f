"""Different shards may work in one folder at the same time, the same one twice may not, and nothing said is lost."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.comparison.shard_lock import shard_held
from bbc_classifier.errors import InputError
from bbc_classifier.records import read_json, write_json
from tests.comparison.test_compare import hashes

HOLD = """
import sys
from pathlib import Path
from bbc_classifier.comparison.shard_lock import shard_held
with shard_held(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Return a function that holds a shard in a process of its own until the test ends."""
    held = []

    def hold(folder: Path, which: int, count: int) -> None:
        command = [sys.executable, "-c", HOLD, str(folder), str(which), str(count)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        held.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"

    yield hold
    for process in held:
        process.kill()
        process.communicate()


def test_who_may_work_beside_a_shard(hold, tmp_path):
    folder = tmp_path / "grid"
    hold(folder, 1, 2)
    for which, count in ((1, 2), (1, 1), (1, 3), (2, 4)):
        with pytest.raises(InputError, match=r"comparing \(shard 1 of 2\) in"), shard_held(folder, which, count):
            pass
    with shard_held(folder, 2, 2):
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".grid.shard-1-of-2.lock",
            ".grid.shard-2-of-2.lock",
        ]


def test_a_second_call_is_refused_and_changes_nothing(hold, compare, tmp_path, capsys):
    hold(tmp_path / "grid", 1, 1)
    assert compare(tmp_path / "grid", "--poolings", "cls") == 2
    assert "another process is comparing in" in capsys.readouterr().err
    assert not (tmp_path / "grid").exists()


def test_no_comparison_is_replaced_while_a_shard_of_it_is_at_work(hold, compare, tmp_path, capsys):
    write_json(tmp_path / "grid" / "comparison.json", {"grid": {}, "given": {}})
    hold(tmp_path / "grid", 1, 2)
    assert compare(tmp_path / "grid", "--poolings", "cls", "--shard", "2/2", "--overwrite", "true") == 2
    assert "another process is comparing (shard 1 of 2) in" in capsys.readouterr().err
    assert read_json(tmp_path / "grid" / "comparison.json") == {"grid": {}, "given": {}}


def test_shards_in_one_folder_say_together_what_failed(compare, unreadable_encoder, tiny_bert_folder, tmp_path):
    encoders, folder = f"{unreadable_encoder},{tiny_bert_folder}", tmp_path / "grid"
    # Cells go round: the unreadable encoder's are the first shard's.
    for shard, code in (("1/2", 1), ("2/2", 0)):
        assert compare(folder, "--poolings", "cls", "--shard", shard, encoders=encoders) == code
        assert list(read_json(folder / "failures.json")) == ["unreadable-cls-seed42"]
    assert set(hashes(folder)) == {"tiny-bert-cls-seed42"}
    # What is there by now failed no more.
    shutil.copytree(folder / "runs" / "tiny-bert-cls-seed42", folder / "runs" / "unreadable-cls-seed42")
    assert compare(folder, "--poolings", "cls", "--shard", "2/2", encoders=encoders) == 0
    assert read_json(folder / "failures.json") == {}

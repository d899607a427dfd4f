"""A comparison on a full disk stops, an earlier report stays whole, and with room it goes on."""

import pytest

from bbc_classifier.comparison.report import CONTENTS
from bbc_classifier.provenance import file_sha256
from tests.test_full_disk import disk  # noqa: F401

pytestmark = pytest.mark.slow


def hashes(folder):
    return {path: file_sha256(path) for path in folder.rglob("*") if path.is_file()}


def test_a_full_disk_is_no_failed_cell_and_costs_no_report(compare, tiny_bert_folder, disk, capsys):  # noqa: F811
    folder = disk.place / "grid"

    def call() -> int:
        return compare(folder, "--poolings", "cls", encoders=str(tiny_bert_folder))

    disk.leave(100_000)
    assert call() == 1
    printed = capsys.readouterr()
    assert "no space is left on the disk for" in printed.err and "then run the same command again" in printed.err
    assert "Failed:" not in printed.out and "left out" not in printed.err
    disk.resize(2**26)
    assert call() == 0
    before = hashes(disk.place)
    size = sum(path.stat().st_size for part in CONTENTS for path in [folder / part, *(folder / part).rglob("*")])
    for share in (0.0, 0.6):
        disk.leave(int(share * size))
        assert call() == 1
        assert hashes(disk.place) == before
    assert "no space is left on the disk for" in capsys.readouterr().err
    disk.resize(2**26)
    assert call() == 0
    assert hashes(disk.place).keys() == before.keys()

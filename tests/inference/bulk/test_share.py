"""Several processes of a launcher: each answers its share, on a device of its own, and the last one sums up."""

import pytest

from bbc_classifier.errors import InputError
from bbc_classifier.inference.bulk.share import Share
from tests.inference.bulk.conftest import hashes


def test_each_process_has_its_share_and_its_device():
    shares = [
        Share.of_environment({"RANK": str(rank), "WORLD_SIZE": "3", "LOCAL_RANK": str(rank)}) for rank in range(3)
    ]
    assert sorted(item for share in shares for item in share.of(range(10))) == list(range(10))
    assert [share.device(None, "cuda") for share in shares] == ["cuda:0", "cuda:1", "cuda:2"]
    assert [share.device(None, "cpu") for share in shares] == [None] * 3
    assert shares[1].device("cuda:5", "cuda") == "cuda:5"
    assert Share.of_environment({}) == Share() and Share().device(None, "cuda") is None


@pytest.mark.parametrize(
    "said",
    [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": "2", "RANK": "2"}, {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "2", "RANK": "-1"}],
)
def test_half_a_share_is_none(said):
    with pytest.raises(InputError, match=r"the environment says .*(WORLD_SIZE|RANK)=.*unset"):
        Share.of_environment(said)


def test_processes_share_the_work_and_the_last_one_sums_up(predict, monkeypatch, tmp_path):
    predict("alone")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert predict("both").summary is None
    assert len(list((tmp_path / "both" / "shards").iterdir())) == 7
    monkeypatch.setenv("RANK", "0")
    assert predict("both").summary["rows"] == 195
    assert hashes(tmp_path / "both") == hashes(tmp_path / "alone")

"""The same options with other data behind them are another run: never taken for finished, never gone on with."""

import pytest

from bbc_classifier.errors import InputError
from tests.training.conftest import SyntheticNews, replace_bbc_news
from tests.training.test_run import interrupt_at


def test_other_names_in_the_same_label_map_are_another_run(run_training, tmp_path):
    data, label_map = tmp_path / "mine.csv", tmp_path / "map.yaml"
    data.write_text("text,label\n" + "\n".join(f"goal {n},0\nfilm {n},1" for n in range(20)), encoding="utf-8")
    label_map.write_text("0: sport\n1: arts\n", encoding="utf-8")
    options = {"dataset": str(data), "label_map": [str(label_map)], "max_steps": 1}
    run_training(**options)
    label_map.write_text("0: arts\n1: sport\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds a run with other options \(label_map: "):
        run_training(**options)


def test_a_run_does_not_go_on_with_other_rows(run_training, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 12)
        run_training()
    # A source that cannot tell beforehand, as a Hub data set at no fixed commit: the rows themselves do.
    replace_bbc_news(monkeypatch, FewerNews())
    with pytest.raises(InputError, match=r"--resume_from_checkpoint: the data are no longer those that"):
        run_training(resume_from_checkpoint="last")


class FewerNews(SyntheticNews):
    def read(self):
        return super().read().select(range(5, 100))


def test_other_rows_in_a_file_of_the_same_name_are_another_run(run_training, tmp_path):
    rows = [f"the goal match {number},sport\nthe film music {number},entertainment" for number in range(20)]
    data = tmp_path / "mine.csv"
    data.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    options = {"dataset": str(data), "max_steps": 1}
    folder = run_training(**options)
    assert run_training(**options).path == folder.path
    data.write_text("text,label\n" + "\n".join(rows[:15]), encoding="utf-8")
    with pytest.raises(InputError, match=r"holds a run with other options \(identity: "):
        run_training(**options)

"""The faults that `benchmarks/faults.py` causes: its table is that of its record, and its code runs, a few times."""

import importlib
import json
import re
from pathlib import Path

import pytest

from bbc_classifier.marked_section import markers

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results" / "faults.json"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Return a function that imports a module as the program does."""

    def load(name: str):
        monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module(f"fault_cases.{name}")

    return load


def test_the_page_is_that_of_the_record(load):
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    table = load("table")
    begin, end = markers("faults", table.SCRIPT)
    assert f"{begin}\n\n{table.faults_table(record)}\n{end}" in page


def test_the_record_has_enough_faults_all_of_which_came_to_a_good_end():
    cases = json.loads(RECORD.read_text(encoding="utf-8"))["cases"]
    for name in ("training killed", "comparison killed", "bulk prediction killed"):
        assert cases[name]["times"] >= 20 and cases[name]["unequal"] == []
    assert all(not case.get("faults") for case in cases.values())
    assert cases["checkpoint damaged"]["happened"]["passed over"] >= 20
    for name in ("classifier damaged", "export damaged"):
        assert set(cases[name]["happened"]) == {"refused in one sentence"} and cases[name]["times"] >= 100
    assert not re.search(r'"/[a-z]+/', RECORD.read_text(encoding="utf-8"))


def test_a_file_that_differs_would_be_found(load, tmp_path):
    sameness = load("sameness")
    for name in ("one", "other"):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "weights").write_bytes(b"\0" * 8)
        (tmp_path / name / "history.json").write_text('[{"loss": 1.0, "eval_runtime": 2.0}]')
    one, other = tmp_path / "one", tmp_path / "other"
    assert sameness.differences(one, other) == []
    (other / "history.json").write_text('[{"loss": 1.0, "eval_runtime": 3.0}]')
    assert sameness.differences(one, other) == []
    (other / "history.json").write_text('[{"loss": 1.5, "eval_runtime": 3.0}]')
    (other / "model" / "weights").write_bytes(b"\0" * 7 + b"\1")
    (other / "model" / ".half.partial").write_bytes(b"")
    assert sameness.differences(one, other) == ["history.json", "model/.half.partial", "model/weights"]


@pytest.mark.slow
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(load, tmp_path):
    material = load("material").make_material(tmp_path / "material")
    case = load("killed_training").killed_training(material, tmp_path, kills=2, seed=7, steps=60)
    assert case["times"] == 2 and case["unequal"] == []


@pytest.mark.slow
def test_odd_clocks_locales_and_homes_change_nothing(load, tmp_path):
    module, odd = (
        load("material"),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati", "HOME": "/nonexistent"},
    )
    material = module.make_material(tmp_path / "material")
    usual = module.surroundings()
    without = {name: value for name, value in usual.items() if name not in ("HF_HOME", "MPLCONFIGDIR")}
    for name, environment in (("usual", usual), ("odd", {**without, **odd})):
        command = module.command_line(material.train(tmp_path / name, steps=4, every=4))
        done = module.run(command, environment=environment)
        assert done.code == 0, done.error
    assert load("sameness").differences(tmp_path / "usual", tmp_path / "odd") == []

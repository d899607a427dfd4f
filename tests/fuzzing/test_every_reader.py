"""Damaged files of every kind, through the commands that read them: refused in one sentence, or read; nothing else.

A few here, a hundred of each reader with `-m slow`, and a thousand by `benchmarks/fuzz_readers.py`.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzzing.cases import faults_of, run_case
from tests.fuzzing.readers import READERS
from tests.fuzzing.specimens import make_all, make_models, make_tables
from tests.fuzzing.watched import Watched
from tests.refusals import START

SEED = 7
QUICK = [name for name, reader in READERS.items() if reader.needs == "models" and name != "encoder"]
FEW, MANY = 12, 100


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole tables and tiny models; only copied."""
    folder = tmp_path_factory.mktemp("specimens")
    make_tables(folder)
    make_models(folder)
    return folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A worker with whole files of every kind."""
    with Watched(make_all(tmp_path_factory.mktemp("all-specimens"))) as watched:
        yield watched


@pytest.mark.parametrize("name", QUICK)
def test_a_few_damaged_files_are_refused_or_read(name, models, tmp_path, capfd):
    outcomes = [
        run_case(name, number, SEED, models, tmp_path / f"{number}", lambda: capfd.readouterr().err)
        for number in range(FEW)
    ]
    assert [fault for outcome in outcomes for fault in outcome.faults] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_hundred_damaged_files_are_refused_or_read(name, watched):
    # Commands that train take a second each.
    cases = MANY if READERS[name].at_most < 60 else MANY // 4
    outcomes = [watched.run(name, number, SEED) for number in range(cases)]
    assert [fault for outcome in outcomes for fault in outcome["faults"]] == []
    # Damage that is never found, or never harmless, would test one side alone.
    accepted = Counter(outcome["accepted"] for outcome in outcomes)
    # In blocks, most damage costs rows and not the file.
    assert accepted[False] > 0.1 * cases or name.startswith("bulk")
    assert accepted[True] > 0 or name == "weights"


def test_a_case_is_what_its_seed_and_number_say(models, tmp_path, capfd):
    again = [run_case("csv", 3, SEED, models, tmp_path / "case", lambda: capfd.readouterr().err) for _ in range(2)]
    assert again[0].message == again[1].message and again[0].code == again[1].code


FAULTY = {
    "a traceback": (1, "Traceback (most recent call last)\n" + START + "x", "Traceback"),
    "a hint to debug": (1, START + "'n' (add --debug for the traceback)", "--debug"),
    "no sentence": (2, "", "0 sentences"),
    "two sentences": (2, f"{START}a\n{START}b\n", "2 sentences"),
    "a sentence in spite of success": (0, START + "a", "1 sentences"),
    "another exit code": (3, START + "a", "exit code 3"),
    "no exit code": (None, START + "a", "exit code None"),
    "an endless sentence": (2, START + "a" * 2000, "a sentence of 20"),
    "a terminal's command": (2, START + "\x1b[2J", "steer a terminal"),
    "Python's own words": (2, START + "'list' object has no attribute 'get'", "of Python's"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_what_would_be_a_fault_is_found(case):
    code, text, found = FAULTY[case]
    assert any(found in fault for fault in faults_of(code, text))
    assert faults_of(2, START + "the file 'x' is damaged") == [] and faults_of(0, "a note\n") == []


def test_something_left_behind_is_found(models, tmp_path, monkeypatch, capfd):
    def leaves(argv: list[str]) -> int:
        Path("out.partial").touch()
        print(f"{START}no", file=sys.stderr)
        return 2

    monkeypatch.setattr("tests.fuzzing.cases.main", leaves)
    outcome = run_case("csv", 0, SEED, models, tmp_path / "case", lambda: capfd.readouterr().err)
    assert len(outcome.faults) == 1 and "left something behind" in outcome.faults[0]


@pytest.mark.slow
def test_a_worker_that_dies_is_a_fault_and_the_next_case_gets_another(watched):
    watched._running().kill()
    with contextlib.suppress(BrokenPipeError):
        assert "ended the process" in watched.run("csv", 0, SEED)["faults"][0]
    watched._worker = None
    assert watched.run("csv", 0, SEED)["faults"] == []

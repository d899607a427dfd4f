"""The benchmarks: their figures are the formulas', their page follows from the record, their contenders run."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Return a function that imports a module as the programs in `benchmarks/` do."""

    def load(name: str, folder: Path = BENCHMARKS) -> ModuleType:
        monkeypatch.syspath_prepend(str(folder))
        return importlib.import_module(name)

    return load


def contender(seconds: list[float], correct: int, speed: float | None) -> dict:
    runs = [{"seed": 42, "seconds": each, "correct": correct, "n": 100, "gflop_per_second": speed} for each in seconds]
    return {
        "seconds": {"median": sorted(seconds)[len(seconds) // 2], "min": min(seconds), "max": max(seconds)},
        "accuracy": {"median": correct / 100, "interval": [0.9, 0.99], "min": correct / 100, "max": correct / 100},
        "peak_memory_mib": {"resident": 1536.0},
        "gflop_per_second": speed,
        "runs": runs,
    }


@pytest.fixture
def record() -> dict:
    return {
        "data": "rows",
        "n": {"train": 500, "validation": 100, "test": 100},
        "rounds": 3,
        "few_shot_steps": 7,
        "gemm_peak_gflop_per_second": {"fp32": 100.0, "bf16": 400.0},
        "contenders": {"ours": contender([10, 20, 40], 96, 200.0), "theirs": contender([30, 50, 80], 95, None)},
        "provenance": {
            "hardware": {"cores": 2, "processor": "a processor", "memory_gib": 8.0},
            "versions": {"torch": "2.9.0"},
        },
    }


def test_the_page_has_medians_ranges_and_ratios_round_by_round(load, record):
    page = load("peers_table").peers_table(record)
    assert "| ours | 20 (10 to 40) | 1.00 (1.00 to 1.00) | 0.960 (0.900 to 0.990) | 1.5 | 200 | 50% |" in page
    # 30/10, 50/20 and 80/40.
    assert "| theirs | 50 (30 to 80) | 2.50 (2.00 to 3.00) | 0.950 (0.900 to 0.990) | 1.5 |  |  |" in page
    assert "2 cores, a processor; 8.0 GiB; torch 2.9.0" in page


def test_the_picture_is_drawn_from_the_record(load, record, tmp_path):
    load("peers_figure").draw_peers(record, tmp_path / "peers.png")
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_the_committed_page_is_that_of_the_committed_record(load):
    committed = json.loads((ROOT / "results" / "peers.json").read_text(encoding="utf-8"))
    page = (ROOT / "results" / "peers.md").read_text(encoding="utf-8")
    assert load("peers_table").peers_table(committed) == page


def test_the_work_of_an_encoder_is_counted_as_by_hand(load):
    work = load("task", BENCHMARKS / "contenders").Work(
        layers=2, width=4, inner=8, lengths=[3, 5], passes=3, seconds=1.0
    )
    # A layer: 2 (4 * 16 + 2 * 32) = 256 a token; 4 * 4 = 16 a pair of tokens; 8 tokens, 9 + 25 pairs.
    assert work.gflop() * 1e9 == 2 * 3 * (256 * 8 + 16 * 34)


def write_task(folder: Path, encoder: str, **options: object) -> Path:
    texts = [f"{words} {number}" for number in range(8) for words in ("shares market", "goal match")]
    rows = {"texts": texts, "labels": [0, 1] * 8}
    task = {"labels": ["business", "sport"], "train": rows, "validation": rows, "test": rows}
    file = folder / "task.json"
    file.write_text(json.dumps({**task, "seed": 1, "encoder": encoder, "options": options}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tfidf_linear", {}),
        pytest.param("stock_trainer", {"epochs": 1, "tokens": 16}, marks=pytest.mark.slow),
        pytest.param(
            "recipe",
            {"recipe": "default", "overrides": {"max_length": 24, "near_duplicates": False}},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_contender_trains_stops_the_clock_and_is_judged(name, options, tmp_path, tiny_bert_folder):
    task, answer = write_task(tmp_path, str(tiny_bert_folder), **options), tmp_path / "answer.json"
    program = BENCHMARKS / "contenders" / f"{name}.py"
    done = subprocess.run([sys.executable, str(program), str(task), str(answer)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = json.loads(answer.read_text(encoding="utf-8"))
    assert content["n"] == 16 and content["correct"] >= 8
    assert content["saved_at"] < answer.stat().st_mtime + 1 and content["peak_memory_mib"]["resident"] > 50

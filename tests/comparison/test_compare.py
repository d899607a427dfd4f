"""The command from options to report: every cell once, each the very training that `train` does, whatever happens."""

import re
import shutil
from pathlib import Path

import pytest

from bbc_classifier.cli import main
from bbc_classifier.comparison.baseline_run import BaselineCell
from bbc_classifier.comparison.grid import Cell
from bbc_classifier.comparison.options import OF_THE_GRID
from bbc_classifier.comparison.progress import Progress
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.baselines import BASELINES
from bbc_classifier.records import read_json
from tests.comparison.conftest import QUICK

SCHEMA = Path(__file__).parents[2] / "docs" / "comparison.md"
FINISHED = {"report.html", "report.md", "results.csv", "results.json", "figures", "runs", "comparison.json"}
FINISHED |= {"failures.json", "not_applicable.json", "titles.json"}


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of the weights of every trained cell."""
    records = {path.parent.name: read_json(path) for path in folder.glob("runs/*/record.json")}
    return {name: record["model"]["weights_sha256"] for name, record in records.items() if "model" in record}


def test_every_cell_and_baseline_is_run_once_and_told_in_the_report(compared):
    assert {path.name for path in compared.iterdir()} == FINISHED
    trained = {
        f"{name}-seed{seed}-fold{fold}{size}"
        for name in ("tiny-bert-cls", "tiny-bert-pooler", "tiny-distilbert-cls")
        for seed in (42, 43)
        for fold in (0, 1)
        for size in ("", "-rows12")
    }
    words = {f"{name}-fold{fold}{size}" for name in BASELINES for fold in (0, 1) for size in ("", "-rows12")}
    assert {path.name for path in (compared / "runs").iterdir()} == trained | words
    results = read_json(compared / "results.json")
    assert {row["name"] for row in results["configurations"]} == {
        "tiny-bert-cls",
        "tiny-bert-pooler",
        "tiny-distilbert-cls",
        *BASELINES,
    }
    assert list(results["not_applicable"]) == ["tiny-distilbert-pooler"]
    assert results["protocol"]["articles"] == 60 and results["protocol"]["folds"] == 2
    assert all(row["n"] == 60 for row in results["configurations"])
    assert [row["seeds"] for row in results["configurations"] if not row["baseline"]] == [[42, 43]] * 3


def test_a_cell_is_the_same_training_alone_bit_for_bit(compared, articles, tiny_bert_folder, tmp_path):
    alone = tmp_path / "alone"
    flags = ["--encoder", str(tiny_bert_folder), "--pooling", "pooler", "--seed", "43", "--folds", "2", "--fold", "1"]
    assert main(["train", *flags, "--dataset", str(articles), "--output_dir", str(alone), *QUICK]) == 0
    cell = compared / "runs" / "tiny-bert-pooler-seed43-fold1"
    assert (alone / "model" / "model.safetensors").read_bytes() == (cell / "model" / "model.safetensors").read_bytes()
    assert (
        read_json(alone / "record.json")["evaluation"]["test"]["metrics"]
        == (read_json(cell / "record.json")["evaluation"]["test"]["metrics"])
    )


def test_a_probed_cell_is_the_same_probe_alone_bit_for_bit(compare, articles, tiny_bert_folder, tmp_path):
    encoder = str(tiny_bert_folder)
    flags = ["--max_length", "16", "--disable_tqdm", "true", "--use_cpu", "true"]
    grid = ["--poolings", "cls,mean", "--mode", "probe", *flags]
    assert compare(tmp_path / "all", *grid, encoders=encoder, quick=False) == 0
    for pooling in ("cls", "mean"):
        alone, cell = tmp_path / pooling, tmp_path / "all" / "runs" / f"tiny-bert-{pooling}-seed42"
        options = ["--recipe", "default", "--encoder", encoder, "--pooling", pooling, "--dataset", str(articles)]
        assert main(["train", *options, "--output_dir", str(alone), *flags]) == 0
        one, other = ((folder / "model" / "model.safetensors").read_bytes() for folder in (alone, cell))
        assert one == other
        shares = [read_json(folder / "record.json")["training"]["shares_reading"] for folder in (alone, cell)]
        assert shares == [False, True]
    # What one cell read for both says nothing of what either takes.
    trained = [row for row in read_json(tmp_path / "all" / "results.json")["configurations"] if not row["baseline"]]
    assert [row["cost"]["train_seconds"] for row in trained] == [None, None]


def test_a_second_call_trains_nothing_and_a_lost_cell_comes_back_the_same(compare, tmp_path):
    flags = ["--poolings", "cls", "--folds", "2"]
    assert compare(tmp_path / "grid", *flags) == 0
    before = hashes(tmp_path / "grid")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "grid").glob("runs/*/record.json")}
    shutil.rmtree(tmp_path / "grid" / "runs" / "tiny-bert-cls-seed42-fold1")
    assert compare(tmp_path / "grid", *flags) == 0
    assert hashes(tmp_path / "grid") == before and len(before) == 4
    again = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert {path.parent.name for path in again} == {"tiny-bert-cls-seed42-fold1"}


def test_a_cell_that_fails_is_told_and_stops_no_other(compare, unreadable_encoder, tiny_bert_folder, tmp_path, capsys):
    encoders = f"{unreadable_encoder},{tiny_bert_folder}"
    assert compare(tmp_path / "grid", "--poolings", "cls", encoders=encoders) == 1
    assert "Failed: unreadable-cls-seed42: --encoder" in capsys.readouterr().out
    results = read_json(tmp_path / "grid" / "results.json")
    assert list(results["failed"]) == ["unreadable-cls-seed42"]
    assert "tiny-bert-cls" in {row["name"] for row in results["configurations"]}
    assert "unreadable-cls" in (tmp_path / "grid" / "report.md").read_text(encoding="utf-8")


def test_shards_put_together_are_the_whole(compare, tmp_path):
    flags = ["--poolings", "cls", "--folds", "2"]
    assert compare(tmp_path / "whole", *flags) == 0
    for which in ("1/2", "2/2"):
        assert compare(tmp_path / which[0], *flags, "--shard", which) == 0
    assert main(["report", str(tmp_path / "1"), str(tmp_path / "2"), "--output_dir", str(tmp_path / "report")]) == 0
    together, whole = read_json(tmp_path / "report" / "results.json"), read_json(tmp_path / "whole" / "results.json")
    for part in ("pairs", "pooling_effects", "encoder_effects", "hardest", "classes"):
        assert [{**row, "title": ""} for row in together[part]] == [{**row, "title": ""} for row in whole[part]]
    for one, other in zip(together["configurations"], whole["configurations"], strict=True):
        # Only the time it took is another one.
        assert {**one, "cost": None} == {**other, "cost": None}


def test_another_comparison_is_not_overwritten_unasked(compare, tmp_path, capsys):
    assert compare(tmp_path / "grid", "--poolings", "cls") == 0
    assert compare(tmp_path / "grid", "--poolings", "mean") == 2
    assert "holds a comparison with other options; add --overwrite" in capsys.readouterr().err
    assert compare(tmp_path / "grid", "--poolings", "mean", "--overwrite", "true") == 0
    assert set(hashes(tmp_path / "grid")) == {f"tiny-{name}-mean-seed42" for name in ("bert", "distilbert")}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert compare(tmp_path / "mine", "--poolings", "cls") == 2
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


def test_options_may_stand_in_a_file(compare, articles, tiny_bert_folder, tmp_path):
    lines = [
        f"encoders: '{tiny_bert_folder}'",
        "poolings: mean",
        f"dataset: '{articles}'",
        "max_length: 16",
        "max_steps: 2",
    ]
    (tmp_path / "grid.yaml").write_text("\n".join([*lines, "disable_tqdm: true", "use_cpu: true"]), encoding="utf-8")
    assert main(["compare", "--config", str(tmp_path / "grid.yaml"), "--output_dir", str(tmp_path / "grid")]) == 0
    assert (tmp_path / "grid" / "runs" / "tiny-bert-mean-seed42" / "record.json").is_file()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds", "0"], "--seeds must be at least 1"),
        (["--poolings", "sum"], "--poolings: 'sum' is not one of cls, mean, max"),
        (["--poolings", "cls,cls"], "--poolings must name at least one, and each once"),
        (["--encoders", "no such"], "--encoders: unknown encoder 'no such'"),
        (["--train_sizes", "few"], "--train_sizes must be whole numbers above 0"),
        (["--shard", "3/2"], "--shard must be i/n with i from 1 to n"),
        (["--mode", "both"], "--mode"),
        (["--engine", "dask"], "argument --engine: invalid choice: 'dask' (choose from 'local', 'ray')"),
        (["--engine", "ray", "--cpus_per_cell", "0"], "--cpus_per_cell must be at least 1"),
        (["--engine", "ray", "--gpus_per_cell", "-1"], "--gpus_per_cell must be at least 0"),
        (["--cpus_per_cell", "2"], "--cpus_per_cell and --gpus_per_cell are for --engine ray"),
        (["--encoder", "minilm"], "--encoder: the grid sets this for each cell; use --encoders"),
        (["--folds", "2", "--fold", "1"], "--fold: the grid sets this for each cell"),
        (["--max_train_samples", "5"], "--max_train_samples: the grid sets this for each cell; use --train_sizes"),
        (["--fold_count", "5"], "unknown argument: --fold_count"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_trained(flags, message, tmp_path, capsys):
    assert main(["compare", "--output_dir", str(tmp_path / "grid"), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "grid").exists()


def test_every_key_of_the_results_is_in_the_schema_document(compared):
    content = read_json(compared / "results.json")
    row = content["configurations"][0]
    keys = {*content, *row, *row["cost"], *content["pairs"][0], *content["verdict"], *content["protocol"]}
    assert keys <= set(re.findall(r"`([a-z0-9_]+)`", SCHEMA.read_text(encoding="utf-8")))


def test_the_time_left_is_that_of_the_trainings():
    trainings = [Cell("minilm", pooling, 42) for pooling in ("cls", "mean", "max")]
    words = BaselineCell("majority", None, None)
    progress = Progress([*trainings, words], there=trainings[:1])
    assert progress.begin() == "cell 2 of 4"
    progress.end(trainings[1], 240.0)
    assert progress.begin() == "cell 3 of 4, about 4 minutes left"
    progress.end(trainings[2], 240.0)
    assert progress.begin() == "cell 4 of 4"


def test_the_time_left_is_shared_by_cells_that_run_at_once():
    trainings = [Cell("minilm", "cls", seed) for seed in range(5)]
    progress = Progress(trainings, at_once=2)
    assert [progress.begin(), progress.begin()] == ["cell 1 of 5", "cell 2 of 5"]
    progress.end(trainings[1], 600.0)
    assert progress.begin() == "cell 3 of 5, about 20 minutes left"
    progress.end(trainings[0], InputError("no such encoder"))
    assert progress.begin() == "cell 4 of 5, about 15 minutes left"


def test_the_help_is_that_of_a_grid(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    text = capsys.readouterr().out
    assert "unset, comparison." in text and "--encoders ENCODERS" in text
    assert not any(re.search(rf"^ +--{name} ", text, re.MULTILINE) for name in OF_THE_GRID)

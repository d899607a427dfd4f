"""Many files into a directory: every row once, in order, as `predict` answers; stopped runs are resumed."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray

from bbc_classifier.config import PredictArguments
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.inference import bulk
from bbc_classifier.inference.bulk import predict_files
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.io import directory_lock, read_json
from tests.tiny import run_python, tiny_classifier

SHARDS = 9
INVALID = [("b.csv", 31), ("b.csv", 32), ("c.jsonl", 5), ("c.jsonl", 24)]
REASONS = ["3 cells", "no text", "not JSON", "not a JSON"]
OTHER_OPTIONS = [{"shard_rows": 5}, {"min_confidence": 0.3}, {"keep_columns": ["id"]}, {"text_column": ["id"]}]
WRONG_OPTIONS = [{"input": "no/*.csv"}, {"keep_columns": ["no"]}, {"escape_formulas": True}, {"text_column": ["no"]}]


@pytest.fixture
def inputs(tmp_path) -> Path:
    """100 rows in three files, four of them invalid."""
    directory = tmp_path / "in"
    directory.mkdir()
    texts = [f"the {'goal' if number % 3 else 'market'} {number}" for number in range(96)]
    pq.write_table(pa.table({"id": [f"n{n}" for n in range(44)], "text": texts[:44]}), directory / "a.parquet")
    lines = [f"n{number},{texts[number]}" for number in range(44, 74)] + ["x,y,z", "n, "]
    (directory / "b.csv").write_text("id,text\n" + "\n".join(lines) + "\n")
    rows = [json.dumps({"id": f"n{number}", "text": texts[number]}) for number in range(74, 96)]
    (directory / "c.jsonl").write_text("\n".join([*rows[:4], "{oops", *rows[4:], "[1]"]) + "\n")
    return directory


@pytest.fixture
def run(tiny_model_dir, inputs, tmp_path):
    def call(output: str = "out", **options: object):
        options = {"model": str(tiny_model_dir), "input": str(inputs), "shard_rows": 13, **options}
        return predict_files(PredictArguments(output_dir=str(tmp_path / output), precision="fp32", **options))

    return call


def rows_of(directory: Path) -> list[dict]:
    return [row for shard in sorted((directory / "shards").iterdir()) for row in pq.read_table(shard).to_pylist()]


def contents(directory: Path) -> dict[str, bytes]:
    files = [*(directory / "shards").iterdir(), directory / "invalid_rows.jsonl"]
    return {path.name: path.read_bytes() for path in files}


def test_every_row_once_in_order(run, tiny_model_dir, tmp_path):
    result = run()
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == [f"n{number}" for number in range(96)]
    expected = Predictor.from_pretrained(tiny_model_dir).classify([row["text"] for row in rows])
    assert [row["prediction"] for row in rows] == [prediction.label for prediction in expected]
    assert [row["p_sport"] for row in rows] == pytest.approx([p.probabilities["sport"] for p in expected], abs=1e-6)
    invalid = [json.loads(line) for line in (tmp_path / "out" / "invalid_rows.jsonl").read_text().splitlines()]
    assert [(row["source_file"], row["row"]) for row in invalid] == INVALID
    assert all(reason in row["reason"] for row, reason in zip(invalid, REASONS, strict=True))
    numbered = sorted([(row["source_file"], row["source_row"]) for row in rows] + INVALID)
    sizes = {"a.parquet": 44, "b.csv": 32, "c.jsonl": 24}
    assert numbered == [(name, number + 1) for name, size in sizes.items() for number in range(size)]
    assert (result.rows, result.invalid, sum(result.label_counts.values()), result.complete) == (96, 4, 96, True)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["complete"] and (manifest["rows"], len(manifest["shards"])) == (96, SHARDS)
    assert not [path for path in tmp_path.rglob(".*")] and not (tmp_path / "out" / "progress").exists()


@pytest.mark.parametrize(
    ("step", "at"), [("predict_shard", 0), ("predict_shard", 4), ("write_table", 4), ("write_json", SHARDS - 1)]
)
def test_a_stopped_run_is_resumed(run, monkeypatch, tmp_path, at, step):
    run("whole")
    function, left = getattr(bulk, step), [at]

    def stop(*args, **options):
        if args[0] != tmp_path / "out" / "manifest.json":
            left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return function(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, step, stop)
        with pytest.raises(Interrupted, match=f"{at} of {SHARDS} shards") as stopped:
            run()
    assert stopped.value.exit_code == 130
    assert not read_json(tmp_path / "out" / "manifest.json")["complete"]
    assert run().rows == 96
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_finished_run_is_left_alone_and_other_options_input_or_model_need_overwrite(run, inputs, tmp_path, tokenizer):
    first, output = run(), tmp_path / "out"
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    again = run(overwrite=True)
    assert (again.rows, again.label_counts) == (first.rows, first.label_counts)
    tiny_classifier(max_input_tokens=16).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    for options in (*OTHER_OPTIONS, {"model": str(tmp_path / "model")}):
        named = "the classifier" if "model" in options else f"--{next(iter(options))}"
        with pytest.raises(UserError, match=f"{named} is different"):
            run(**options)
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before
    content = contents(output)
    (output / "shards" / "shard-000003.parquet").unlink()
    assert run().rows == 96 and contents(output) == content
    with (inputs / "b.csv").open("a") as file:
        file.write("n96,one more goal\n")
    with pytest.raises(UserError, match=r"b\.csv is different"):
        run()
    assert run(overwrite=True, shard_rows=5).rows == 97


def test_columns_and_formats(run, tmp_path):
    run("csv", shard_format="csv", keep_columns=["id"], escape_formulas=True)
    lines = (tmp_path / "csv" / "shards" / "shard-000000.csv").read_text().splitlines()
    assert lines[0] == "source_file,source_row,id,prediction,confidence,p_business,p_sport"
    assert lines[1].startswith("a.parquet,1,n0,") and len(lines) == 14
    run("jsonl", shard_format="jsonl", top_k=1)
    row = json.loads((tmp_path / "jsonl" / "shards" / "shard-000008.jsonl").read_text().splitlines()[0])
    assert row["source_row"] == 14 and [row["p_business"], row["p_sport"]].count(None) == 1


def test_invalid_requests_and_directories_of_others_are_refused(run, tmp_path):
    for options in WRONG_OPTIONS:
        with pytest.raises(UserError, match=f"--{next(iter(options))}"):
            run(**options)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="other files"):
        run(overwrite=True)
    with directory_lock(tmp_path / "new", "predicting"), pytest.raises(UserError, match="another process"):
        run("new")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    run("in/out")
    assert run("in/out").rows == 96  # predictions below the input directory are not input


@pytest.mark.slow
def test_torchrun(run, tiny_model_dir, inputs, tmp_path):
    run("alone")
    with pytest.raises(UserError, match="torchrun"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLD_SIZE", "2")
        run("ray", engine="ray")
    torchrun = "-m torch.distributed.run --nproc_per_node=2 --standalone -m bbc_classifier predict".split()
    paths = ["--model", str(tiny_model_dir), "--input", str(inputs), "--output_dir", str(tmp_path / "both")]
    options = ["--shard_rows", "13", "--precision", "fp32"]
    run_python(*torchrun, *paths, *options, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300)
    assert contents(tmp_path / "both") == contents(tmp_path / "alone")


@pytest.mark.slow
def test_ray(run, tmp_path):
    run("alone")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert run("ray", engine="ray").rows == 96
        with pytest.raises(UserError, match="--cpus_per_worker"):
            run("large", engine="ray", cpus_per_worker=3)
    finally:
        ray.shutdown()
    assert contents(tmp_path / "ray") == contents(tmp_path / "alone")

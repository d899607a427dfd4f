"""Many files into a directory: every row once, in order, as `predict` answers; stopped runs are resumed."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bbc_classifier.config import PredictArguments
from bbc_classifier.errors import Interrupted, UserError
from bbc_classifier.inference import bulk
from bbc_classifier.inference.bulk import predict_files
from bbc_classifier.inference.classifier import TextClassifier
from bbc_classifier.io import directory_lock, read_json

SHARDS = 9
INVALID = [
    ("b.csv", 31, "3 cells"),
    ("b.csv", 32, "no text"),
    ("c.jsonl", 5, "not JSON"),
    ("c.jsonl", 24, "not a JSON"),
]


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
        options = {"input": str(inputs), "shard_rows": 13, **options}
        return predict_files(PredictArguments(model=str(tiny_model_dir), output_dir=str(tmp_path / output), **options))

    return call


def rows_of(directory: Path) -> list[dict]:
    return [row for shard in sorted((directory / "shards").iterdir()) for row in pq.read_table(shard).to_pylist()]


def hashes(directory: Path) -> dict[str, str]:
    shards = {path.name: path.read_bytes() for path in (directory / "shards").iterdir()}
    shards["invalid"] = (directory / "invalid_rows.jsonl").read_bytes()
    return {name: hashlib.sha256(content).hexdigest() for name, content in shards.items()}


def test_every_row_once_in_order(run, tiny_model_dir, tmp_path):
    result = run()
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == [f"n{number}" for number in range(96)]
    expected = TextClassifier.from_pretrained(tiny_model_dir).predict([row["text"] for row in rows])
    assert [row["prediction"] for row in rows] == [prediction.label for prediction in expected]
    assert [row["p_sport"] for row in rows] == pytest.approx([p.probabilities["sport"] for p in expected], abs=1e-6)
    invalid = [json.loads(line) for line in (tmp_path / "out" / "invalid_rows.jsonl").read_text().splitlines()]
    assert [(row["source_file"], row["row"]) for row in invalid] == [place[:2] for place in INVALID]
    assert all(row["reason"].startswith(place[2]) for row, place in zip(invalid, INVALID, strict=True))
    numbered = sorted([(r["source_file"], r["source_row"]) for r in rows] + [place[:2] for place in INVALID])
    sizes = {"a.parquet": 44, "b.csv": 32, "c.jsonl": 24}
    assert numbered == [(name, number + 1) for name, size in sizes.items() for number in range(size)]
    assert (result.rows, result.invalid, sum(result.label_counts.values()), result.complete) == (96, 4, 96, True)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["complete"] and (manifest["rows"], manifest["invalid_rows"]) == (96, 4)
    assert len(list((tmp_path / "out" / "shards").iterdir())) == SHARDS
    assert not [path for path in tmp_path.rglob(".*")] and not (tmp_path / "out" / "progress").exists()


@pytest.mark.parametrize("shard_rows", [1, 1000])
def test_the_size_of_shards_changes_no_prediction(run, tmp_path, shard_rows):
    run()
    run("other", shard_rows=shard_rows)
    for one, other in zip(rows_of(tmp_path / "out"), rows_of(tmp_path / "other"), strict=True):
        assert {name: pytest.approx(v, abs=1e-6) if isinstance(v, float) else v for name, v in one.items()} == other


@pytest.mark.parametrize("at", [0, 4, SHARDS - 1])
@pytest.mark.parametrize("step", ["predict", "write_table", "write_json"])
def test_a_stopped_run_is_resumed(run, monkeypatch, tmp_path, at, step):
    run("whole")
    name = "_predict_shard" if step == "predict" else step
    function, left = getattr(bulk, name), [at]

    def stop(*args, **options):
        if name == "write_json" and args[0].name == "manifest.json":
            return function(*args, **options)
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return function(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, name, stop)
        with pytest.raises(Interrupted, match=f"{at} of {SHARDS} shards") as stopped:
            run()
    assert stopped.value.exit_code == 130
    assert not read_json(tmp_path / "out" / "manifest.json")["complete"]
    assert run().rows == 96
    assert hashes(tmp_path / "out") == hashes(tmp_path / "whole")


def test_a_finished_run_is_left_alone(run, tmp_path, monkeypatch):
    first = run()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = run(overwrite=True)
    assert (again.rows, again.label_counts) == (first.rows, first.label_counts)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
    content = hashes(tmp_path / "out")
    (tmp_path / "out" / "shards" / "shard-000003.parquet").unlink()
    assert run().rows == 96 and hashes(tmp_path / "out") == content


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"shard_rows": 5}, "--shard_rows"),
        ({"min_confidence": 0.3}, "--min_confidence"),
        ({"keep_columns": ["id"]}, "--keep_columns"),
        ({"text_column": ["id"]}, "--text_column"),
    ],
)
def test_other_options_need_overwrite(run, tmp_path, options, named):
    run()
    content = hashes(tmp_path / "out")
    with pytest.raises(UserError, match=f"{named} is different"):
        run(**options)
    assert hashes(tmp_path / "out") == content
    assert run(overwrite=True, **options).rows in (96, 97)


def test_changed_input_or_model_needs_overwrite(run, inputs, tmp_path, tiny_model_dir, tokenizer, tiny_classifier):
    run()
    with (inputs / "b.csv").open("a") as file:
        file.write("n96,one more goal\n")
    with pytest.raises(UserError, match=r"b\.csv is different"):
        run()
    assert run(overwrite=True).rows == 97
    model = tiny_classifier(max_input_tokens=16)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    args = {"input": str(inputs), "shard_rows": 13, "output_dir": str(tmp_path / "out")}
    with pytest.raises(UserError, match="the classifier is different"):
        predict_files(PredictArguments(model=str(tmp_path / "model"), **args))


def test_columns_and_formats(run, tmp_path):
    run("csv", shard_format="csv", keep_columns=["id"], escape_formulas=True)
    lines = (tmp_path / "csv" / "shards" / "shard-000000.csv").read_text().splitlines()
    assert lines[0] == "source_file,source_row,id,prediction,confidence,p_business,p_sport"
    assert lines[1].startswith("a.parquet,1,n0,") and len(lines) == 14
    run("jsonl", shard_format="jsonl", top_k=1)
    row = json.loads((tmp_path / "jsonl" / "shards" / "shard-000008.jsonl").read_text().splitlines()[0])
    assert row["source_row"] == 14 and [row["p_business"], row["p_sport"]].count(None) == 1


def test_optional_columns_of_json_lines_have_one_type(run, inputs, tmp_path):
    rows = [
        {"text": f"goal {n}", "views": n if n > 20 else None} | ({"size": 0.5} if n > 20 else {"size": 1})
        for n in range(30)
    ]
    (inputs / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(input=str(inputs / "c.jsonl"), shard_rows=10)
    schemas = {pq.read_schema(path).to_string() for path in (tmp_path / "out" / "shards").iterdir()}
    assert len(schemas) == 1 and [row["views"] for row in rows_of(tmp_path / "out")][20:23] == [None, 21, 22]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"input": "nothing/*.csv"}, "--input"),
        ({"keep_columns": ["nothing"]}, "--keep_columns"),
        ({"escape_formulas": True}, "--escape_formulas"),
        ({"text_column": ["nothing"]}, "--text_column"),
    ],
)
def test_invalid_requests_write_nothing(run, tmp_path, options, named):
    with pytest.raises(UserError, match=named):
        run(**options)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_directories_of_other_files_and_other_processes(run, tmp_path, inputs):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="other files"):
        run(overwrite=True)
    with directory_lock(tmp_path / "new", "predicting"), pytest.raises(UserError, match="another process"):
        run("new")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    # Predictions below the input directory are not input.
    run("in/out")
    assert run("in/out").rows == 96


def test_added_columns_must_be_new(run, inputs):
    pq.write_table(pa.table({"text": ["goal"], "source_row": [1]}), inputs / "d.parquet")
    with pytest.raises(UserError, match=r"d\.parquet.*'source_row'"):
        run()


def test_processes_share_the_shards(run, monkeypatch, tmp_path):
    run("alone")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    waited = []

    def other_process(condition):
        waited.append(condition())
        monkeypatch.setenv("RANK", "1")
        assert not run("both").complete
        assert condition()

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_wait", lambda condition: condition() or other_process(condition))
        assert run("both").complete
    assert waited == [False] and hashes(tmp_path / "both") == hashes(tmp_path / "alone")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(UserError, match="torchrun"):
        run("ray", engine="ray")


@pytest.mark.slow
def test_torchrun(run, tiny_model_dir, inputs, tmp_path):
    run("alone")
    options = {
        "model": str(tiny_model_dir),
        "input": str(inputs),
        "output_dir": str(tmp_path / "both"),
        "shard_rows": 13,
    }
    script = tmp_path / "both.py"
    script.write_text(
        "from bbc_classifier.config import PredictArguments\nfrom bbc_classifier.inference.bulk import predict_files\n"
        f"predict_files(PredictArguments(**{options!r}))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", str(script)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300)
    assert hashes(tmp_path / "both") == hashes(tmp_path / "alone")


@pytest.mark.slow
def test_ray(run, tmp_path):
    ray = pytest.importorskip("ray")
    run("alone")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert run("ray", engine="ray").rows == 96
        assert ray.is_initialized()
        with pytest.raises(UserError, match="--cpus_per_worker"):
            run("large", engine="ray", cpus_per_worker=3)
    finally:
        ray.shutdown()
    assert hashes(tmp_path / "ray") == hashes(tmp_path / "alone")

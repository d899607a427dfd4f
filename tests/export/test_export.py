"""`export()`: what is written, measured and refused."""

import json
import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from bbc_classifier.config import DataArguments, ExportArguments
from bbc_classifier.data.loading import load_splits
from bbc_classifier.errors import UserError
from bbc_classifier.export import export as export_module
from bbc_classifier.export.export import export
from bbc_classifier.inference.classifier import EXPORT_FILES, Predictor
from bbc_classifier.io import file_sha256, read_json, write_json
from tests.conftest import LABELS
from tests.export.test_transformers_export import classifier_of
from tests.tiny import articles, tiny_tokenizer, write_csv

TEXTS = ["Shares fell in early trading.", "the match " * 60]


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Return a function that makes the finished run `run` on `news.csv`, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def make(pooling: str = "pooler", **options: object) -> Path:
        data = DataArguments(dataset=write_csv(Path("news.csv"), articles(*LABELS, each=10)))
        run = Path("run")
        classifier_of("bert", pooling, **options).save_pretrained(run / "model")
        tiny_tokenizer().save_pretrained(run / "model")
        write_json(run / "options.json", {"data": asdict(data)})
        write_json(run / "record.json", {"data": load_splits(data).info})
        return run

    return make


@pytest.mark.parametrize("export_format", ["transformers", "onnx-int8", pytest.param("onnx", marks=pytest.mark.slow)])
def test_an_export_is_compared_on_the_runs_test_split(make_run, export_format):
    run = make_run()
    path = export(ExportArguments(model=str(run), format=export_format))
    assert path == run / "export" / export_format
    record = read_json(path / "export.json")
    test = load_splits(DataArguments(dataset="news.csv")).dataset["test"]
    original, exported = (Predictor.from_pretrained(each, device="cpu") for each in (run, path))
    probabilities = [classifier.predict_proba(test["text"]) for classifier in (original, exported)]
    labels = [rows.argmax(axis=1) for rows in probabilities]
    agreement = record["agreement"]
    assert agreement["texts"] == "test split of news.csv" and agreement["num_texts"] == len(test)
    assert agreement["equal_predictions"] == np.mean(labels[0] == labels[1])
    assert agreement["max_probability_difference"] == pytest.approx(np.abs(probabilities[0] - probabilities[1]).max())
    for name, predicted in zip(("original", "exported"), labels, strict=True):
        assert agreement[f"accuracy_{name}"] == np.mean(predicted == np.array(test["label"]))
    weights = {"original": run / "model/model.safetensors", "exported": path / EXPORT_FILES[export_format]}
    for name, file in weights.items():
        assert record[name] == {"weights_sha256": file_sha256(file), "weights_bytes": file.stat().st_size}
    assert export_format == "onnx-int8" or agreement["max_logit_difference"] < 1e-4
    assert str(Path.cwd()) not in json.dumps(record)
    assert [row.truncated for row in exported.classify(TEXTS)] == [False, True]


def test_example_texts_are_used_where_the_runs_data_are_not_available_and_thresholds_kept(make_run, caplog):
    thresholds = [0.001, 0.999, 0.001, 0.999, 0.5]
    run = make_run(problem_type="multi_label_classification", label_thresholds=thresholds)
    shutil.copytree(run / "model", "alone")
    options = {"format": "transformers"}
    path = export(ExportArguments(model="alone", **options))
    assert path == Path("exports/alone-transformers")
    assert read_json(path / "export.json")["agreement"]["texts"] == "example texts"
    write_csv(Path("news.csv"), articles(*LABELS, each=11))
    export(ExportArguments(model=str(run), **options))
    assert "have changed" in caplog.text
    Path("news.csv").unlink()
    export(ExportArguments(model=str(run), overwrite=True, **options))
    assert "not available" in caplog.text
    original, exported = (Predictor.from_pretrained(each, device="cpu") for each in (run, path))
    assert exported.thresholds == thresholds
    assert [row.labels for row in exported.classify(TEXTS)] == [row.labels for row in original.classify(TEXTS)]


def test_nothing_is_written_where_the_export_fails_or_computes_other_logits(make_run, monkeypatch):
    run = make_run("mean")
    with pytest.raises(UserError, match=r"--format transformers: .*--pooling pooler"):
        export(ExportArguments(model=str(run), format="transformers"))
    write, other = export_module.export_transformers, classifier_of("bert", "pooler")
    monkeypatch.setattr(export_module, "export_transformers", lambda _, *rest: write(other, *rest))
    with pytest.raises(UserError, match="logits of the export differ"):
        export(ExportArguments(model=str(run), format="transformers"))
    assert not (run / "export").exists()


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(make_run, monkeypatch, package):
    run = make_run()
    for name in [*sys.modules]:
        if re.match(rf"{package}\b|bbc_classifier\.export\.[oq]", name):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"needs the package {package}.*: pip install onnx onnxscript onnxruntime"):
        export(ExportArguments(model=str(run)))

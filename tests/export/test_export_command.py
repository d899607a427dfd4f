"""`bbc-classifier export`, and what `predict` and `evaluate` make of the folders it writes."""

import json
import shutil
from pathlib import Path

import pytest

from bbc_classifier.cli import main
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.inference.open_classifier import open_classifier
from bbc_classifier.provenance import file_sha256, settings_sha256
from bbc_classifier.records import read_json, write_json
from tests.conftest import LABELS
from tests.refusals import assert_refused

TEXTS = ["Shares fell in early trading.", "the match " * 60]
WEIGHTS = {
    "transformers": "model.safetensors",
    "onnx": "onnx/model.onnx",
    "onnx-int8": "onnx/model_quantized.onnx",
}


@pytest.mark.parametrize("form", WEIGHTS)
def test_an_export_is_measured_on_the_rows_the_run_held_out_and_opened_by_predict_and_evaluate(news_run, capsys, form):
    run = news_run()
    assert main(["export", str(run), "--format", form]) == 0
    folder, printed = run / "export" / form, capsys.readouterr().out
    assert f"Exported: run as {form}" in printed and "news.csv, n = " in printed
    assert f"Next: bbc-classifier predict --model {folder}" in printed
    record = read_json(folder / "export.json")
    held_out = len(read_json(run / "split.json")["test"])
    assert (record["format"], record["measured"]["n"], record["measured"]["data"]) == (form, held_out, "news.csv")
    settings = {name: sha256 for name, sha256 in settings_sha256(folder).items() if name != "export.json"}
    assert {"config.json", "tokenizer.json"} <= set(settings)
    for which, path in (("original", run / "model" / "model.safetensors"), ("exported", folder / WEIGHTS[form])):
        described = record[which]
        assert described.pop("settings_sha256", None) == (settings if which == "exported" else None)
        assert described == {"weights_sha256": file_sha256(path), "weights_bytes": path.stat().st_size}
    assert str(Path.cwd()) not in json.dumps(record)
    expected, answers = (predictions(model, capsys) for model in (run, folder))
    tolerance = 0.1 if form == "onnx-int8" else 1e-6
    for answer, wanted in zip(answers, expected, strict=True):
        assert answer["truncated"] == wanted["truncated"]
        assert answer["probabilities"] == pytest.approx(wanted["probabilities"], abs=tolerance)
    # An exported folder in a run knows which rows the run was trained on.
    assert main(["evaluate", "--model", str(folder)]) == main(["evaluate", "--model", str(run)]) == 0
    theirs, ours = (Path("evaluations") / name for name in (f"run-{form}", "run"))
    measured, evaluated = record["measured"]["accuracy"], read_json(theirs / "evaluation.json")
    assert evaluated["evaluation"]["test"]["metrics"]["accuracy"] == measured["exported"]
    assert evaluated["model"]["weights_sha256"] == record["exported"]["weights_sha256"]
    assert read_json(ours / "evaluation.json")["evaluation"]["test"]["metrics"]["accuracy"] == measured["original"]
    rows = [read_predictions(folder / "predictions" / "test.parquet", LABELS) for folder in (ours, theirs)]
    same = (rows[0][2].argmax(axis=1) == rows[1][2].argmax(axis=1)).mean()
    assert record["measured"]["agreement"] == same
    assert record["measured"]["largest_difference"] == abs(rows[0][2] - rows[1][2]).max()


def predictions(model: Path, capsys) -> list[dict]:
    capsys.readouterr()
    assert main(["predict", "--model", str(model), "--format", "json", *TEXTS]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_of_several_labels_an_export_gives_those_that_reach_the_runs_thresholds(news_run):
    thresholds = [0.001, 0.999, 0.001, 0.999, 0.5]
    run = news_run(problem_type="multi_label_classification", label_thresholds=thresholds)
    for form in ("transformers", "onnx"):
        assert main(["export", str(run), "--format", form, "--measure", "false"]) == 0
        exported, original = open_classifier(str(run / "export" / form)), open_classifier(str(run))
        assert exported.thresholds == thresholds
        answers = [classifier.predict(TEXTS) for classifier in (original, exported)]
        assert [answer.labels for answer in answers[0]] == [answer.labels for answer in answers[1]]
        assert {"business", "politics"} <= set(answers[1][0].labels)


def test_without_the_runs_data_both_are_compared_on_texts_of_our_own(news_run, capsys):
    run = news_run()
    shutil.copytree(run / "model", "alone")
    for argv in ([str(run), "--measure", "false"], ["alone"]):
        assert main(["export", "--format", "transformers", *argv]) == 0
        assert "example texts, n = 14" in capsys.readouterr().out
    measured = read_json(Path("exports/alone-transformers/export.json"))["measured"]
    assert measured == {"data": None, "n": 14, "agreement": 1.0, "largest_difference": measured["largest_difference"]}
    assert measured["largest_difference"] < 1e-6


def test_a_run_of_other_rows_than_its_data_now_give_is_not_measured_on_them(news_run, capsys, caplog):
    run = news_run()
    split = read_json(run / "split.json")
    (run / "split.json").write_text(json.dumps({**split, "fingerprint": "of other rows"}), encoding="utf-8")
    assert main(["export", str(run), "--format", "transformers"]) == 0
    assert read_json(run / "export" / "transformers" / "export.json")["measured"]["data"] is None
    assert "no longer those" in caplog.text


def test_an_earlier_export_is_replaced_only_when_told_to_and_nothing_else_ever(news_run, capsys):
    run = news_run()
    quick = ["export", str(run), "--format", "transformers", "--measure", "false"]
    assert main(quick) == 0
    assert_refused(quick, "is not empty; add --overwrite", capsys)
    assert main([*quick, "--overwrite"]) == 0
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine", encoding="utf-8")
    assert_refused([*quick, "--output_dir", "mine", "--overwrite"], "files that are no export of ours", capsys)
    (run / "export" / "transformers" / "notes.txt").write_text("mine", encoding="utf-8")
    assert_refused([*quick, "--overwrite"], "holds 'notes.txt', which is no part of the export", capsys)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere"], "no classifier at 'nowhere'"),
        (["run", "--format", "gguf"], "invalid choice: 'gguf'"),
        ([], "the following arguments are required: run"),
        (["run", "--format", "transformers"], "averages tokens.*--pooling pooler"),
        (["run", "--output_dir", "run"], "holds the classifier that is to be exported"),
        (["run", "--output_dir", "run/model"], "'run/model' is not empty"),
        (["run/model", "--output_dir", "run"], "holds the classifier that is to be exported"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(news_run, capsys, argv, message):
    news_run("mean")
    assert_refused(["export", *argv], message, capsys)


def test_an_export_is_not_exported_again_and_an_unknown_form_is_not_opened(news_run, capsys):
    run = news_run()
    assert main(["export", str(run), "--format", "transformers", "--measure", "false"]) == 0
    folder = run / "export" / "transformers"
    assert_refused(["export", str(folder), "--output_dir", "again"], "is an export; give the run", capsys)
    config = read_json(folder / "config.json")
    config["bbc_classifier"]["format"] = "of-the-future"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert_refused(["predict", "--model", str(folder), "text"], "unknown format 'of-the-future'", capsys)


@pytest.fixture
def onnx_folder(news_run) -> Path:
    run = news_run()
    assert main(["export", str(run), "--measure", "false"]) == 0
    return run / "export" / "onnx"


def test_a_folder_with_a_part_missing_or_a_device_it_cannot_have_is_refused(onnx_folder, capsys):
    predict = ["predict", "--model", str(onnx_folder), "text"]
    assert_refused([*predict, "--device", "cuda"], "runs on cpu here, not on 'cuda'", capsys)
    (onnx_folder / "onnx" / "model.onnx").rename("model.onnx")
    assert_refused(predict, "--model: 'run/export/onnx' ", capsys)
    Path("model.onnx").rename(onnx_folder / "onnx" / "model.onnx")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (onnx_folder / name).unlink()
    assert_refused(predict, "--model: 'run/export/onnx' lacks tokenizer.json, which export.json", capsys)


def test_an_export_is_replaced_with_whatever_its_tokenizer_called_its_files(onnx_folder, capsys):
    again = ["export", "run", "--format", "onnx", "--measure", "false", "--overwrite"]
    (onnx_folder / "emoji.json").write_text("{}", encoding="utf-8")
    assert_refused(again, "holds 'emoji.json', which is no part of the export there", capsys)
    record = read_json(onnx_folder / "export.json")
    record["exported"]["settings_sha256"] = settings_sha256(onnx_folder)
    write_json(onnx_folder / "export.json", record)
    assert main(again) == 0 and not (onnx_folder / "emoji.json").exists()

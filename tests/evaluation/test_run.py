"""The evaluate command's function: a whole folder or none, and no test rows that the classifier was trained on."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.evaluation.run import evaluate
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json, write_json

LABELS = ["business", "entertainment", "politics", "sport", "tech"]
WRITTEN = [
    "evaluation.json",
    "figures",
    "figures/confusion_matrix.png",
    "figures/confusion_matrix_normalized.png",
    "predictions",
    "predictions/test.parquet",
]


def options(run: Path, folder: Path | None, **others: object) -> EvaluateArguments:
    return EvaluateArguments(model=str(run), output_dir=folder and str(folder), **others)


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_evaluation_writes_record_predictions_and_figures(save_classifier, bbc_articles, tmp_path):
    run, folder = save_classifier(LABELS), tmp_path / "deep" / "evaluation"
    assert evaluate(options(run, folder), DataArguments()) == folder
    assert contents(folder) == WRITTEN
    assert [path.name for path in folder.parent.iterdir()] == ["evaluation"]
    record = read_json(folder / "evaluation.json")
    assert record["model"]["name"] == "run"
    assert record["model"]["weights_sha256"] == file_sha256(run / "model" / "model.safetensors")
    assert record["data"]["split_fingerprint"] == bbc_articles.split.fingerprint
    assert record["data"]["distinct"] == 2121
    row_ids, labels, probabilities = read_predictions(folder / "predictions" / "test.parquet", LABELS)
    assert row_ids == bbc_articles.split.test
    report = record["evaluation"]["test"]
    assert report["n"] == len(row_ids) == 317
    assert report["correct"] == (probabilities.argmax(axis=1) == labels).sum()
    assert str(tmp_path) not in json.dumps(record)


def test_an_earlier_evaluation_of_a_run_on_the_same_split_is_replaced_whole(
    save_classifier, bbc_articles, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = save_classifier(LABELS)
    write_json(run / "record.json", {"data": {"split_fingerprint": bbc_articles.split.fingerprint}})
    write_json(Path("evaluations/run/evaluation.json"), {"earlier": True})
    Path("evaluations/run/stale.txt").touch()
    # A model folder inside a run folder is the run, and without --output_dir the run's name is the folder's.
    folder = evaluate(options(run / "model", None, overwrite=True), DataArguments())
    assert folder == Path("evaluations") / "run"
    assert contents(folder) == WRITTEN
    assert read_json(folder / "evaluation.json")["model"]["name"] == "run"


@pytest.mark.parametrize("inner", ["", "model"])
def test_a_run_trained_on_another_split_is_refused(save_classifier, tmp_path, inner):
    run = save_classifier(LABELS)
    write_json(run / "record.json", {"data": {"split_fingerprint": "0" * 64}})
    with pytest.raises(InputError, match=r"was trained on another split \(000000000000, not [0-9a-f]{12}\)"):
        evaluate(options(run / inner, tmp_path / "e"), DataArguments())
    assert not (tmp_path / "e").exists()


def test_a_folder_that_is_not_empty_is_refused_without_overwrite(tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "evaluation.json").write_text("{}")
    with pytest.raises(InputError, match=r"--output_dir: .* is not empty; add --overwrite"):
        evaluate(options(tmp_path / "run", tmp_path / "e"), DataArguments())
    assert (tmp_path / "e" / "evaluation.json").read_text() == "{}"


def test_overwrite_never_deletes_files_that_are_no_evaluation(tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"--overwrite: .* no evaluation of ours; they stay"):
        evaluate(options(tmp_path / "run", tmp_path / "e", overwrite=True), DataArguments())
    assert (tmp_path / "e" / "thesis.tex").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "e").write_text("mine")
    with pytest.raises(InputError, match=r"--output_dir: .* is a file"):
        evaluate(options(tmp_path / "run", tmp_path / "e", overwrite=True), DataArguments())


def test_a_folder_that_cannot_be_made_is_the_worlds_fault(save_classifier, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match=r"--output_dir: cannot write to .*: Not a directory"):
        evaluate(options(save_classifier(LABELS), tmp_path / "file" / "e"), DataArguments())


def break_weights(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["classifier.bias"][:] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})


def test_an_evaluation_that_fails_midway_leaves_nothing(save_classifier, tmp_path):
    run = save_classifier(LABELS)
    break_weights(run)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="outputs for 317 of 317 texts are no numbers"):
        evaluate(options(run, tmp_path / "e"), DataArguments())
    assert contents(tmp_path) == before


def test_an_evaluation_that_fails_midway_leaves_the_earlier_one(save_classifier, tmp_path):
    run = save_classifier([*LABELS[:4], "science"])
    write_json(tmp_path / "e" / "evaluation.json", {"earlier": True})
    with pytest.raises(InputError, match="does not know the label 'tech'"):
        evaluate(options(run, tmp_path / "e", overwrite=True), DataArguments())
    assert read_json(tmp_path / "e" / "evaluation.json") == {"earlier": True}
    assert not list(tmp_path.glob(".*"))

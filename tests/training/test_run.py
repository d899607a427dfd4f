"""From options to a finished run: what is in the folder, and what is the same whichever way one gets there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.predictions import read_predictions
from bbc_classifier.evaluation.report import evaluation_report
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.provenance import file_sha256
from bbc_classifier.records import read_json
from bbc_classifier.training.cross_validation import cross_validate
from bbc_classifier.training.starting_point import LOADING_LEFTOVERS
from tests.conftest import LABELS
from tests.test_folder_lock import end, hold
from tests.training.conftest import interrupt_at, weights

SCHEMA = Path(__file__).parents[2] / "docs" / "run-folder.md"


def test_a_run_leaves_exactly_the_documented_files(run_training):
    folder = run_training()
    files = sorted(str(path.relative_to(folder.path).as_posix()) for path in folder.path.rglob("*") if path.is_file())
    code = ["columns", "configuration_pooled_encoder", "distinct_tokens", "encoders", "lexical_head", "loss"]
    code += ["modeling_pooled_encoder", "pooling", "pretrained_encoder", "truncation"]
    expected = [
        *(f"figures/{name}.png" for name in ("confusion_matrix", "confusion_matrix_normalized", "learning_curves")),
        *(f"model/{name}.py" for name in code),
        *(f"model/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")),
        *(f"predictions/{side}.parquet" for side in ("test", "validation")),
        *("history.json", "options.json", "record.json", "seen_texts.json", "split.json"),
    ]
    assert files == sorted(expected)
    document = SCHEMA.read_text(encoding="utf-8")
    assert [name for name in expected if name.rpartition("/")[2] not in document and "/" not in name] == []


def test_every_key_of_the_record_is_in_the_schema_document(run_training):
    record = read_json(run_training().record)
    documented = set(re.findall(r"`([a-z0-9_]+)`", SCHEMA.read_text(encoding="utf-8")))
    keys = set(record)
    for group in ("encoder", "model", "training", "seconds", "provenance", "peak_memory_mib"):
        keys |= set(record[group])
    keys |= set(record["evaluation"]["test"]) | set(record["evaluation"]["test"]["metrics"])
    keys |= set(record["data"]) | set(record["data"]["sides"])
    assert keys - documented == set()


def test_the_record_names_the_weights_that_were_evaluated_and_its_figures_follow_from_the_predictions(run_training):
    folder = run_training()
    record = read_json(folder.record)
    assert record["model"]["weights_sha256"] == file_sha256(folder.model / "model.safetensors")
    for side in ("validation", "test"):
        _, labels, probabilities = read_predictions(folder.path / "predictions" / f"{side}.parquet", LABELS)
        report = evaluation_report(labels, probabilities, LABELS)
        assert {name: record["evaluation"][side][name] for name in report} == report


def test_predictions_are_what_the_saved_classifier_says(run_training):
    folder = run_training()
    row_ids, _, probabilities = read_predictions(folder.path / "predictions" / "test.parquet", LABELS)
    assert row_ids == read_json(folder.split)["test"]
    classifier = NewsClassifier.from_pretrained(str(folder.path))
    number = int(row_ids[0].rpartition("/")[2])
    words = {"business": "shares market"}[row_ids[0].partition("/")[0]]
    again, _ = classifier.probabilities([f"the {words} {number} " * (1 + number % 7)])
    np.testing.assert_allclose(again[0], probabilities[0], atol=1e-6)


def test_the_saved_tokenizer_neither_warns_of_long_texts_nor_tells_how_it_was_loaded(run_training, capfd, caplog):
    folder = run_training(max_steps=1)
    capfd.readouterr()
    caplog.clear()
    tokenizer = AutoTokenizer.from_pretrained(folder.model, trust_remote_code=False)
    assert len(tokenizer("goal " * 500)["input_ids"]) == 502
    assert (capfd.readouterr().err, caplog.text) == ("", "")
    assert set(read_json(folder.model / "tokenizer_config.json")).isdisjoint(LOADING_LEFTOVERS)


def test_the_recipe_learns_the_synthetic_topics(run_training):
    record = read_json(run_training(num_train_epochs=6).record)
    assert record["evaluation"]["test"]["metrics"]["accuracy"] >= 0.9


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run_training):
    first, again, other = run_training("a"), run_training("b"), run_training("c", seed=7)
    assert weights(first) == weights(again)
    assert weights(first) != weights(other)


@pytest.mark.parametrize("stop", [9, 12, 15], ids=["on the epoch's last step", "mid-epoch", "mid-epoch, last saved"])
def test_a_resumed_run_is_the_uninterrupted_run_bit_for_bit(run_training, monkeypatch, stop):
    options = {"num_train_epochs": 3, "save_strategy": "steps", "save_steps": 4, "eval_strategy": "steps"}
    options |= {"eval_steps": 4, "classifier_dropout": 0.3, "encoder_dropout": 0.1, "save_total_limit": 5}
    whole = run_training("whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **options)
    resumed = run_training("broken", resume_from_checkpoint="last", **options)
    assert weights(whole) == weights(resumed)
    assert read_json(resumed.record)["training"]["resumed"] is True
    assert not resumed.checkpoints.exists()


def test_an_unfinished_run_is_neither_resumed_nor_replaced_unasked(run_training, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 12)
        with pytest.raises(KeyboardInterrupt):
            run_training()
    with pytest.raises(InputError, match="unfinished run; add --resume_from_checkpoint"):
        run_training()
    assert run_training(overwrite=True).is_finished


def test_a_folder_in_which_another_process_trains_is_refused(run_training, tmp_path):
    process = hold(tmp_path / "run")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError, match="another process is training in"):
        run_training(max_steps=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    end(process)
    assert run_training(max_steps=1).is_finished


def test_a_finished_run_is_left_as_it_is(run_training):
    folder = run_training()
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    assert run_training().path == folder.path
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def test_other_options_are_refused_by_name_and_replace_the_run_when_asked(run_training):
    first = weights(run_training())
    with pytest.raises(InputError, match=r"other options \(pooling: mean, now max\); add --overwrite"):
        run_training(pooling="max")
    assert weights(run_training(pooling="max", overwrite=True)) != first


def test_an_export_is_replaced_with_the_run_that_it_is_of(run_training):
    (run_training().path / "export").mkdir()
    assert not (run_training(overwrite=True).path / "export").exists()


def test_a_run_is_replaced_only_once_the_new_one_can_start(run_training):
    first = weights(run_training())
    with pytest.raises(InputError, match="positions for 64 tokens"):
        run_training(max_length=65, overwrite=True)
    folder = run_training()
    assert weights(folder) == first


def test_files_that_are_no_run_of_ours_are_never_touched(run_training, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="no run of ours"):
            run_training(overwrite=overwrite)
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_the_temperature_is_folded_into_the_saved_head(run_training, tmp_path):
    options = {"num_train_epochs": 1, "learning_rate": 1e-3, "metric_for_best_model": "log_loss"}
    record = read_json(run_training(**options).record)
    assert record["temperature"] != 1
    best = record["training"]["best_value"]
    assert record["evaluation"]["validation"]["metrics"]["log_loss"] <= best + 1e-6


def test_accumulating_gradients_does_not_scale_the_logged_loss(run_training):
    options = {"max_steps": 2, "logging_steps": 1, "num_train_epochs": 1}
    plain = read_json(run_training("plain", per_device_train_batch_size=16, **options).history)
    split = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    accumulated = read_json(run_training("accumulated", **split, **options).history)
    # Same rows in both: the sampler's batches are those of one optimiser step. Dropout draws differ a little.
    assert accumulated[0]["loss"] == pytest.approx(plain[0]["loss"], rel=0.05)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weights": "balanced"},
        {"label_smoothing_factor": 0.1},
        {"train_sampling_strategy": "random"},
        {"truncation": "head+tail"},
        {"pooling": "attention"},
        {"pooling": "pooler"},
        {"early_stopping_patience": 0, "load_best_model_at_end": False},
        {"activation_checkpointing": True},
    ],
    ids=lambda options: next(iter(options)),
)
def test_every_option_reaches_a_finished_run_that_names_it(run_training, options):
    record = read_json(run_training(max_steps=2, **options).record)
    recorded = {**record["options"]["model"], **record["options"]["data"], **record["options"]["training"]}
    assert {name: recorded[name] for name in options} == options


def test_frozen_layers_keep_their_weights_and_the_others_move(run_training, tiny_bert_folder):
    before = AutoModel.from_pretrained(tiny_bert_folder).state_dict()
    folder = run_training(frozen_layers=1, weight_decay=0.1, max_steps=3, pooling="pooler")
    after = PooledEncoderForSequenceClassification.from_pretrained(folder.model).encoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith(("embeddings.", "encoder.layer.0."))}
    # A key's bias adds the same to every score of a row, and softmax takes it away again: it has no gradient.
    assert same - {"encoder.layer.1.attention.self.key.bias"} == frozen
    assert any(name.startswith("pooler.") for name in set(before) - same)


def test_early_stopping_ends_a_run_that_no_longer_improves(run_training):
    record = read_json(run_training(num_train_epochs=30, learning_rate=3e-2, early_stopping_patience=1).record)
    assert record["training"]["epochs"] < 30
    assert record["training"]["best_step"] < record["training"]["steps"]


def test_a_finished_run_is_an_encoder_and_its_head_is_kept_when_labels_agree(run_training):
    first = run_training("first", num_train_epochs=6)
    second = run_training("second", encoder=str(first.path), learning_rate=1e-7, max_steps=1)
    assert read_json(second.record)["evaluation"]["test"]["metrics"]["accuracy"] >= 0.9
    assert read_json(second.record)["encoder"]["weights_sha256"] == read_json(first.record)["model"]["weights_sha256"]


def test_cross_validation_predicts_every_row_once_and_a_fold_alone_is_the_fold_in_the_loop(
    run_training, tiny_bert_folder, tmp_path
):
    from bbc_classifier.data.options import DataArguments
    from bbc_classifier.training.arguments import ModelArguments

    training = {"max_steps": 3, "per_device_train_batch_size": 8, "disable_tqdm": True, "learning_rate": 5e-3}
    record = cross_validate(
        ModelArguments(encoder=str(tiny_bert_folder), frozen_layers=0),
        DataArguments(max_length=24),
        training,
        folds=3,
        output_dir=tmp_path / "folds",
        record=tmp_path / "record.json",
    )
    tested = [row for fold in range(3) for row in read_json(tmp_path / "folds" / f"fold-{fold}" / "split.json")["test"]]
    assert len(tested) == len(set(tested)) == 100 == record["out_of_fold"]["n"]
    assert list(record["predictions"]) == sorted(tested)
    right = [row.partition("/")[0] == given for row, given in record["predictions"].items()]
    assert sum(right) == record["out_of_fold"]["correct"]
    alone = run_training("alone", folds=3, fold=2, **training)
    assert read_json(alone.record)["model"]["weights_sha256"] == record["folds"][2]["weights_sha256"]


def test_the_record_holds_no_folder_of_this_machine_and_the_options_go_on_to_work(run_training, tiny_bert_folder):
    folder = run_training()
    record = read_json(folder.record)
    assert record["options"]["model"]["encoder"] == tiny_bert_folder.name
    assert str(tiny_bert_folder.parent) not in folder.record.read_text(encoding="utf-8")
    assert read_json(folder.options)["model"]["encoder"] == str(tiny_bert_folder)


def test_the_texts_a_run_has_seen_are_kept_as_hashes(run_training):
    folder = run_training()
    split = read_json(folder.split)
    assert len(read_json(folder.seen_texts)) == len(split["train"]) + len(split["validation"])

"""Every command, one after the other, as a user runs them: exit codes, files, and what is printed."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from bbc_classifier.cli import COMMANDS, OptionParser, main
from bbc_classifier.io import read_json
from tests.tiny import articles, run_python, save_tiny_encoder, write_csv

TRAIN = ["--max_length", "32", "--max_steps", "3", "--use_cpu", "--disable_tqdm", "--learning_rate", "1e-3"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an encoder, a table of two labels and a run trained on it."""
    path = tmp_path_factory.mktemp("work")
    encoder = save_tiny_encoder(path / "tiny")
    data = write_csv(path / "news.csv", articles("sport", "business", each=20))
    assert main(["train", "--dataset", data, "--encoder", str(encoder), "--output_dir", str(path / "run"), *TRAIN]) == 0
    return path


def test_train_says_what_it_wrote_and_returns_a_finished_run_at_once(work: Path, capsys) -> None:
    argv = ["train", "--dataset", str(work / "news.csv"), "--encoder", str(work / "tiny"), *TRAIN]
    assert main([*argv, "--output_dir", str(work / "run")]) == 0
    printed = capsys.readouterr().out
    assert "Already finished" in printed and "accuracy" in printed and "bbc-classifier predict" in printed
    record = read_json(work / "run" / "record.json")
    assert record["schema"] == 2 and record["training"]["global_step"] == 3
    assert main([*argv, "--output_dir", str(work / "run"), "--seed", "7"]) == 2
    assert "seed" in capsys.readouterr().err
    assert str(work) not in json.dumps(record)


def test_few_labels_train_predict_and_warn(work: Path, capsys, caplog) -> None:
    """8 texts a class give a test split of 2; 2 texts a class need --test_fraction 0."""
    names, output = ("sport", "business"), str(work / "few")
    argv = ["train", "--encoder", str(work / "tiny"), "--output_dir", output, "--overwrite", *TRAIN]
    few = write_csv(work / "few.csv", articles(*names, each=8))
    assert main([*argv, "--dataset", few, "--hub_token", "hf_secret"]) == 0
    printed = capsys.readouterr().out
    report = read_json(work / "few" / "record.json")["evaluation"]["test"]
    low, high = report["intervals"]["accuracy"]
    warning = printed[printed.index("Warning: 2 test rows") :]
    printed += "".join(path.read_text(encoding="utf-8") for path in (work / "few").rglob("*.json"))
    assert "hf_secret" not in printed and f"{low:.2f} to {high:.2f}" in warning
    assert "--recipe few" in warning and "only 2 validation rows" in caplog.text
    (command,) = (line.partition(": bbc-classifier ")[2] for line in warning.splitlines() if " compare " in line)
    name, *flags = shlex.split(command)
    given = OptionParser(name, COMMANDS[name]).parse(flags).given
    assert (given["folds"], given["dataset"], given["encoders"]) == (5, few, [str(work / "tiny")])

    two = write_csv(work / "two.csv", articles(*names, each=2))
    assert main([*argv, "--dataset", two]) == 2 and "2 with --test_fraction 0" in capsys.readouterr().err
    assert main([*argv, "--dataset", two, "--test_fraction", "0"]) == 0
    assert "Warning: 2 validation rows" in capsys.readouterr().out
    assert main(["predict", "--model", output, "A goal in the match."]) == 0


def test_predict_texts_a_file_and_a_directory(work: Path, capsys) -> None:
    run = str(work / "run")
    predict = ["predict", "--model", run, text := "The team scored a goal."]
    assert main([*predict, "--format", "json", "--explain"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["text"] == text and set(answer["probabilities"]) == {"business", "sport"}
    assert [word for word, _ in answer["words"]] == text.split()
    assert main([*predict, "--explain"]) == main([*predict, "--min_confidence", "1"]) == 0
    printed = capsys.readouterr().out
    assert text in printed and "unsure" in printed
    output = work / "predictions.csv"
    argv = ["predict", "--model", run, "--input", str(work / "news.csv"), "--output_file", str(output)]
    assert main(argv) == 0
    table = pd.read_csv(output)
    assert list(table)[:4] == ["text", "label", "prediction", "confidence"] and len(table) == 40
    assert main(argv) == 2 and "--overwrite" in capsys.readouterr().err
    argv = [*argv[:-2], "--output_dir", str(work / "shards"), "--shard_format", "csv", "--shard_rows", "15"]
    assert main(argv) == main(argv) == 0
    shards = map(pd.read_csv, sorted((work / "shards" / "shards").iterdir()))
    assert pd.concat(shards)["prediction"].tolist() == table["prediction"].tolist()


def test_evaluate_own_data_and_those_seen_in_training(work: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    assert main(["evaluate", "--model", "run"]) == 0
    files = (work / "run" / "record.json", work / "evaluations" / "run" / "evaluation.json")
    expected, own = (read_json(file)["evaluation"]["test"]["metrics"] for file in files)
    assert own == expected
    seen = write_csv(work / "seen.csv", articles("sport", "business", each=20))
    assert main(["evaluate", "--model", "run", "--dataset", seen, "--split", "all"]) == 2
    assert "--drop_leaked_rows" in capsys.readouterr().err


def test_audit_export_card_push_compare_and_report(work: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    assert main(["audit", "--dataset", "news.csv", "--encoder", "tiny"]) == 0
    assert "bbc-classifier train --dataset=news.csv" in capsys.readouterr().out
    assert main(["export", "run", "--format", "onnx"]) == 0
    assert main(["predict", "--model", "run/export/onnx", "The team scored."]) == 0
    assert main(["card", "run"]) == 0
    assert "accuracy" in (work / "run" / "README.md").read_text(encoding="utf-8")
    assert main(["push", "run", "--repo_id", "me/news", "--dry_run"]) == 2
    assert "--license" in capsys.readouterr().err
    assert main(["push", "run", "--repo_id", "me/news", "--dry_run", "--license", "mit"]) == 0
    (staged,) = (path.parent for path in (work / "publish").rglob("model.safetensors"))
    assert not [path for path in staged.rglob("*.json") if str(work) in path.read_text(encoding="utf-8")]
    argv = ["compare", "--dataset", "news.csv", "--encoders", "tiny", "--poolings", "mean", "cls", *TRAIN]
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert "tiny-mean" in printed and "tfidf" in printed
    assert main(["report", "comparison", "--output_dir", "report"]) == 0
    assert (work / "report" / "report.html").is_file()


def test_a_user_s_own_pooling(work: Path) -> None:
    """The module of docs/poolings.md, here with two layers, is imported by --pooling_module."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "poolings.md").read_text(encoding="utf-8")
    module = page.partition("```python\n")[2].partition("```")[0].replace("[-4:]", "[-2:]")
    (work / "my_poolings.py").write_text(module, encoding="utf-8")
    train = "train --dataset news.csv --encoder tiny --pooling last4 --pooling_module my_poolings --output_dir own"
    for code, argv in ((0, [*train.split(), *TRAIN]), (2, ["predict", "--model", "own", "The team scored."])):
        result = run_python("-m", "bbc_classifier", *argv, returncode=code, cwd=work)
    assert "last4" in result.stderr and "my_poolings" in result.stderr


def test_a_failure_of_the_environment_exits_1(work: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    assert main(["train", "--dataset", "news.csv", "--encoder", "owner/absent", "--output_dir", "none", *TRAIN]) == 1
    assert "--encoder owner/absent" in capsys.readouterr().err
    assert not (work / "none").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_loses_nothing(work: Path, capsys) -> None:
    disk = work / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=False).returncode
    ):
        pytest.skip("may not mount a small file system")
    try:
        argv = ["train", "--dataset", str(work / "news.csv"), "--encoder", str(work / "tiny"), *TRAIN]
        assert main([*argv, "--output_dir", str(disk / "run")]) == 1
        message = capsys.readouterr().err
        assert "no space left" in message and message.count("\n") <= 2
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert main([*argv, "--output_dir", str(disk / "run"), "--overwrite"]) == 0
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

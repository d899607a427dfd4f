"""The command line: what it prints, what it returns, and what it says of bad input."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.cli import COMMANDS, main
from bbc_classifier.records import read_json
from tests.tiny import save_tiny_encoder


@pytest.fixture
def train_here(synthetic_news, tiny_bert_folder, tmp_path, monkeypatch):
    """Work in an empty folder, on the synthetic articles; return a caller of `bbc-classifier train`."""
    monkeypatch.chdir(tmp_path)

    def call(*flags: str) -> int:
        quick = ["--frozen_layers", "0", "--max_length", "24", "--max_steps", "2", "--disable_tqdm", "true"]
        return main(["train", "--encoder", str(tiny_bert_folder), *quick, *flags])

    return call


def test_a_loss_that_is_no_number_is_a_failure_and_its_folder_stays(train_here, capsys):
    assert train_here("--learning_rate", "1e30", "--max_grad_norm", "0", "--max_steps", "3", "--output_dir", "run") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "at step" in error and "on the rows 'business/" in error and "lower --learning_rate" in error
    assert Path("run", "options.json").is_file() and not Path("run", "record.json").exists()


def test_train_says_what_it_wrote_and_what_to_do_next_and_a_second_time_that_it_is_done(train_here, tmp_path, capsys):
    assert train_here() == 0
    first = capsys.readouterr().out
    folder = Path("runs") / "tiny-bert-mean-seed42"
    assert f"Finished: {folder}" in first
    for line in (
        "Test, n = 15",
        "accuracy",
        "95 % interval",
        str(folder / "record.json"),
        "Next: bbc-classifier predict",
    ):
        assert line in first
    assert train_here() == 0
    assert "Already finished, with the same options" in capsys.readouterr().out
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    record["evaluation"]["test"]["intervals"]["accuracy"] = {}
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    assert train_here() == 2
    assert "record.json' is damaged: evaluation.test.intervals.accuracy" in capsys.readouterr().err


def test_help_and_version_load_no_heavy_library():
    program = (
        "import sys; from bbc_classifier.cli import main\n"
        "assert main(['--help']) == 0 and main(['--version']) == 0\n"
        "print([name for name in ('torch', 'transformers', 'datasets', 'numpy', 'yaml') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "[]"
    assert all(f"\n  {command} " in finished.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_for_each_of_its_flags(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "--config" in capsys.readouterr().out


def test_predict_reads_arguments_and_standard_input(train_here, capsys, monkeypatch):
    train_here()
    capsys.readouterr()
    model = ["--model", str(Path("runs") / "tiny-bert-mean-seed42")]
    assert main(["predict", *model, "--top_k", "2", "the goal match", "the film"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    monkeypatch.setattr("sys.stdin", (Path.cwd() / "texts.txt").open("w+", encoding="utf-8"))
    sys.stdin.write("the goal match\n\nthe film\n")
    sys.stdin.seek(0)
    assert main(["predict", *model, "--format", "json", "--min_confidence", "1"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["label"] for answer in answers] == ["unsure", "unsure"]
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)
    assert lines[0].split()[1] == f"{answers[0]['confidence']:.3f}"


def test_standard_input_is_utf8_whatever_the_system_thinks(train_here, capsys, monkeypatch):
    train_here()
    capsys.readouterr()
    model = ["--model", str(Path("runs") / "tiny-bert-mean-seed42")]
    content = io.BytesIO("a goal\nüber\n".encode() + b"\xfcber\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, encoding="ascii"))
    assert main(["predict", *model]) == 2
    assert_one_sentence(capsys.readouterr().err, "standard input, line 3: byte 0xFC at byte 0 of the line is not UTF-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("über\n".encode()), encoding="ascii"))
    assert main(["predict", *model]) == 0


def test_evaluate_repeats_the_figures_of_the_run(train_here, capsys):
    train_here()
    folder = Path("runs") / "tiny-bert-mean-seed42"
    assert main(["evaluate", "--model", str(folder)]) == 0
    assert "Evaluated:" in capsys.readouterr().out
    again = read_json(Path("evaluations") / folder.name / "evaluation.json")["evaluation"]["test"]
    first = read_json(folder / "record.json")["evaluation"]["test"]
    assert again["metrics"] == first["metrics"]


def test_a_yaml_file_means_what_the_flags_mean_and_a_flag_wins(train_here, tmp_path):
    options = "learning_rate: 1e-4\npooling: max\nreport_to: none\nseed: 3\nbf16: false\n"
    (tmp_path / "options.yaml").write_text(options, encoding="utf-8")
    assert train_here("--config", "options.yaml", "--pooling", "cls", "--output_dir", "from-file") == 0
    assert train_here("--learning_rate", "1e-4", "--seed", "3", "--pooling", "cls", "--output_dir", "from-flags") == 0
    assert read_json(Path("from-file") / "options.json") == read_json(Path("from-flags") / "options.json")


BAD_TRAIN_INPUT = {
    "unknown pooling": (["--pooling", "sum"], "argument --pooling: invalid choice: 'sum' (choose from"),
    "unknown encoder": (["--encoder", "bert-huge"], "unknown encoder 'bert-huge': neither a folder"),
    "pooler without one": (
        ["--encoder", "DISTILBERT", "--pooling", "pooler"],
        "pooling 'pooler' is not one of cls, mean",
    ),
    "encoder without tokenizer": (["--encoder", "NO_TOKENIZER"], "tokenizer"),
    "encoder that is no checkpoint": (["--encoder", "EMPTY"], "has no config.json"),
    "truncated encoder weights": (["--encoder", "TRUNCATED"], "cannot be loaded"),
    "more tokens than positions": (["--max_length", "65"], "positions for 64 tokens"),
    "too few tokens": (["--max_length", "2"], "whole number above 2"),
    "broken yaml": (["--config", "broken.yaml"], "'broken.yaml' is not YAML"),
    "yaml that is a list": (["--config", "list.yaml"], "must hold 'name: value' lines, not a list"),
    "unknown yaml key": (["--config", "unknown.yaml"], "'unknown.yaml' has the unknown option 'poolling'"),
    "wrong yaml value": (["--config", "value.yaml"], "invalid float value: 'fast'"),
    "missing yaml": (["--config", "nowhere.yaml"], "cannot read 'nowhere.yaml'"),
    "unknown flag": (["--learning_rat", "1"], "unknown argument"),
    "fp16 on a cpu": (["--precision", "fp16", "--use_cpu"], "fp16 needs a GPU"),
    "more frozen than there is": (["--frozen_layers", "3"], "cannot freeze 3 layers of this encoder; it has 2"),
    "fold without folds": (["--fold", "1"], "--folds K and --fold I go together"),
    "fold out of range": (["--folds", "5", "--fold", "5"], "from 0 to K - 1"),
    "fractions over one": (["--test_fraction", "0.9", "--validation_fraction", "0.2"], "add up to less than 1"),
    "no learning rate": (["--learning_rate", "-1"], "--learning_rate must be above 0"),
    "no epochs": (
        ["--head_start", "random", "--num_train_epochs", "0", "--max_steps", "-1"],
        "--num_train_epochs 0 trains nothing; add --head_start probe",
    ),
    "epochs below none": (["--num_train_epochs", "-1"], "--num_train_epochs must be 0 or more, not -1.0"),
    "unknown recipe": (["--recipe", "fastest"], "--recipe: 'fastest' is not one of accurate, bert-base, default"),
    "no rows in a batch": (["--per_device_train_batch_size", "0"], "--per_device_train_batch_size must be at least 1"),
    "wrong dropout": (["--classifier_dropout", "1.5"], "classifier_dropout must be a number from 0"),
    "wrong choice of checkpoint": (["--metric_for_best_model", "bleu"], "metric_for_best_model"),
    "nothing to resume": (["--resume_from_checkpoint"], "holds no checkpoint to go on from"),
    "no checkpoint there": (["--resume_from_checkpoint", "EMPTY"], "is no checkpoint folder"),
}


@pytest.fixture
def bad_files(tmp_path: Path, tiny_bert_folder: Path) -> dict[str, str]:
    """Make the broken files of the table outside the working folder's `runs`; return the folders' paths by name."""
    elsewhere = tmp_path / "elsewhere"
    save_tiny_encoder(elsewhere / "DISTILBERT", "distilbert")
    for name in ("NO_TOKENIZER", "TRUNCATED"):
        save_tiny_encoder(elsewhere / name)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (elsewhere / "NO_TOKENIZER" / file).unlink()
    weights = elsewhere / "TRUNCATED" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    (elsewhere / "EMPTY").mkdir()
    for name, text in {
        "broken": "pooling: [mean",
        "list": "- mean",
        "unknown": "poolling: mean",
        "value": "learning_rate: fast",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {path.name: str(path) for path in elsewhere.iterdir()}


def assert_one_sentence(error: str, expected: str) -> None:
    lines = [line for line in error.splitlines() if line.startswith("bbc-classifier: error:")]
    assert len(lines) == 1, error
    assert expected in lines[0]
    assert "Traceback" not in error


@pytest.mark.parametrize("name", BAD_TRAIN_INPUT)
def test_bad_training_input_is_one_sentence_exit_code_2_and_nothing_left(name, train_here, bad_files, capsys):
    flags, expected = BAD_TRAIN_INPUT[name]
    before = sorted(Path.cwd().rglob("*"))
    assert train_here(*(bad_files.get(flag, flag) for flag in flags)) == 2
    assert_one_sentence(capsys.readouterr().err, expected)
    assert sorted(Path.cwd().rglob("*")) == before


BAD_USE = {
    "no command": (["fly"], "unknown command 'fly'; commands: train, evaluate, predict"),
    "no checkpoint": (["predict", "--model", "nowhere", "text"], "no classifier at 'nowhere'"),
    "default run missing": (["predict", "text"], "no classifier at 'runs/minilm-mean-seed42'"),
    "another kind of model": (
        ["predict", "--model", "DISTILBERT", "text"],
        "of type 'distilbert', not a 'pooled_encoder' classifier",
    ),
    "empty folder": (["evaluate", "--model", "EMPTY"], "EMPTY"),
    "no rows asked for": (["predict", "--model", "RUN", "--top_k", "0", "text"], "top_k must be at least 1"),
    "confidence over one": (["predict", "--model", "RUN", "--min_confidence", "2", "text"], "between 0 and 1"),
    "unknown format": (["predict", "--model", "RUN", "--format", "xml", "text"], "invalid choice: 'xml'"),
    "unknown device": (["predict", "--model", "RUN", "--device", "abacus", "text"], "abacus"),
    "nothing to say": (["predict", "--model", "RUN"], "no text to classify"),
    "a blank text": (
        ["predict", "--model", "RUN", "a goal", " "],
        "text 2 of 2 is empty; there is nothing to classify",
    ),
    "two unknown flags": (["predict", "--modle", "RUN"], "unknown argument: --modle; see bbc-classifier predict"),
    "folder taken": (["evaluate", "--model", "RUN", "--output_dir", "RUN"], "is not empty; add --overwrite"),
    "foreign folder": (["evaluate", "--model", "RUN", "--output_dir", "RUN", "--overwrite"], "they stay"),
}


@pytest.mark.parametrize("name", BAD_USE)
def test_bad_input_to_the_other_commands(name, train_here, bad_files, capsys, monkeypatch):
    flags, expected = BAD_USE[name]
    if "RUN" in flags:
        assert train_here("--output_dir", "RUN") == 0
    monkeypatch.setattr("sys.stdin", None)
    before = sorted(Path.cwd().rglob("*"))
    capsys.readouterr()
    assert main([bad_files.get(flag, flag) for flag in flags]) == 2
    assert_one_sentence(capsys.readouterr().err, expected)
    assert sorted(Path.cwd().rglob("*")) == before


def test_a_data_set_that_may_be_on_the_hub_is_exit_code_1_without_network(train_here, capsys):
    assert train_here("--dataset", "reuters") == 1
    assert_one_sentence(capsys.readouterr().err, "neither an embedded data set ('bbc-news') nor a file or folder here")


def test_no_network_is_exit_code_1_and_says_how_to_work_offline(train_here, capsys):
    assert train_here("--encoder", "google-bert/bert-base-uncased") == 1
    assert_one_sentence(capsys.readouterr().err, "the Hub cannot be reached; give a folder, or use --encoder minilm")


def test_a_folder_that_cannot_be_written_is_exit_code_1(train_here, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert train_here("--output_dir", str(tmp_path / "file" / "run")) == 1
    assert_one_sentence(capsys.readouterr().err, "cannot write to")


def test_an_unforeseen_failure_is_exit_code_1_and_shows_its_traceback_only_when_asked(train_here, capsys, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("bbc_classifier.training.start.load_articles", fail)
    assert train_here() == 1
    assert_one_sentence(capsys.readouterr().err, "a wheel came off (add --debug for the traceback)")
    with pytest.raises(RuntimeError, match="a wheel came off"):
        train_here("--debug")


def test_an_interrupted_run_says_how_to_go_on(train_here, capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("bbc_classifier.training.start.load_articles", interrupt)
    assert train_here() == 130
    assert_one_sentence(capsys.readouterr().err, "--resume_from_checkpoint")

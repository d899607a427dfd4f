"""Pushing to a Hub on the loopback: everything in one commit or nothing, and only what others may see."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from bbc_classifier.cli import main
from bbc_classifier.config import PushArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.hub.push import check_push, push
from bbc_classifier.io import read_json, write_json, write_text
from tests.hub_server import READ_TOKEN, TOKEN
from tests.tiny import LABELS, articles, run_python, write_csv

REPO = "ann/news"
FILES = {
    *("README.md", "record.json", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    *("configuration_pooled_encoder.py", "modeling_pooled_encoder.py", "figures/confusion_matrix.png"),
}


def publish(*runs: Path, **options) -> list[str]:
    target = {} if "namespace" in options else {"repo_id": REPO}
    return push(runs, PushArguments(**{**target, "license": "mit", **options}))


def test_one_commit_holds_what_a_user_needs_and_nothing_else(hub, run):
    assert publish(run) == [f"{hub.url}/{REPO}"]
    repository = hub.repositories[REPO]
    files = repository.files()
    assert set(files) - {".gitattributes"} == FILES
    assert len(repository.commits) == 2 and not repository.private
    assert files["model.safetensors"] == (run / "model" / "model.safetensors").read_bytes()
    assert json.loads(files["record.json"])["evaluation"] == read_json(run / "record.json")["evaluation"]
    for name, content in files.items():
        for secret in (b"/home/ann", str(run.parent).encode(), str(Path.home()).encode(), TOKEN.encode(), b"not for"):
            assert secret not in content, name
    for options, commits in (({}, 2), ({"tag": ["new"]}, 3)):  # pushing again makes no empty commit
        publish(run, **options)
        assert len(repository.commits) == commits


def test_another_model_is_replaced_only_with_overwrite(hub, run, make_run):
    publish(run)
    repository, other = hub.repositories[REPO], make_run("other", bias=0.25)
    repository.commit({**repository.files(), "LICENSE": "theirs", "figures/old.png": b"old"})
    with pytest.raises(UserError, match="the model of another run"):
        publish(other)
    publish(other, overwrite=True)
    files = repository.files()
    assert files["model.safetensors"] == (other / "model" / "model.safetensors").read_bytes()
    assert "LICENSE" in files and "figures/old.png" not in files
    repository.commit({"README.md": "# by hand"})
    with pytest.raises(UserError, match="other files"):
        publish(run)


def test_overwrite_of_train_does_not_replace_another_model_on_the_hub(hub, run, tiny_bert_dir, tmp_path, capsys):
    publish(run)
    repository, new = hub.repositories[REPO], str(tmp_path / "new")
    options = f"--max_steps 1 --max_length 16 --overwrite --push_to_hub --hub_model_id {REPO} --hub_license mit".split()
    paths = ["--encoder", str(tiny_bert_dir), "--dataset", write_csv(tmp_path / "news.csv", articles(*LABELS))]
    assert main(["train", *paths, "--output_dir", new, *options]) == 2
    assert f"{REPO} contains the model of another run: bbc-classifier push --overwrite" in capsys.readouterr().err
    assert len(repository.commits) == 2
    assert main(["push", new, "--repo_id", REPO, "--license", "mit", "--overwrite"]) == 0
    weights = tmp_path / "new" / "model" / "model.safetensors"
    assert repository.files()["model.safetensors"] == weights.read_bytes()


def test_private_branch_and_pull_request(hub, run, make_run):
    publish(run, private=True)
    repository, other = hub.repositories[REPO], make_run("other", bias=0.25)
    assert repository.private
    assert publish(other, create_pr=True) == [f"{hub.url}/{REPO}/discussions/1"]
    assert publish(run, revision="v2", tag=["v2"]) == [f"{hub.url}/{REPO}/tree/v2"]
    assert set(repository.refs) == {"main", "refs/pr/1", "v2"} and len(repository.commits) == 4
    weights = (other / "model" / "model.safetensors").read_bytes()
    assert repository.files("refs/pr/1")["model.safetensors"] == weights != repository.files()["model.safetensors"]
    repository.private = False
    with pytest.raises(UserError, match="is public"):
        publish(run, private=True, revision="new")


def test_several_runs_become_repositories_and_a_collection(hub, run, make_run):
    runs = (run, make_run("other", bias=0.25))
    for _ in range(2):  # the second time changes nothing
        urls = publish(*runs, namespace="newsroom", collection="All")
        assert [url.rpartition("/")[2] for url in urls[:2]] == ["tiny-run", "other"] and "/collections/" in urls[2]
    (collection,) = hub.collections.values()
    assert [item["id"] for item in collection["items"]] == ["newsroom/tiny-run", "newsroom/other"]
    assert len(hub.repositories["newsroom/other"].commits) == 2
    with pytest.raises(UserError, match="--repo_id is for a single run"):
        publish(*runs)
    with pytest.raises(UserError, match="two runs would be published"):
        publish(run, run, namespace="ann")


def test_onnx_exports_are_uploaded_if_asked_for_and_of_the_same_weights(hub, run):
    with pytest.raises(UserError, match="bbc-classifier export"):
        publish(run, onnx=True)
    agreement = {"texts": "example texts", "num_texts": 9, "equal_predictions": 1.0, "max_probability_difference": 0.0}
    export = {"format": "onnx", "exported": {"weights_bytes": 7}, "agreement": agreement}
    write_json(run / "export" / "onnx" / "export.json", export)
    write_text(run / "export" / "onnx" / "onnx" / "model.onnx", "a graph")
    publish(run, onnx=True)
    files = hub.repositories[REPO].files()
    assert files["onnx/model.onnx"] == b"a graph" and b"| onnx | `onnx/model.onnx` |" in files["README.md"]
    publish(run)
    assert "onnx/model.onnx" not in hub.repositories[REPO].files()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("model/model.safetensors", b"F32", b"F16", "is not the file that record.json describes"),
        ("model/config.json", b'"sport"', b'"money"', "does not reproduce"),
        ("record.json", b'"sport": 0.', b'"sport": 0.9', "does not reproduce"),
    ],
)
def test_a_dry_run_needs_no_hub_and_a_changed_run_is_not_published(run, tmp_path, file, old, new, message):
    whole, options = (run / file).read_bytes(), {"dry_run": True, "output_dir": str(tmp_path / "out")}
    (run / file).write_bytes(whole.replace(old, new))
    with pytest.raises(UserError, match=message):
        publish(run, **options)
    assert not any((tmp_path / "out").iterdir())
    (run / file).write_bytes(whole)
    (path,) = publish(run, **options)
    assert {file.relative_to(path).as_posix() for file in Path(path).rglob("*") if file.is_file()} == FILES
    for more in ({}, {"output_dir": str(run.parent), "repo_id": run.name, "overwrite": True}):  # the run itself
        with pytest.raises(UserError, match="--output_dir"):
            publish(run, **options | more)
    assert publish(run, **options, overwrite=True) == [path]


@pytest.mark.parametrize(
    ("token", "options", "message"),
    [
        ("", {}, "hf auth login"),
        ("hf_wrong", {}, "status 401"),
        (READ_TOKEN, {}, "can only read"),
        (TOKEN, {"repo_id": "bob/news"}, "status 403"),
        (TOKEN, {"repo_id": "ann/a b"}, "alphanumeric"),
        (TOKEN, {"license": None}, "--license is required"),
        (TOKEN, {"license": "Apache2"}, "the metadata of the card, such as --license"),
    ],
)
def test_what_cannot_succeed_is_an_error_with_a_remedy(hub, run, monkeypatch, token, options, message):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match=message):
        publish(run, **options)
    assert not hub.repositories


@pytest.mark.parametrize(
    ("request_line", "status", "message"),
    [("/commit/", 503, "status 503"), ("/commit/", 412, "status 412"), ("PUT /lfs/", 500, "status 500")],
)
def test_a_failure_leaves_nothing_half_published(hub, run, request_line, status, message):
    hub.failures[request_line] = status
    with pytest.raises(EnvironmentFailure, match=message):
        publish(run)
    assert set(hub.repositories[REPO].files()) == {".gitattributes"}
    hub.failures.clear()
    assert publish(run)  # the same command again succeeds


def test_check_push_before_training(hub, monkeypatch, caplog):
    args = PushArguments(repo_id="news", token=f"{TOKEN}\n")
    check_push(args, dataset="bbc-news")
    with pytest.raises(UserError, match="--hub_license"):
        check_push(args, dataset="mine.csv")
    hub.server_close()
    with pytest.raises(EnvironmentFailure, match="cannot be reached") as failed:
        check_push(args)
    assert TOKEN not in f"{caplog.text} {failed.value}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EnvironmentFailure, match="HF_HUB_OFFLINE"):
        check_push(args)


PIPELINE = """
import json, sys
sys.modules["bbc_classifier"] = None  # as where it is not installed
from transformers import pipeline
classifier = pipeline("text-classification", model={repo_id!r}, trust_remote_code=True)
print(json.dumps([{{row["label"]: row["score"] for row in rows}} for rows in classifier({texts!r}, top_k=None)]))
"""


@pytest.mark.slow
def test_a_stranger_gets_the_recorded_probabilities_and_two_lines_about_code(hub, run, tmp_path):
    publish(run)
    examples = read_json(run / "record.json")["examples"]
    script = PIPELINE.format(repo_id=REPO, texts=[example["text"] for example in examples])
    environment = hub.environment(tmp_path / "cache", TRANSFORMERS_VERBOSITY="warning")
    done = run_python("-c", script, env=environment)
    for found, example in zip(json.loads(done.stdout.splitlines()[-1]), examples, strict=True):
        assert found == pytest.approx(example["probabilities"], abs=1e-5)
    assert 1 <= sum(".py" in line and line.startswith("- ") for line in done.stderr.splitlines()) <= 2

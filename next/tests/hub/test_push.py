"""Pushing to a Hub on the loopback: everything in one commit or nothing, and only what a stranger may see."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bbc_classifier.config import PushArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.hub.push import check_push
from bbc_classifier.hub.push import push as push_here
from bbc_classifier.io import read_json, write_json
from tests.hub_server import OTHER_TOKEN, READ_TOKEN, TOKEN

FILES = {
    *("README.md", "record.json", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    *("configuration_pooled_encoder.py", "modeling_pooled_encoder.py", "figures/confusion_matrix.png"),
}


def test_one_commit_holds_what_a_stranger_needs_and_nothing_else(push, hub, run, repo_id):
    assert push(run, repo_id=repo_id) == {"urls": [f"{hub.url}/{repo_id}"]}
    repository = hub.models[repo_id]
    files = repository.files()
    assert set(files) - {".gitattributes"} == FILES
    assert len(repository.commits) == 2 and not repository.private
    assert files["model.safetensors"] == (run / "model" / "model.safetensors").read_bytes()
    assert f'model="{repo_id}"' in files["README.md"].decode() and "license: mit" in files["README.md"].decode()
    assert json.loads(files["record.json"])["evaluation"] == read_json(run / "record.json")["evaluation"]
    for name, content in files.items():
        for secret in (b"/home/ann", str(run.parent).encode(), str(Path.home()).encode(), TOKEN.encode(), b"not for"):
            assert secret not in content, name


def test_pushing_again_makes_no_empty_commit_and_a_new_card_makes_one(push, hub, run, repo_id):
    for options, commits in (({}, 2), ({}, 2), ({"tag": ["new"]}, 3)):
        push(run, repo_id=repo_id, **options)
        assert len(hub.models[repo_id].commits) == commits


def test_another_model_is_replaced_only_with_overwrite(push, hub, run, make_run, repo_id):
    push(run, repo_id=repo_id)
    hub.models[repo_id].commit({**hub.models[repo_id].files(), "LICENSE": "theirs", "figures/old.png": b"old"})
    other = make_run("other", bias=0.25)
    refused = push(other, repo_id=repo_id)
    assert refused["error"] == "UserError" and "the model of another run: add --overwrite" in refused["message"]
    assert "urls" in push(other, repo_id=repo_id, overwrite=True)
    files = hub.models[repo_id].files()
    assert files["model.safetensors"] == (other / "model" / "model.safetensors").read_bytes()
    assert "LICENSE" in files and "figures/old.png" not in files  # others' files stay, ours of earlier go


def test_files_of_others_are_replaced_only_with_overwrite(push, hub, run, repo_id):
    push(run, repo_id=repo_id)
    hub.models[repo_id].commit({"README.md": "# by hand"})
    assert "other files" in push(run, repo_id=repo_id)["message"]
    assert hub.models[repo_id].files() == {"README.md": b"# by hand"}


def test_private_branch_and_pull_request(push, hub, run, make_run, repo_id):
    push(run, repo_id=repo_id, private=True)
    repository = hub.models[repo_id]
    assert repository.private
    other = make_run("other", bias=0.25)
    proposed = push(other, repo_id=repo_id, create_pr=True)
    assert proposed["urls"] == [f"{hub.url}/{repo_id}/discussions/1"]
    assert push(run, repo_id=repo_id, revision="v2", tag=["v2"])["urls"] == [f"{hub.url}/{repo_id}/tree/v2"]
    assert set(repository.refs) == {"main", "refs/pr/1", "v2"} and len(repository.commits) == 4
    weights = (other / "model" / "model.safetensors").read_bytes()
    assert repository.files("refs/pr/1")["model.safetensors"] == weights != repository.files()["model.safetensors"]
    assert repository.commits[repository.refs["v2"]][0] == repository.refs["main"]


def test_private_is_refused_for_a_public_repository(push, run, repo_id):
    push(run, repo_id=repo_id)
    assert "is public" in push(run, repo_id=repo_id, private=True)["message"]


def test_several_runs_become_repositories_and_a_collection(push, hub, run, make_run):
    runs = (run, make_run("other", bias=0.25))
    for _ in range(2):  # the second time changes nothing
        urls = push(*runs, namespace="newsroom", collection="All")["urls"]
        assert [url.rpartition("/")[2] for url in urls[:2]] == ["tiny-run", "other"] and "/collections/" in urls[2]
    (collection,) = (each for each in hub.collections.values() if each["title"] == "All")
    assert [item["id"] for item in collection["items"]] == ["newsroom/tiny-run", "newsroom/other"]
    assert len(hub.models["newsroom/other"].commits) == 2


def test_a_dry_run_writes_what_would_be_uploaded_and_needs_no_hub(run, tmp_path):
    args = PushArguments(repo_id="ann/news", license="mit", dry_run=True, output_dir=str(tmp_path / "out"))
    (path,) = push_here([run], args)  # in this process, which is offline
    assert {file.relative_to(path).as_posix() for file in Path(path).rglob("*") if file.is_file()} == FILES
    with pytest.raises(UserError, match="--output_dir"):
        push_here([run], args)
    args.overwrite = True
    assert push_here([run], args) == [path]


def test_onnx_exports_are_uploaded_if_asked_for_and_of_the_same_weights(push, hub, run, repo_id):
    assert "bbc-classifier export" in push(run, repo_id=repo_id, onnx=True)["message"]
    directory, sha256 = run / "export" / "onnx", read_json(run / "record.json")["model"]["weights_sha256"]
    (directory / "onnx").mkdir(parents=True)
    (directory / "onnx" / "model.onnx").write_bytes(b"a graph")
    measured = {"data": None, "n": 9, "agreement": 1.0, "max_probability_difference": 0.0}
    export = {"format": "onnx", "exported": {"weights_bytes": 7}, "measured": measured}
    write_json(directory / "export.json", {**export, "original": {"weights_sha256": sha256}})
    assert "urls" in push(run, repo_id=repo_id, onnx=True)
    files = hub.models[repo_id].files()
    assert files["onnx/model.onnx"] == b"a graph" and b"| onnx | `onnx/model.onnx` |" in files["README.md"]
    assert "urls" in push(run, repo_id=repo_id)
    assert "onnx/model.onnx" not in hub.models[repo_id].files()
    write_json(directory / "export.json", {**export, "original": {"weights_sha256": "0" * 64}})
    assert "other weights" in push(run, repo_id=repo_id, onnx=True)["message"]


def _other_weights(run: Path, make_run) -> None:
    shutil.copy(make_run("other", bias=0.25) / "model" / "model.safetensors", run / "model" / "model.safetensors")


def _other_probabilities(run: Path, make_run) -> None:
    record = read_json(run / "record.json")
    record["examples"][0]["probabilities"]["sport"] += 0.1
    write_json(run / "record.json", record)


def _other_labels(run: Path, make_run) -> None:
    config = read_json(run / "model" / "config.json")
    config["id2label"]["0"] = "money"
    config["label2id"] = {name: int(index) for index, name in config["id2label"].items()}
    write_json(run / "model" / "config.json", config)


CHANGED_RUNS = {
    "weights": (_other_weights, "is not the file that record.json describes"),
    "probabilities": (_other_probabilities, r"differ by 0\.1"),
    "labels": (_other_labels, "the labels in config.json"),
    "tokenizer": (lambda run, _: (run / "model" / "tokenizer.json").unlink(), "tokenizer"),
    "record": (lambda run, _: (run / "record.json").unlink(), "not a finished run"),
}


@pytest.mark.parametrize("case", CHANGED_RUNS)
def test_a_run_that_is_not_as_training_left_it_is_not_published(run, make_run, tmp_path, case):
    change, message = CHANGED_RUNS[case]
    change(run, make_run)
    args = PushArguments(repo_id="ann/news", license="mit", dry_run=True, output_dir=str(tmp_path / "out"))
    with pytest.raises(UserError, match=message):
        push_here([run], args)
    assert not (tmp_path / "out").exists()


REFUSALS = {
    "no token": ({}, None, "no access token: log in with `hf auth login`"),
    "a wrong token": ({}, "hf_wrong", "does not accept the access token"),
    "a read-only token": ({}, READ_TOKEN, "can only read"),
    "a token with a line feed": ({"token": "hf_se\ncret"}, None, "--token contains a character"),
    "another's namespace": ({}, OTHER_TOKEN, "cannot write here"),
    "not a name": ({"repo_id": "ann/a b"}, TOKEN, "not a valid Hub id"),
    "no license": ({"license": None}, TOKEN, "--license is required"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_succeed_is_an_error_with_a_remedy(push, hub, run, repo_id, case):
    options, token, message = REFUSALS[case]
    refused = push(run, hf_token=token, **{"repo_id": repo_id, **options})
    assert refused["error"] == "UserError" and message in refused["message"]
    assert repo_id not in hub.models and "cret" not in refused["message"]


FAILURES = {
    "busy": ("/commit/", 503, "status 503"),
    "limit": ("/preupload/", 429, "status 429"),
    "race": ("/commit/", 412, "changed meanwhile"),
    "large file": ("PUT /lfs/", 500, "status 500"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_leaves_nothing_half_published(push, hub, run, repo_id, case):
    pattern, status, message = FAILURES[case]
    hub.failures[pattern] = status
    hub.objects.clear()
    failed = push(run, repo_id=repo_id)
    assert failed["error"] == "EnvironmentFailure" and message in failed["message"]
    assert set(hub.models[repo_id].files()) == {".gitattributes"}
    hub.failures.clear()
    assert "urls" in push(run, repo_id=repo_id)  # the same command again succeeds


def test_the_token_is_not_logged(push, push_process, run, repo_id):
    assert "urls" in push(run, repo_id=repo_id, hf_token=None, token=f"{TOKEN}\n")
    assert "does not accept" in push(run, repo_id=repo_id, hf_token=None, token="hf_wrong_marker")["message"]
    log = push_process.log.read_text()
    assert TOKEN not in log and "hf_wrong_marker" not in log


def test_check_push_before_training(monkeypatch):
    with pytest.raises(UserError, match="--hub_license"):
        check_push(PushArguments(repo_id="news"), dataset="mine.csv")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(EnvironmentFailure, match="HF_HUB_OFFLINE"):
        check_push(PushArguments(repo_id="news"), dataset="bbc-news")


def test_several_runs_need_a_namespace_and_different_names(run, make_run, tmp_path):
    with pytest.raises(UserError, match="--repo_id is for a single run"):
        push_here([run, run], PushArguments(repo_id="ann/news", dry_run=True))
    with pytest.raises(UserError, match="two runs would be published"):
        push_here([run, run], PushArguments(namespace="ann", dry_run=True))


PIPELINE = """
import sys
sys.modules["bbc_classifier"] = None  # as where it is not installed
from transformers import pipeline
classifier = pipeline("text-classification", model={repo_id!r}, trust_remote_code=True)
import json
print(json.dumps([{{row["label"]: row["score"] for row in rows}} for rows in classifier({texts!r}, top_k=None)]))
"""


@pytest.mark.slow
def test_a_stranger_gets_the_recorded_probabilities_and_two_lines_about_code(push, hub, run, repo_id, tmp_path):
    push(run, repo_id=repo_id)
    examples = read_json(run / "record.json")["examples"]
    script = PIPELINE.format(repo_id=repo_id, texts=[example["text"] for example in examples])
    environment = hub.environment(tmp_path, HF_HUB_DISABLE_PROGRESS_BARS="1")
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for found, example in zip(json.loads(done.stdout.splitlines()[-1]), examples, strict=True):
        assert found == pytest.approx(example["probabilities"], abs=1e-5)
    assert sum(".py" in line and line.startswith("- ") for line in done.stderr.splitlines()) <= 2

"""Publishing to a Hub on the loopback: whole or not at all, once, and only what a stranger may see."""

import json
from pathlib import Path

from bbc_classifier.records import read_json, write_json
from tests.hub.conftest import QUICK

FILES = {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "record.json"}
FIGURES = {
    "figures/confusion_matrix.png",
    "figures/confusion_matrix_normalized.png",
    "figures/learning_curves.png",
}
NEVER = ("*.bin", "*.pt", "*.pth", "*.pkl", "optimizer*", "options.json", "split.json", "*.parquet", "history.json")


def code_files(run: Path) -> set[str]:
    return {path.name for path in (run / "model").glob("*.py")}


def test_one_commit_holds_what_a_stranger_needs_and_nothing_else(
    push, hub, run, repo_id, trained, topics, tiny_bert_folder
):
    for name in ("training_args.bin", "optimizer.pt", "notes.txt"):
        (run / "model" / name).write_bytes(b"not for others")
    done = push("--repo_id", repo_id)
    assert done.code == 0, done.err
    repository = hub.models[repo_id]
    files = repository.files()
    assert set(files) - {".gitattributes"} == FILES | FIGURES | code_files(run)
    assert [commit.title for commit in repository.history()] == ["Publish tiny-run", "initial commit"]
    assert not repository.private and not repository.orphans
    assert files["model.safetensors"] == (run / "model" / "model.safetensors").read_bytes()
    assert json.loads(files["record.json"]) == read_json(run / "record.json")
    assert f'model="{repo_id}"' in files["README.md"].decode()
    assert "model.safetensors" in done.out and f"Published: {hub.url}/{repo_id}" in done.out
    assert (
        done.out.splitlines()[-1] == f'Next: bbc-classifier predict --model {repo_id} "Shares fell in early trading."'
    )
    private = [str(path.parent).encode() for path in (run, trained, topics, tiny_bert_folder)]
    for content in files.values():
        assert not any(path in content for path in (*private, b"not for others"))
    assert all(not Path(path).match(pattern) for path in files for pattern in NEVER)


def test_pushing_the_same_again_changes_nothing(push, hub, repo_id):
    assert push("--repo_id", repo_id).code == 0
    before = hub.models[repo_id].history()
    done = push("--repo_id", repo_id)
    assert done.code == 0 and "Already there, unchanged" in done.out
    assert hub.models[repo_id].history() == before


def test_another_model_is_not_replaced_unasked(push, commands, hub, run, repo_id, tmp_path):
    assert push("--repo_id", repo_id).code == 0
    other = other_run(run, tmp_path)
    flags = ["push", other, "--license", "mit", "--repo_id", repo_id]
    refused = commands(*flags)
    assert refused.code == 2 and "holds another model, with the weights" in refused.error
    assert len(hub.models[repo_id].history()) == 2
    assert commands(*flags, "--overwrite").code == 0
    assert hub.models[repo_id].files()["model.safetensors"] == (other / "model" / "model.safetensors").read_bytes()
    assert len(hub.models[repo_id].history()) == 3


def other_run(run: Path, tmp_path: Path) -> Path:
    """Return a run with other weights and a record of them, and one figure less."""
    import shutil

    from safetensors.torch import load_file, save_file

    from bbc_classifier.inference.classifier import NewsClassifier
    from bbc_classifier.provenance import file_sha256

    folder = Path(shutil.copytree(run, tmp_path / "other-run"))
    weights = folder / "model" / "model.safetensors"
    tensors = load_file(weights)
    tensors["classifier.bias"] = tensors["classifier.bias"] + 0.25
    (folder / "record.json").rename(folder / "old.json")
    save_file(tensors, weights, {"format": "pt"})
    record = read_json(folder / "old.json")
    record["model"]["weights_sha256"] = file_sha256(weights)
    answers = NewsClassifier.from_pretrained(str(folder / "model")).predict([row["text"] for row in record["examples"]])
    for row, answer in zip(record["examples"], answers, strict=True):
        row["probabilities"] = answer.probabilities
    write_json(folder / "record.json", record)
    (folder / "figures" / "learning_curves.png").unlink()
    return folder


def test_what_a_new_version_lacks_is_taken_away_and_what_others_put_there_stays(
    push, commands, hub, run, repo_id, tmp_path
):
    assert push("--repo_id", repo_id).code == 0
    hub.models[repo_id].commit({"LICENSE": "mine", "pytorch_model.bin": b"\0" * 9, "handler.py": "old"})
    other = other_run(run, tmp_path)
    done = commands("push", other, "--license", "mit", "--repo_id", repo_id, "--overwrite")
    assert done.code == 0
    files = set(hub.models[repo_id].files())
    assert {"LICENSE", ".gitattributes", "handler.py"} - files == {"handler.py"}
    assert not files & {"pytorch_model.bin", "figures/learning_curves.png"}
    assert "no longer there: pytorch_model.bin" in done.out


def test_files_of_somebody_else_are_not_replaced_unasked(push, hub, repo_id):
    hub.add_model(repo_id, {"README.md": "# mine", "weights.bin": b"123"})
    refused = push("--repo_id", repo_id)
    assert refused.code == 2 and "holds files that are none of ours" in refused.error
    assert len(hub.models[repo_id].history()) == 1


def test_private_branch_and_pull_request(push, hub, repo_id):
    assert push("--repo_id", repo_id, "--private").code == 0
    repository = hub.models[repo_id]
    assert repository.private
    assert push("--repo_id", repo_id, "--revision", "v2").code == 0
    assert set(repository.branches) == {"main", "v2"}
    done = push("--repo_id", repo_id, "--create_pr", "--tag", "again")
    assert done.code == 0 and "/discussions/1" in done.out
    assert list(repository.pull_requests) == ["1"] and "- again" not in repository.files()["README.md"].decode()
    assert "- again" in repository.files("refs/pr/1")["README.md"].decode()


def test_a_name_without_an_owner_is_ones_own(push, hub):
    assert push("--repo_id", "just-a-name").code == 0
    assert "record.json" in hub.models["ann/just-a-name"].files()


def test_several_runs_become_a_collection(commands, hub, run, tmp_path):
    other = other_run(run, tmp_path)
    flags = ["--namespace", "newsroom", "--license", "mit", "--collection", "All of ours"]
    done = commands("push", run, other, *flags)
    assert done.code == 0, done.err
    ids = ["newsroom/topics-tiny-run", "newsroom/topics-other-run"]
    assert all("record.json" in hub.models[repo_id].files() for repo_id in ids)
    (collection,) = hub.collections.values()
    assert collection.title == "All of ours" and [item.id for item in collection.items] == ids
    assert commands("push", run, other, *flags).code == 0
    assert len(hub.collections) == 1 and len(collection.items) == 2


def test_a_dry_run_asks_the_hub_nothing(push, hub, run, repo_id, tmp_path):
    before = len(hub.requests)
    flags = ["--repo_id", repo_id, "--dry_run", "--output_dir", tmp_path / "publish"]
    assert push(*flags, token=None).code == 0
    assert len(hub.requests) == before
    folder = tmp_path / "publish" / repo_id.rpartition("/")[2]
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == FILES | FIGURES | code_files(run)
    refused = push(*flags, token=None)
    assert refused.code == 2 and "is not empty; add --overwrite" in refused.error
    assert push(*flags, "--overwrite", token=None).code == 0


def test_a_run_whose_record_is_of_other_weights_is_not_published(push, hub, run, repo_id):
    record = read_json(run / "record.json")
    write_json(run / "record.json", {**record, "model": {**record["model"], "weights_sha256": "0" * 64}})
    before = len(hub.requests)
    refused = push("--repo_id", repo_id)
    assert refused.code == 2 and "damaged or belongs to another run" in refused.error
    assert len(hub.requests) == before and repo_id not in hub.models


def test_a_training_ends_with_publishing_where_asked(commands, hub, topics, tiny_bert_folder, repo_id, tmp_path):
    run = tmp_path / "run"
    options = ["--encoder", tiny_bert_folder, "--dataset", topics, "--output_dir", run, "--push_to_hub", "true"]
    flags = ["train", *options, "--hub_model_id", repo_id, "--hub_private_repo", "true", *QUICK]
    # Only a person can say on what terms; that, and the token, are asked for before anything is trained.
    refused = commands(*flags)
    assert refused.code == 2 and "--hub_license is needed" in refused.error and not run.exists()
    flags += ["--hub_license", "mit"]
    refused = commands(*flags, token="hf_wrong")
    assert refused.code == 2 and "does not accept the access token" in refused.error and not run.exists()
    done = commands(*flags)
    assert done.code == 0, done.err
    assert f"Published: {hub.url}/{repo_id}" in done.out
    repository = hub.models[repo_id]
    assert repository.private and [commit.title for commit in repository.history()] == ["Publish run", "initial commit"]
    files = repository.files()
    assert set(files) - {".gitattributes"} == FILES | FIGURES | code_files(run)
    assert "## Uses and limits" in files["README.md"].decode()
    # A finished run is published by the same command again, and that changes nothing.
    again = commands(*flags)
    assert again.code == 0 and "Already there, unchanged" in again.out


def test_graphs_are_published_with_what_was_measured_of_them(push, commands, hub, run, repo_id):
    refused = push("--repo_id", repo_id, "--onnx")
    assert refused.code == 2 and "has no ONNX export; make one with: bbc-classifier export" in refused.error
    done = commands("export", run, "--format", "onnx-int8", "--measure", "false")
    assert done.code == 0, done.err
    done = push("--repo_id", repo_id, "--onnx")
    assert done.code == 0, done.err
    files = hub.models[repo_id].files()
    graph = run / "export" / "onnx-int8" / "onnx" / "model_quantized.onnx"
    assert files["onnx/model_quantized.onnx"] == graph.read_bytes()
    (row,) = [line for line in files["README.md"].decode().splitlines() if line.startswith("| `onnx/")]
    measured = read_json(run / "export" / "onnx-int8" / "export.json")["measured"]
    assert f"| {measured['n']} | {100 * measured['agreement']:.1f} % | not measured |" in row
    other = read_json(run / "export" / "onnx-int8" / "export.json")
    other["original"]["weights_sha256"] = "0" * 64
    write_json(run / "export" / "onnx-int8" / "export.json", other)
    refused = push("--repo_id", repo_id, "--onnx")
    assert refused.code == 2 and "is of other weights" in refused.error

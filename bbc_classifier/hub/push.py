"""Push finished runs to the Hugging Face Hub: each becomes a repository in one commit, or nothing is published."""

import shutil
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelInfo
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import build_hf_headers, get_session, validate_repo_id

from bbc_classifier.config import PushArguments
from bbc_classifier.errors import UserError
from bbc_classifier.hub.model_card import build_card, is_bbc_news, read_record
from bbc_classifier.inference.classifier import EXPORT_FILES, Predictor, hub_errors
from bbc_classifier.io import atomic_write, file_sha256, prepare_output_dir, slug, write_json
from bbc_classifier.training.run_dir import RunDirectory

# Files of `model/` that are uploaded; a directory can also hold pickles, optimizer states and notes.
MODEL_FILES = (
    "config.json *.safetensors *_pooled_encoder.py tokenizer.json tokenizer_config.json special_tokens_map.json "
    "added_tokens.json vocab.txt vocab.json merges.txt *.model"
).split()
# Files of an earlier push that are deleted if the new one does not have them. Others, such as LICENSE, stay.
REPLACED_FILES = (*MODEL_FILES, "figures/*.png", "onnx/*.onnx", "*.bin", "*.h5", "*.msgpack")
# Another machine rounds differently; other weights or another tokenizer differ by far more.
PROBABILITY_TOLERANCE = 0.01


def push(paths: Sequence[str | Path], args: PushArguments) -> list[str]:
    """Publish finished runs: one to `args.repo_id`, or each as a repository of `args.namespace`, and a collection.

    Every run is staged and every repository checked before anything is uploaded. The same run again changes nothing.

    Returns the address of each repository or pull request, and of the collection; of a dry run the staged directories.

    Raises:
        UserError: A run is not finished, was changed or lacks a license; the Hub refuses the token or the name; or a
            repository holds another model and `args.overwrite` is not set.
        EnvironmentFailure: The Hub cannot be reached or failed.
    """
    run_dirs, urls = [Path(path) for path in paths], []
    if args.dry_run:
        for run_dir, repo_id in zip(run_dirs, _repo_ids(run_dirs, args, "your-name"), strict=True):
            output_dir = Path(args.output_dir) / repo_id.rpartition("/")[2]
            prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="model.safetensors")
            with atomic_write(output_dir) as tmp_path:
                stage_run(run_dir, repo_id, args, tmp_path)
            urls.append(str(output_dir))
        return urls

    api, user = _log_in(args)
    repo_ids = _repo_ids(run_dirs, args, user)
    with tempfile.TemporaryDirectory() as tmp_dir:
        staged = {repo_id: Path(tmp_dir) / repo_id for repo_id in repo_ids}
        for run_dir, (repo_id, directory) in zip(run_dirs, staged.items(), strict=True):
            stage_run(run_dir, repo_id, args, directory)
        for directory in staged.values():
            _validate_metadata(api, (directory / "README.md").read_text(encoding="utf-8"))
        existing = {repo_id: _existing(api, repo_id, directory, args) for repo_id, directory in staged.items()}
        urls = [_upload(api, repo_id, staged[repo_id], info, args) for repo_id, info in existing.items()]
    if args.namespace and args.collection:
        with hub_errors(f"the repositories are published, but not the collection '{args.collection}'"):
            collection = api.create_collection(
                args.collection, namespace=args.namespace, private=args.private, exists_ok=True
            )
            for repo_id in repo_ids:
                api.add_collection_item(collection.slug, repo_id, "model", exists_ok=True)
        urls.append(collection.url)
    return urls


def check_push(args: PushArguments, dataset: str | None = None) -> None:
    """Check before a training what its push needs: a token that may write, a valid name and a license."""
    if dataset not in (None, "bbc-news", "SetFit/bbc-news") and args.license is None:
        raise UserError(f"--hub_license is required to publish a classifier of '{dataset}', such as apache-2.0")
    api, user = _log_in(args)
    _repo_ids([Path("run")], args, user)
    if args.license:
        _validate_metadata(api, f"---\nlicense: {args.license}\n---\n")


def stage_run(run_dir: Path, repo_id: str, args: PushArguments, directory: Path) -> None:
    """Write to `directory` exactly the files that are uploaded, and check them.

    Uploaded are the weights, the configuration, the code files and the tokenizer (`MODEL_FILES`), the model card, the
    record without local paths, the figures, and with `args.onnx` the ONNX export.
    """
    run, record = RunDirectory(run_dir), read_record(run_dir)
    sha256, data = record["model"]["weights_sha256"], record["data"]
    if args.license is None and not is_bbc_news(data):
        raise UserError(f"--license is required to publish a classifier of '{data['name']}', such as apache-2.0")
    export = run.export / "onnx" / "export.json"
    if args.onnx and not export.is_file():
        raise UserError(f"--onnx: '{run_dir}' has no ONNX export; run: bbc-classifier export {run_dir} --format onnx")

    files = {f"figures/{path.name}": path for path in run.figures.glob("*.png")}
    files |= {path.name: path for path in run.model.iterdir() if any(fnmatch(path.name, each) for each in MODEL_FILES)}
    files |= {EXPORT_FILES["onnx"]: export.parent / EXPORT_FILES["onnx"]} if args.onnx else {}
    for name, path in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, directory / name)
    write_json(directory / "record.json", record)
    build_card(run_dir, args, repo_id, exports=["onnx"] if args.onnx else []).save(directory / "README.md")

    if file_sha256(directory / "model.safetensors") != sha256:
        raise UserError(f"'{run_dir}': model.safetensors is not the file that record.json describes; train it again")
    classifier = Predictor.from_pretrained(directory, device="cpu")
    predictions = classifier.classify([example["text"] for example in record["examples"]])
    if classifier.label_names != record["model"]["labels"] or any(
        abs(prediction.probabilities[label] - probability) > PROBABILITY_TOLERANCE
        for prediction, example in zip(predictions, record["examples"], strict=True)
        for label, probability in example["probabilities"].items()
    ):
        problem = "the reloaded model does not reproduce the labels and probabilities in record.json"
        remedy = "check that config.json and the tokenizer are those it was trained with"
        raise UserError(f"'{run_dir}': {problem}; {remedy}")


def _log_in(args: PushArguments) -> tuple[HfApi, str]:
    """Return the Hub with the user's token, and the user's name."""
    api = HfApi(token=(args.token or "").strip() or None)
    with hub_errors("the access token"):
        account = api.whoami()
    if account.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise UserError("the access token can only read; create one with the role write (hf.co/settings/tokens)")
    return api, account["name"]


def _validate_metadata(api: HfApi, card: str) -> None:
    """Raise a UserError if the Hub refuses the metadata of a card."""
    headers, content = build_hf_headers(token=api.token), {"content": card, "repoType": "model"}
    with hub_errors("the card"):
        response = get_session().post(f"{api.endpoint}/api/validate-yaml", json=content, headers=headers)
    if response.status_code == 400:
        reason = " ".join(response.text.split())
        raise UserError(f"the Hub refuses the metadata of the card, such as --license or --language: {reason}")


def _repo_ids(run_dirs: Sequence[Path], args: PushArguments, user: str) -> list[str]:
    """Return the repository of each run; a `repo_id` without owner belongs to the user."""
    if args.repo_id is None:
        repo_ids = [f"{args.namespace}/{slug(run_dir.resolve().name)}" for run_dir in run_dirs]
    elif len(run_dirs) > 1:
        raise UserError("--repo_id is for a single run; to publish several, use --namespace owner")
    else:
        repo_ids = [args.repo_id if "/" in args.repo_id else f"{user}/{args.repo_id}"]
    for repo_id in repo_ids:
        with hub_errors(repo_id):
            validate_repo_id(repo_id)
        if repo_ids.count(repo_id) > 1:
            raise UserError(f"two runs would be published as {repo_id}; rename one of the directories")
    return repo_ids


def _existing(api: HfApi, repo_id: str, directory: Path, args: PushArguments) -> ModelInfo | None:
    """Return what is in the repository, after checking that the staged run may replace it; None if it is new."""
    with hub_errors(repo_id):
        try:
            if args.private and not api.model_info(repo_id).private:
                raise UserError(f"{repo_id} is public; make it private in its settings on the Hub, or omit --private")
            info = api.model_info(repo_id, revision=args.revision, files_metadata=True)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None
    files = {sibling.rfilename: sibling.lfs for sibling in info.siblings or [] if sibling.rfilename != ".gitattributes"}
    weights = files.get("model.safetensors")
    is_same = weights is not None and weights.sha256 == file_sha256(directory / "model.safetensors")
    if not files or is_same or args.overwrite or args.create_pr:
        return info
    content = "the model of another run" if weights else "other files"
    remedy = "bbc-classifier push --overwrite replaces it (the history keeps it); --create_pr and --revision keep it"
    raise UserError(f"{repo_id} contains {content}: {remedy}")


def _upload(api: HfApi, repo_id: str, directory: Path, info: ModelInfo | None, args: PushArguments) -> str:
    """Upload a staged run in one commit on top of what was checked, and return its address."""
    with hub_errors(repo_id):
        if info is None:
            if not api.repo_exists(repo_id):
                api.create_repo(repo_id, private=args.private or None)
            if args.revision:
                api.create_branch(repo_id, branch=args.revision, exist_ok=True)
            info = api.model_info(repo_id, revision=args.revision)
        staged = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        old = [sibling.rfilename for sibling in info.siblings or [] if sibling.rfilename not in staged]
        additions = [CommitOperationAdd(name, path) for name, path in sorted(staged.items())]
        pairs = ((name, each) for name in old for each in REPLACED_FILES if fnmatch(name, each))
        ours = {name for name, each in pairs if name.count("/") == each.count("/")}  # `*` crosses no directory
        deletions = [CommitOperationDelete(name) for name in sorted(ours)]
        # Not `upload_folder`: it may split a slow upload into several commits.
        commit = api.create_commit(
            repo_id,
            [*additions, *deletions],
            commit_message=f"Publish {repo_id.rpartition('/')[2]}",
            revision=args.revision,
            create_pr=args.create_pr,
            parent_commit=None if args.create_pr else info.sha,
        )
    return commit.pr_url or f"{api.endpoint}/{repo_id}" + (f"/tree/{args.revision}" if args.revision else "")

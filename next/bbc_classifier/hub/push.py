"""Push finished runs to the Hugging Face Hub: each becomes a repository in one commit, or nothing is published."""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelInfo
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from bbc_classifier.config import PushArguments
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.hub.model_card import build_card, is_bbc_news, read_record
from bbc_classifier.inference.classifier import EXPORT_FILES, TextClassifier
from bbc_classifier.io import atomic_write, file_sha256, prepare_output_dir, read_json, slug, write_json
from bbc_classifier.training.run_dir import RunDirectory

logger = logging.getLogger(__name__)

# Files of `model/` that are uploaded; a directory can also hold pickles, optimizer states and notes.
MODEL_FILES = (
    *("config.json", "*.safetensors", "*.py", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "*.model"),
)
ONNX_FORMATS = ("onnx", "onnx-int8")
# Files of an earlier push that are deleted if the new one does not have them. Others, such as LICENSE, stay.
REPLACED_FILES = (*MODEL_FILES, "figures/*.png", "onnx/*.onnx", "*.bin", "*.h5", "*.msgpack")
# Another machine rounds differently; other weights or another tokenizer differ by far more.
PROBABILITY_TOLERANCE = 0.01


def push(paths: Sequence[str | Path], args: PushArguments) -> list[str]:
    """Publish finished runs: one to `args.repo_id`, or each as a repository of `args.namespace`, and a collection.

    Every run is staged and every repository checked before anything is uploaded. The same run again changes nothing.

    Args:
        paths: Run directories.
        args: Where to publish, and how. With `args.dry_run` the Hub is not contacted.

    Returns:
        The address of each repository or pull request, and of the collection; of a dry run the staged directories.

    Raises:
        UserError: A run is not finished, was changed or lacks a license; or the Hub refuses the token or the name; or
            a repository holds another model and `args.overwrite` is not set.
        EnvironmentFailure: The Hub cannot be reached or failed.
    """
    api, user = (None, "your-name") if args.dry_run else _log_in(args)
    repo_ids = _repo_ids([Path(path) for path in paths], args, user)
    if api is None:
        return [str(_stage_dry_run(Path(path), repo_id, args)) for path, repo_id in zip(paths, repo_ids, strict=True)]
    with tempfile.TemporaryDirectory() as tmp_dir:
        staged = [Path(tmp_dir) / str(number) for number in range(len(repo_ids))]
        for path, repo_id, directory in zip(paths, repo_ids, staged, strict=True):
            stage_run(Path(path), repo_id, args, directory)
        heads = [_check_repository(api, *each, args) for each in zip(repo_ids, staged, strict=True)]
        urls = [_upload(api, *each, args) for each in zip(repo_ids, staged, heads, strict=True)]
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
    """Check before a training what its push needs: a token that may write, a valid name and a license.

    Args:
        args: Where to publish.
        dataset: `--dataset`, if it is known; data other than BBC News need a license.

    Raises:
        UserError: The token, the name or the license is missing or wrong.
        EnvironmentFailure: The Hub cannot be reached.
    """
    if dataset not in (None, "bbc-news", "SetFit/bbc-news") and args.license is None:
        raise UserError(f"--hub_license is required to publish a classifier of '{dataset}', such as apache-2.0")
    _, user = _log_in(args)
    _repo_ids([Path("run")], args, user)


def stage_run(run_dir: Path, repo_id: str, args: PushArguments, directory: Path) -> None:
    """Write to `directory` exactly the files that are uploaded, and check them.

    Uploaded are the weights, the configuration, the code files and the tokenizer (`MODEL_FILES`), the model card, the
    record without local paths, the figures, and with `args.onnx` the ONNX exports.

    Raises:
        UserError: The license of the data is not known, the weights or an export are not those of the record, or the
            staged classifier does not load or predicts other probabilities than recorded.
    """
    run, record = RunDirectory(run_dir), read_record(run_dir)
    sha256, data = record["model"]["weights_sha256"], record["data"]
    if args.license is None and not is_bbc_news(data):
        raise UserError(f"--license is required to publish a classifier of '{data['name']}', such as apache-2.0")
    exports = [run.export / name / "export.json" for name in ONNX_FORMATS if args.onnx]
    exports = [path for path in exports if path.is_file()]
    if args.onnx and not exports:
        raise UserError(f"--onnx: '{run_dir}' has no ONNX export; run: bbc-classifier export {run_dir} --format onnx")

    directory.mkdir(parents=True)
    for path in sorted(run.model.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in MODEL_FILES):
            shutil.copyfile(path, directory / path.name)
    for path in exports:
        if read_json(path)["original"]["weights_sha256"] != sha256:
            raise UserError(f"--onnx: '{path.parent}' was exported from other weights; run export with --overwrite")
        file = EXPORT_FILES[path.parent.name]
        (directory / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(path.parent / file, directory / file)
    (directory / "figures").mkdir()
    for path in sorted(run.figures.glob("*.png")):
        shutil.copyfile(path, directory / "figures" / path.name)
    write_json(directory / "record.json", record)
    build_card(run_dir, args, repo_id, exports=[path.parent.name for path in exports]).save(directory / "README.md")

    if file_sha256(directory / "model.safetensors") != sha256:
        raise UserError(
            f"'{run_dir}': model.safetensors is not the file that record.json describes; train the run again"
        )
    classifier = TextClassifier.from_pretrained(directory, device="cpu")
    if classifier.label_names != record["model"]["labels"]:
        raise UserError(f"'{run_dir}': the labels in config.json are not those of record.json")
    if examples := record.get("examples"):
        expected = np.array([[each["probabilities"][name] for name in classifier.label_names] for each in examples])
        difference = np.abs(classifier.predict_proba([each["text"] for each in examples]) - expected).max()
        if difference > PROBABILITY_TOLERANCE:
            raise UserError(
                f"'{run_dir}': reloaded, its probabilities differ by {difference:.3f} from those in record.json; check "
                "that config.json and the tokenizer are those it was trained with"
            )


def _stage_dry_run(run_dir: Path, repo_id: str, args: PushArguments) -> Path:
    output_dir = Path(args.output_dir) / repo_id.rpartition("/")[2]
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="record.json")
    with atomic_write(output_dir) as tmp_path:
        stage_run(run_dir, repo_id, args, tmp_path)
    return output_dir


def _log_in(args: PushArguments) -> tuple[HfApi, str]:
    """Return the Hub with the user's token, and the user's name."""
    token = (args.token or "").strip() or None
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise UserError("--token contains a character that no access token has")
    api = HfApi(token=token)
    with hub_errors("the Hub"):
        account = api.whoami()
    if account.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise UserError("the access token can only read; create one with the role write (hf.co/settings/tokens)")
    return api, account["name"]


def _repo_ids(run_dirs: Sequence[Path], args: PushArguments, user: str) -> list[str]:
    """Return the repository of each run; a `repo_id` without owner belongs to the user."""
    if args.repo_id is None:
        names = [slug(run_dir.resolve().name) for run_dir in run_dirs]
        repo_ids = [f"{args.namespace}/{name}" for name in names]
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


def _repository(api: HfApi, repo_id: str, revision: str | None) -> ModelInfo | None:
    """Return what is in a repository, or None if it or the branch does not exist."""
    try:
        return api.model_info(repo_id, revision=revision)
    except (RepositoryNotFoundError, RevisionNotFoundError):
        return None


def _check_repository(api: HfApi, repo_id: str, directory: Path, args: PushArguments) -> ModelInfo | None:
    """Return what is in the repository, after checking that the staged run may replace it."""
    with hub_errors(repo_id):
        info = _repository(api, repo_id, args.revision)
        if info is None:
            return None
        if args.private and not info.private:
            raise UserError(f"{repo_id} is public; make it private in its settings on the Hub, or leave out --private")
        files = {sibling.rfilename for sibling in info.siblings or []} - {".gitattributes"}
        if not files or args.overwrite or args.create_pr:
            return info
        theirs: Any = None
        if "record.json" in files:
            theirs = read_json(Path(api.hf_hub_download(repo_id, "record.json", revision=info.sha)))
    ours = read_json(directory / "record.json")["model"]["weights_sha256"]
    if not isinstance(theirs, dict) or theirs.get("model", {}).get("weights_sha256") != ours:
        content = "the model of another run" if theirs else "other files"
        raise UserError(
            f"{repo_id} contains {content}: add --overwrite to replace it (the history keeps it), or --create_pr or "
            "--revision to leave it as it is"
        )
    return info


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
        commit = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, path) for name, path in sorted(staged.items())),
                *(CommitOperationDelete(name) for name in old if any(fnmatch(name, each) for each in REPLACED_FILES)),
            ],
            commit_message=f"Publish {repo_id.rpartition('/')[2]}",
            revision=args.revision,
            create_pr=args.create_pr,
            parent_commit=None if args.create_pr else info.sha,
        )
    if commit.oid == info.sha:
        logger.info("%s: nothing changed", repo_id)
    return commit.pr_url or f"{api.endpoint}/{repo_id}" + (f"/tree/{args.revision}" if args.revision else "")


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Turn an error of the Hub's client into one sentence that says what to do.

    Args:
        what: The repository, or what else is published: the beginning of the sentence.

    Raises:
        UserError: The request cannot succeed: no token, a wrong token or name, no right to write.
        EnvironmentFailure: The Hub or the network failed.
    """
    log_in = "log in with `hf auth login` or set HF_TOKEN"
    again = "run the same command again later"
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise UserError(f"no access token: {log_in}") from error
    except HFValidationError as error:
        raise UserError(f"'{what}' is not a valid Hub id, which has the form owner/name") from error
    except OfflineModeIsEnabled as error:
        raise EnvironmentFailure("HF_HUB_OFFLINE is set: unset it to publish, or use --dry_run") from error
    except HfHubHTTPError as error:
        status, reason = error.response.status_code, error.server_message or type(error).__name__
        if status == 401:
            raise UserError(f"{what}: the Hub does not accept the access token; {log_in}") from error
        if status == 403:
            raise UserError(
                f"{what}: the access token cannot write here; use one with the role write, of the owner or of a member "
                f"of the organization (the Hub: {reason})"
            ) from error
        if status in (409, 412):
            raise EnvironmentFailure(f"{what}: the repository changed meanwhile; run the same command again") from error
        if status == 429 or status >= 500:
            raise EnvironmentFailure(f"{what}: the Hub answered with status {status}; {again}") from error
        raise UserError(f"{what}: the Hub refused the request (status {status}): {reason}") from error
    except (HTTPError, ConnectionError, TimeoutError, EntryNotFoundError) as error:
        # The client's message can quote the token.
        raise EnvironmentFailure(f"{what}: the Hub cannot be reached ({type(error).__name__}); {again}") from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, HTTPError):
            raise
        with hub_errors(what):  # The upload of a large file failed.
            raise error.__cause__ from None

"""A commit: which way each file goes, then all changes at once, on a branch or as a pull request."""

import base64
import json
from collections.abc import Callable
from typing import Any

from tests.hub_server.accounts import ASK_FOR_A_PULL_REQUEST, owner, writer
from tests.hub_server.files import File, is_ignored, is_large
from tests.hub_server.messages import Answer, Refusal, json_answer
from tests.hub_server.repositories import Repository, Tree
from tests.hub_server.routing import IN_API, REVISION, Request, Route
from tests.hub_server.state import Hub

CONFLICT = "A commit has happened since. Please refresh and try again."
NO_SUCH_FILE = "A file with this name doesn't exist"
NO_SUCH_OBJECT = "Your push was rejected because an LFS pointer pointed to a file that does not exist"


def _may_commit(repository: Repository, request: Request) -> str:
    """Return the author's name; who may not write may still propose."""
    if request.is_on("create_pr"):
        return writer(request.account).name
    return owner(request.account, repository.namespace, ASK_FOR_A_PULL_REQUEST).name


def preupload(hub: Hub, request: Request) -> Answer:
    """Say which way each file goes, and the hash of what lies there already, so that unchanged files stay at home."""
    repository = request.repository(hub)
    _may_commit(repository, request)
    tree = repository.tree(request.parts["revision"])
    there = tree[".gitignore"].content.decode() if ".gitignore" in tree else ""
    gitignore = request.json().get("gitIgnore", there)
    return json_answer({"files": [_way(file, tree, gitignore) for file in request.json()["files"]]})


def _way(file: dict[str, Any], tree: Tree, gitignore: str) -> dict[str, object]:
    path = file["path"]
    return {
        "path": path,
        "uploadMode": "lfs" if is_large(path, file["size"]) else "regular",
        "shouldIgnore": is_ignored(path, gitignore),
        **({"oid": tree[path].etag} if path in tree else {}),
    }


def commit(hub: Hub, request: Request) -> Answer:
    """Carry out all operations of a commit, or none; a commit without operations is a commit too."""
    repository = request.repository(hub)
    author = _may_commit(repository, request)
    header, *operations = [json.loads(line) for line in request.body.splitlines()]
    asked = header["value"]
    parent = _parent(repository, request, asked.get("parentCommit"))
    tree = dict(repository.tree(parent))
    for operation in operations:
        _OPERATIONS[operation["key"]](repository, tree, operation["value"])
    number = len(repository.pull_requests) + 1
    reference = f"refs/pr/{number}" if request.is_on("create_pr") else _branch(request.parts["revision"])
    sha = repository.record(tree, reference, parent, asked["summary"], asked.get("description", ""), author)
    return json_answer(_done(f"{request.endpoint}/{repository.path}", sha, request.is_on("create_pr") and number))


def _branch(revision: str) -> str:
    return revision if revision.startswith("refs/") else f"refs/heads/{revision}"


def _parent(repository: Repository, request: Request, expected: str | None) -> str:
    """Return the commit to build on: the branch's last one, or for a pull request any that is named."""
    if request.is_on("create_pr"):
        return repository.resolve(expected or request.parts["revision"])
    head = repository.references.get(_branch(request.parts["revision"]))
    if head is None:
        raise Refusal(404, f"Invalid rev id: {request.parts['revision']}", "RevisionNotFound")
    if expected and not head.startswith(expected):
        raise Refusal(412, CONFLICT)
    return head


def _done(url: str, sha: str, number: int) -> dict[str, object]:
    return {
        "success": True,
        "commitOid": sha,
        "commitUrl": f"{url}/commit/{sha}",
        "hookOutput": "",
        "pullRequestUrl": f"{url}/discussions/{number}" if number else None,
    }


def _add(repository: Repository, tree: Tree, value: dict[str, Any]) -> None:
    tree[value["path"]] = File(base64.b64decode(value["content"]))


def _add_large(repository: Repository, tree: Tree, value: dict[str, Any]) -> None:
    if value["oid"] not in repository.objects:
        raise Refusal(400, f"{NO_SUCH_OBJECT}: {value['path']}")
    tree[value["path"]] = File(repository.objects[value["oid"]], lfs=True)


def _delete(repository: Repository, tree: Tree, value: dict[str, Any]) -> None:
    if value["path"] not in tree:
        raise Refusal(404, NO_SUCH_FILE, "EntryNotFound")
    del tree[value["path"]]


def _delete_folder(repository: Repository, tree: Tree, value: dict[str, Any]) -> None:
    below = [path for path in tree if path.startswith(value["path"].rstrip("/") + "/")]
    if not below:
        raise Refusal(404, NO_SUCH_FILE, "EntryNotFound")
    for path in below:
        del tree[path]


_OPERATIONS: dict[str, Callable[[Repository, Tree, dict[str, Any]], None]] = {
    "file": _add,
    "lfsFile": _add_large,
    "deletedFile": _delete,
    "deletedFolder": _delete_folder,
}

ROUTES = [
    Route("POST", rf"{IN_API}/preupload/{REVISION}", preupload),
    Route("POST", rf"{IN_API}/commit/{REVISION}", commit),
]

"""What can be read: who one is, repositories, their trees, histories and files."""

import re
from pathlib import PurePosixPath

from tests.hub_server.accounts import known
from tests.hub_server.cards import metadata_of
from tests.hub_server.files import File, entries
from tests.hub_server.messages import Answer, Refusal, json_answer
from tests.hub_server.repositories import Repository
from tests.hub_server.routing import AT_ROOT, IN_API, REVISION, Request, Route
from tests.hub_server.state import Hub


def whoami(hub: Hub, request: Request) -> Answer:
    return json_answer(known(request.account).whoami())


def info(hub: Hub, request: Request) -> Answer:
    repository = request.repository(hub)
    return json_answer(_info(repository, repository.resolve(request.parts.get("revision", "main"))))


def _info(repository: Repository, sha: str) -> dict[str, object]:
    tree = repository.tree(sha)
    card = metadata_of(tree["README.md"].content) if "README.md" in tree and repository.kind == "models" else {}
    return {
        "id": repository.id,
        "modelId": repository.id,
        "author": repository.namespace,
        "sha": sha,
        "lastModified": repository.commits[sha].date,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "tags": card.get("tags", []),
        "siblings": [{"rfilename": path} for path in tree],
        **({"cardData": card} if card else {}),
        **{name: card[name] for name in ("pipeline_tag", "library_name") if name in card},
    }


def tree(hub: Hub, request: Request) -> Answer:
    """List what lies in a folder, or below it."""
    folder = request.parts.get("folder", "")
    all_entries = entries(request.repository(hub).tree(request.parts["revision"]))
    below = {path: entry for path, entry in all_entries.items() if not folder or path.startswith(f"{folder}/")}
    if folder and not below:
        raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
    if not request.is_on("recursive"):
        below = {path: entry for path, entry in below.items() if str(PurePosixPath(path).parent) == (folder or ".")}
    return json_answer(list(below.values()))


def paths_info(hub: Hub, request: Request) -> Answer:
    """Describe the files and folders that are asked for; those that are not there are left out."""
    is_json = "json" in request.headers.get("Content-Type", "")
    paths = request.json()["paths"] if is_json else request.form().get("paths", [])
    here = entries(request.repository(hub).tree(request.parts["revision"]))
    return json_answer([here[path] for path in paths if path in here])


def refs(hub: Hub, request: Request) -> Answer:
    repository = request.repository(hub)
    return json_answer(
        {
            "branches": _references(repository, "refs/heads/"),
            "tags": _references(repository, "refs/tags/"),
            "converts": [],
            **({"pullRequests": _references(repository, "refs/pr/")} if request.is_on("include_prs") else {}),
        }
    )


def _references(repository: Repository, prefix: str) -> list[dict[str, str]]:
    named = repository.named(prefix).items()
    return [{"name": name, "ref": f"{prefix}{name}", "targetCommit": sha} for name, sha in named]


def commits(hub: Hub, request: Request) -> Answer:
    return json_answer(
        [
            {
                "id": commit.sha,
                "title": commit.title,
                "message": commit.message,
                "date": commit.date,
                "authors": [{"user": commit.author}],
            }
            for commit in request.repository(hub).history(request.parts["revision"])
        ]
    )


def content(hub: Hub, request: Request) -> Answer:
    """Give a file, or the part of it that a `Range` asks for."""
    repository = request.repository(hub)
    sha = repository.resolve(request.parts["revision"])
    file = repository.tree(sha).get(request.parts["path"])
    if file is None:
        raise Refusal(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": sha})
    headers = {"X-Repo-Commit": sha, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
    if file.lfs:
        headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
    return _part(file, headers, request.headers.get("Range"))


def _part(file: File, headers: dict[str, str], asked: str | None) -> Answer:
    """Return a file, or one range of it, as RFC 9110 (section 14) describes it."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked or "")
    if not found or not any(found.groups()):
        return Answer(file.content, headers)
    first, last = found.groups()
    start = int(first) if first else max(file.size - int(last), 0)
    end = min(int(last), file.size - 1) if first and last else file.size - 1
    if start > end:
        raise Refusal(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{file.size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{file.size}"
    return Answer(file.content[start : end + 1], headers, 206)


ROUTES = [
    Route("GET", "/api/whoami-v2", whoami),
    Route("GET", rf"{IN_API}/tree/{REVISION}(?:/(?P<folder>.*))?", tree),
    Route("POST", rf"{IN_API}/paths-info/{REVISION}", paths_info),
    Route("GET", rf"{IN_API}/refs", refs),
    Route("GET", rf"{IN_API}/commits/{REVISION}", commits),
    Route("GET", rf"{IN_API}/revision/{REVISION}", info),
    Route("GET", IN_API, info),
    Route("GET", rf"{AT_ROOT}/resolve/{REVISION}/(?P<path>.+)", content),
]

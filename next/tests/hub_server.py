"""A Hugging Face Hub on the loopback that the real client reads and writes over HTTP.

The client reads HF_ENDPOINT once, when it is imported, so it must be a process of its own, started with
`HubServer.environment`. Not imitated: xet, multipart uploads, paged lists, gated repositories, spaces.
"""

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

TOKEN, READ_TOKEN, OTHER_TOKEN = "hf_loopback", "hf_loopback_read", "hf_loopback_bob"
# Token: user, role, namespaces.
ACCOUNTS = {
    TOKEN: ("ann", "write", ("ann", "newsroom")),
    READ_TOKEN: ("ann", "read", ("ann", "newsroom")),
    OTHER_TOKEN: ("bob", "write", ("bob",)),
}
DATE = "2026-01-01T00:00:00.000Z"
LARGE_FILES = (".safetensors", ".bin", ".onnx", ".parquet")
ID, REV = r"(?P<id>[^/]+/[^/]+)", r"(?P<rev>[^/]+)"
API = rf"/api/(?P<kind>models|datasets)/{ID}"
ROUTES = {
    "whoami": r"GET /api/whoami-v2",
    "create_repository": r"POST /api/repos/create",
    "create_branch": rf"POST {API}/branch/{REV}",
    "validate_card": r"POST /api/validate-yaml",
    "preupload": rf"POST {API}/preupload/{REV}",
    "large_file_batch": rf"POST /{ID}\.git/info/lfs/objects/batch",
    "large_file": r"PUT /lfs/(?P<oid>[0-9a-f]{64})",
    "commit": rf"POST {API}/commit/{REV}",
    "info": rf"GET {API}(?:/revision/{REV})?",
    "tree": rf"GET {API}/tree/{REV}(?:/(?P<path>.*))?",
    "paths_info": rf"POST {API}/paths-info/{REV}",
    "file": rf"GET (?:/(?P<kind>datasets))?/{ID}/resolve/{REV}/(?P<path>.+)",
    "create_collection": r"POST /api/collections",
    "add_collection_item": r"POST /api/collections/(?P<slug>[^/]+/[^/]+)/items?",
}


class HTTPFailure(Exception):
    """An answer that is an error; the client reads its kind from the status and X-Error-Code."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.headers = status, {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}


def etag(path: str, content: bytes) -> str:
    """Return what the client compares a file by: SHA-256 of a large file, git's blob hash of any other."""
    is_large, blob = path.endswith(LARGE_FILES), b"blob %d\0" % len(content) + content
    return hashlib.sha256(content).hexdigest() if is_large else hashlib.sha1(blob).hexdigest()


@dataclass
class Repository:
    """`refs` maps a branch or "refs/pr/N" to a commit, `commits` a commit to (parent, title, files)."""

    id: str
    private: bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, tuple[str | None, str, dict[str, bytes]]] = field(default_factory=dict)

    def resolve(self, revision: str) -> str:
        sha = self.refs.get(revision, revision)
        if sha not in self.commits:
            raise HTTPFailure(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return self.commits[self.resolve(revision)][2]

    def commit(self, files: Mapping[str, bytes | str], title: str = "Edit", ref: str = "main", parent: str = "") -> str:
        """Add a commit with exactly these files and move `ref` to it."""
        sha = hashlib.sha1(f"{self.id} {title} {len(self.commits)}".encode()).hexdigest()
        content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.commits[sha], self.refs[ref] = (parent or self.refs.get(ref), title, content), sha
        return sha

    def entries(self, revision: str) -> dict[str, dict[str, Any]]:
        """Return files and directories as the Hub lists them, by path."""
        found: dict[str, dict[str, Any]] = {}
        for path, content in self.files(revision).items():
            for parent in map(str, list(PurePosixPath(path).parents)[:-1]):
                found[parent] = {"type": "directory", "path": parent, "oid": "0" * 40, "size": 0}
            about = {"oid": etag(path, content), "size": len(content)}
            large = {"lfs": {**about, "pointerSize": 130}} if path.endswith(LARGE_FILES) else {}
            found[path] = {"type": "file", "path": path, **about, **large}
        return found


class HubServer(ThreadingHTTPServer):
    """The server, on a free port; `failures` maps a pattern of "METHOD path" to the status of the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.models: dict[str, Repository] = {}
        self.datasets: dict[str, Repository] = {}
        self.collections: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.failures: dict[str, int] = {}
        self.lock = threading.Lock()

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def add_dataset(self, repo_id: str, files: Mapping[str, bytes | str], private: bool = False) -> Repository:
        self.datasets[repo_id] = Repository(repo_id, private)
        self.datasets[repo_id].commit(files)
        return self.datasets[repo_id]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the environment of a client that has its caches in `home` and no token."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        flags = dict.fromkeys(("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "OMP_NUM_THREADS"), "1")
        return {**inherited, **flags, "HF_ENDPOINT": self.url, "HF_HOME": str(home), **more}


class Handler(BaseHTTPRequestHandler):
    """Answers a request with the method that ROUTES names for it: what is sent as JSON, or (body, headers)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HubServer

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.query = dict(parse_qsl(address.query))
        self.raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers = 200, {"Content-Type": "application/json"}
        try:
            with self.server.lock:
                answer = self.answer(f"{'GET' if self.command == 'HEAD' else self.command} {address.path}")
            body, more = answer if isinstance(answer, tuple) else (json.dumps(answer).encode(), {})
        except HTTPFailure as error:
            status, body, more = error.status, json.dumps({"error": str(error)}).encode(), error.headers
        self.send_response(status)
        for name, value in {**headers, **more, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def answer(self, line: str) -> Any:
        self.server.requests.append(line)
        for pattern, status in self.server.failures.items():
            if re.search(pattern, line):
                raise HTTPFailure(status, "Injected failure")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in ACCOUNTS:
            raise HTTPFailure(401, "Invalid credentials in Authorization header")
        self.user, self.role, self.namespaces = ACCOUNTS.get(token, ("", "", ()))
        for name, route in ROUTES.items():
            if found := re.fullmatch(route, line):
                self.parts = {part: unquote(value) for part, value in found.groupdict().items() if value}
                self.rev = self.parts.get("rev", "main")
                return getattr(self, name)()
        raise HTTPFailure(404, "Not found")

    @property
    def body(self) -> Any:
        return json.loads(self.raw or b"{}")

    def repository(self, *, write: bool = False) -> Repository:
        """Return the repository of the path; only its members see a private one."""
        repo_id = self.parts["id"]
        found = (self.server.datasets if self.parts.get("kind") == "datasets" else self.server.models).get(repo_id)
        if found is None or (found.private and repo_id.partition("/")[0] not in self.namespaces):
            raise HTTPFailure(404 if self.user else 401, "Repository not found", "RepoNotFound")
        if write and self.query.get("create_pr") != "1":
            self.require_writer(repo_id.partition("/")[0])
        return found

    def require_writer(self, namespace: str) -> None:
        if self.role != "write" or namespace not in self.namespaces:
            raise HTTPFailure(403, f'You don\'t have the rights to write under the namespace "{namespace}"')

    def whoami(self) -> Any:
        if not self.user:
            raise HTTPFailure(401, "Invalid username or password.")
        auth = {"type": "access_token", "accessToken": {"displayName": "loopback", "role": self.role}}
        return {"name": self.user, "orgs": [{"name": name} for name in self.namespaces[1:]], "auth": auth}

    def create_repository(self) -> Any:
        repo_id = f"{self.body.get('organization') or self.user}/{self.body['name']}"
        self.require_writer(repo_id.partition("/")[0])
        self.server.models[repo_id] = Repository(repo_id, self.body.get("visibility") == "private")
        self.server.models[repo_id].commit({".gitattributes": "*.safetensors filter=lfs\n"}, "initial commit")
        return {"url": f"{self.server.url}/{repo_id}", "name": repo_id}

    def create_branch(self) -> Any:
        repository = self.repository(write=True)
        repository.refs[self.rev] = repository.resolve(self.body.get("startingPoint") or "main")
        return {}

    def validate_card(self) -> Any:
        return {"errors": [], "warnings": []}

    def preupload(self) -> Any:
        files, answers = self.repository(write=True).files(self.rev), []
        for path in (file["path"] for file in self.body["files"]):
            mode = {"uploadMode": "lfs" if path.endswith(LARGE_FILES) else "regular", "shouldIgnore": False}
            answers.append({"path": path, **mode, **({"oid": etag(path, files[path])} if path in files else {})})
        return {"files": answers}

    def large_file_batch(self) -> Any:
        objects = [{"oid": asked["oid"], "size": asked["size"]} for asked in self.body["objects"]]
        for asked in objects:
            if asked["oid"] not in self.server.objects:
                asked["actions"] = {"upload": {"href": f"{self.server.url}/lfs/{asked['oid']}"}}
        return {"transfer": "basic", "objects": objects}

    def large_file(self) -> Any:
        self.server.objects[hashlib.sha256(self.raw).hexdigest()] = self.raw
        return {}

    def commit(self) -> Any:
        repository, is_proposal = self.repository(write=True), self.query.get("create_pr") == "1"
        header, *operations = [json.loads(line) for line in self.raw.splitlines()]
        parent = repository.resolve(self.rev)
        if header["value"].get("parentCommit", parent) != parent:
            raise HTTPFailure(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repository.files(parent))
        for key, value in ((operation["key"], operation["value"]) for operation in operations):
            if key == "deletedFile":
                del files[value["path"]]
            else:
                is_large = key == "lfsFile"
                content = self.server.objects[value["oid"]] if is_large else base64.b64decode(value["content"])
                files[value["path"]] = content
        number = 1 + sum(ref.startswith("refs/pr/") for ref in repository.refs)
        ref = f"refs/pr/{number}" if is_proposal else self.rev
        sha = repository.commit(files, header["value"]["summary"], ref, parent)
        url = f"{self.server.url}/{repository.id}"
        proposal = f"{url}/discussions/{number}" if is_proposal else None
        return {"success": True, "commitOid": sha, "commitUrl": f"{url}/commit/{sha}", "pullRequestUrl": proposal}

    def info(self) -> Any:
        repository = self.repository()
        about = {"id": repository.id, "modelId": repository.id, "sha": repository.resolve(self.rev), "tags": []}
        siblings = [{"rfilename": path} for path in repository.files(self.rev)]
        return {**about, "private": repository.private, "gated": False, "lastModified": DATE, "siblings": siblings}

    def tree(self) -> Any:
        directory, recursive = self.parts.get("path", "."), self.query.get("recursive", "").lower() in ("1", "true")
        paths = [(PurePosixPath(path), entry) for path, entry in self.repository().entries(self.rev).items()]
        found = [
            e for path, e in paths if str(path.parent) == directory or (recursive and path.is_relative_to(directory))
        ]
        if not found:
            raise HTTPFailure(404, f"{directory} does not exist", "EntryNotFound")
        return found

    def paths_info(self) -> Any:
        entries = self.repository().entries(self.rev)
        return [entries[path] for path in parse_qs(self.raw.decode()).get("paths", []) if path in entries]

    def file(self) -> Any:
        repository, path = self.repository(), self.parts["path"]
        sha = repository.resolve(self.rev)
        if path not in repository.files(sha):
            raise HTTPFailure(404, "Entry not found", "EntryNotFound")
        content = repository.files(sha)[path]
        tag = f'"{etag(path, content)}"'
        large = {"X-Linked-Etag": tag} if path.endswith(LARGE_FILES) else {}
        return content, {"X-Repo-Commit": sha, "ETag": tag, **large}

    def create_collection(self) -> Any:
        namespace, title = self.body["namespace"], self.body["title"]
        self.require_writer(namespace)
        about = {"private": self.body["private"], "lastUpdated": DATE, "theme": "green", "upvotes": 0, "position": 0}
        slug = f"{namespace}/{re.sub(r'[^a-z0-9]+', '-', title.lower())}-{'0' * 24}"
        new = {"slug": slug, "title": title, "owner": {"name": namespace}, "items": [], **about}
        return self.server.collections.setdefault(slug, new)

    def add_collection_item(self) -> Any:
        items, item = self.server.collections[self.parts["slug"]]["items"], self.body["item"]
        if all(each["id"] != item["id"] for each in items):
            items.append({"_id": f"{len(items):024d}", "id": item["id"], "type": item["type"], "position": len(items)})
        return self.server.collections[self.parts["slug"]]

"""A Hugging Face Hub on the loopback that the real client reads and writes over HTTP.

Not imitated: xet, multipart uploads, paged lists, gated repositories, spaces.
"""

import base64
import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

TOKEN, READ_TOKEN = "hf_loopback", "hf_loopback_read"
ROLES = {TOKEN: "write", READ_TOKEN: "read", "": ""}
NAMESPACES = ("ann", "newsroom", "your-name")  # the users and an organization
DATE = "2026-01-01T00:00:00.000Z"
LARGE_FILES = (".safetensors", ".bin", ".onnx", ".parquet")


class HTTPFailure(Exception):
    """HTTPFailure(status, message, code): an answer that is an error. The code tells the client its kind."""


def describe(path: str, content: bytes) -> dict[str, Any]:
    """Return a file as the Hub lists it; its `oid` is SHA-256 for a large file, else git's blob hash."""
    entry = {"type": "file", "path": path, "rfilename": path, "size": len(content), "shouldIgnore": False}
    if not path.endswith(LARGE_FILES):
        oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return {**entry, "oid": oid, "uploadMode": "regular"}
    oid = hashlib.sha256(content).hexdigest()
    large = {"oid": oid, "sha256": oid, "size": len(content), "pointerSize": 130}
    return {**entry, "oid": oid, "uploadMode": "lfs", "lfs": large}


@dataclass
class Repository:
    """`refs` maps a branch or "refs/pr/N" to a commit, `commits` a commit to its files."""

    id: str
    private: bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def resolve(self, revision: str) -> str:
        sha = self.refs.get(revision, revision)
        if sha not in self.commits:
            raise HTTPFailure(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return self.commits[self.resolve(revision)]

    def commit(self, files: dict[str, bytes | str], ref: str = "main") -> str:
        """Add a commit with exactly these files and move `ref` to it."""
        sha = hashlib.sha1(f"{self.id} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.refs[ref] = sha
        return sha


class HubServer(HTTPServer):
    """The server, on a free port; `failures` maps a pattern of "METHOD path" to the status of the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.collections: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.failures: dict[str, int] = {}

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def add_repository(self, repo_id: str, files: dict[str, bytes | str]) -> Repository:
        self.repositories[repo_id] = Repository(repo_id)
        self.repositories[repo_id].commit(files)
        return self.repositories[repo_id]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the environment of a client process with its caches in `home` and without a token."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        flags = dict.fromkeys(("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "OMP_NUM_THREADS"), "1")
        return {**inherited, **flags, "HF_ENDPOINT": self.url, "HF_HOME": str(home), **more}


class Handler(BaseHTTPRequestHandler):
    """Sends what `answer` returns: JSON, or (content, headers)."""

    server: HubServer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.create_pr = "create_pr=1" in query
        self.raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, content, headers = 200, b"", {}
        try:
            answer = self.answer(self.command.replace("HEAD", "GET"), path)
            content, headers = answer if isinstance(answer, tuple) else (json.dumps(answer).encode(), {})
        except HTTPFailure as error:
            status, message, code = error.args
            headers = {"X-Error-Message": message, "X-Error-Code": code}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def answer(self, method: str, path: str) -> Any:
        for pattern, status in self.server.failures.items():
            if re.search(pattern, f"{method} {path}"):
                raise HTTPFailure(status, "Injected failure", "")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in ROLES:
            raise HTTPFailure(401, "Invalid credentials in Authorization header", "")
        self.role = ROLES[token]
        match [method, *map(unquote, path.removeprefix("/datasets").strip("/").split("/"))]:
            case ["GET", "api", "whoami-v2"]:
                return {"name": "ann", "auth": {"type": "access_token", "accessToken": {"role": self.role}}}
            case ["POST", "api", "validate-yaml"]:
                if b"license: Apache2" in self.raw:
                    raise HTTPFailure(400, "license must be one of a list", "")
                return {"errors": [], "warnings": []}
            case ["POST", "api", "repos", "create"]:
                asked = json.loads(self.raw)
                owner = asked.get("organization") or "ann"
                self.require_writer(owner)
                repository = Repository(f"{owner}/{asked['name']}", asked.get("visibility") == "private")
                repository.commit({".gitattributes": "*.safetensors filter=lfs\n"})
                self.server.repositories[repository.id] = repository
                return {"url": f"{self.server.url}/{repository.id}"}
            case ["POST", "api", "models", owner, name, "branch", branch]:
                repository = self.repository(owner, name)
                repository.refs[branch] = repository.resolve("main")
                return {}
            case ["POST", "api", "models", owner, name, "preupload", revision]:
                old = self.repository(owner, name).files(revision)
                asked = [file["path"] for file in json.loads(self.raw)["files"]]
                return {"files": [describe(path, old.get(path, b"")) for path in asked]}
            case ["POST", _, _, "info", "lfs", "objects", "batch"]:
                objects = json.loads(self.raw)["objects"]
                for asked in objects:
                    asked["actions"] = {"upload": {"href": f"{self.server.url}/lfs/{asked['oid']}"}}
                return {"transfer": "basic", "objects": objects}
            case ["PUT", "lfs", oid]:
                self.server.objects[oid] = self.raw
                return {}
            case ["POST", "api", "models", owner, name, "commit", revision]:
                self.require_writer(owner)
                return self.commit(self.repository(owner, name), revision)
            case ["GET", "api", _, owner, name, *rest] if rest[:1] in ([], ["revision"]):
                repository, revision = self.repository(owner, name), rest[1] if rest else "main"
                about = {"id": repository.id, "sha": repository.resolve(revision), "private": repository.private}
                siblings = [describe(path, content) for path, content in repository.files(revision).items()]
                return {**about, "tags": [], "lastModified": DATE, "siblings": siblings}
            case ["GET", "api", _, owner, name, "tree", revision, *directory]:
                return self.tree(self.repository(owner, name).files(revision), "/".join([*directory, ""]))
            case ["GET", owner, name, "resolve", revision, *file]:
                return self.file(self.repository(owner, name), revision, "/".join(file))
            case ["POST", "api", "collections"]:
                asked = json.loads(self.raw)
                self.require_writer(asked["namespace"])
                slug = f"{asked['namespace']}/{asked['title'].lower()}-{'0' * 24}"
                about = {"lastUpdated": DATE, "theme": "green", "upvotes": 0, "position": 0, "items": []}
                new = {"slug": slug, "owner": {"name": asked["namespace"]}, **asked, **about}
                return self.server.collections.setdefault(slug, new)
            case ["POST", "api", "collections", owner, name, "item" | "items"]:
                collection, item = self.server.collections[f"{owner}/{name}"], json.loads(self.raw)["item"]
                if item["id"] not in {each["id"] for each in collection["items"]}:
                    collection["items"].append({**item, "_id": "0" * 24, "position": 0})
                return collection
        raise HTTPFailure(404, "Not found", "")

    def repository(self, owner: str, name: str) -> Repository:
        if f"{owner}/{name}" not in self.server.repositories:
            raise HTTPFailure(404, "Repository not found", "RepoNotFound")
        return self.server.repositories[f"{owner}/{name}"]

    def require_writer(self, namespace: str) -> None:
        if self.role != "write" or namespace not in NAMESPACES:
            raise HTTPFailure(403, f'You don\'t have the rights to write under the namespace "{namespace}"', "")

    def commit(self, repository: Repository, revision: str) -> Any:
        header, *operations = [json.loads(line) for line in self.raw.splitlines()]
        parent = repository.resolve(revision)
        if header["value"].get("parentCommit", parent) != parent:
            raise HTTPFailure(412, "A commit has happened since. Please refresh and try again.", "")
        files = dict(repository.files(parent))
        for kind, value in ((operation["key"], operation["value"]) for operation in operations):
            if kind == "deletedFile":
                del files[value["path"]]
            else:
                content = self.server.objects.get(value.get("oid")) or base64.b64decode(value["content"])
                files[value["path"]] = content
        number, url = len(repository.refs), f"{self.server.url}/{repository.id}"
        sha = repository.commit(files, f"refs/pr/{number}" if self.create_pr else revision)
        pull_request = {"pullRequestUrl": f"{url}/discussions/{number}"} if self.create_pr else {}
        return {"success": True, "commitOid": sha, "commitUrl": f"{url}/commit/{sha}", **pull_request}

    def tree(self, files: dict[str, bytes], directory: str) -> Any:
        found = {}
        for path in (path for path in files if path.startswith(directory)):
            name, _, rest = path.removeprefix(directory).partition("/")
            subdirectory = {"type": "directory", "path": directory + name, "oid": "0" * 40, "size": 0}
            found[name] = subdirectory if rest else describe(path, files[path])
        if not found:
            raise HTTPFailure(404, f"{directory} does not exist", "EntryNotFound")
        return list(found.values())

    def file(self, repository: Repository, revision: str, path: str) -> Any:
        files = repository.files(revision)
        if path not in files:
            raise HTTPFailure(404, "Entry not found", "EntryNotFound")
        tag = f'"{describe(path, files[path])["oid"]}"'
        return files[path], {"X-Repo-Commit": repository.resolve(revision), "ETag": tag, "X-Linked-Etag": tag}

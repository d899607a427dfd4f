"""A Hub on the loopback: repositories held in memory and served as huggingface_hub and datasets ask for them.

The client reads HF_ENDPOINT once, when it is imported, so it has to be a process of its own, started with
`HubServer.environment`.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback"

Files = dict[str, bytes]


@dataclass
class Repository:
    """Commits of files, and the branches that name some of them.

    Attributes:
        private: Shown to the holder of the token only.
        trouble: Pattern of the paths that are answered with 503.
    """

    id: str
    private: bool = False
    trouble: str | None = None
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Mapping[str, bytes | str], branch: str = "main") -> str:
        """Add files to a branch, which starts at main if it is new; return the commit's sha."""
        start = self.commits.get(self.branches.get(branch, self.branches.get("main", "")), {})
        added = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        sha = hashlib.sha1(f"{self.id} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = {**start, **added}
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> str:
        """Return the sha of a branch or of a commit."""
        sha = self.branches.get(revision, revision)
        if sha not in self.commits:
            raise Refusal(404, "RevisionNotFound")
        return sha


@dataclass
class Answer:
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class Refusal(Exception):
    """An answer that is an error the client can name."""

    def __init__(self, status: int, code: str = "", **headers: str) -> None:
        super().__init__(status, code)
        named = {"X-Error-Code": code} if code else {}
        self.answer = Answer(
            b"{}", {**named, **{name.replace("_", "-"): value for name, value in headers.items()}}, status
        )


class HubServer:
    """The repositories, and a server of them for as long as the context is open.

    Attributes:
        requests: "METHOD path" of everything that was asked for.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._repositories: dict[tuple[str, str], Repository] = {}
        self._former_ids: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the environment of a client whose caches lie in `home` and which has no token unless given one."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        return {
            **inherited,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **more,
        }

    def add_dataset(self, id: str, files: Mapping[str, bytes | str], **traits: Any) -> Repository:
        """Add a data set's repository with one commit on main; `traits` are those of a `Repository`."""
        repository = self._repositories["datasets", id] = Repository(id, **traits)
        repository.commit(files)
        return repository

    def __getitem__(self, id: str) -> Repository:
        """Return the repository of a data set."""
        return self._repositories["datasets", id]

    def rename(self, former_id: str, id: str) -> None:
        """Forward what asks for a former id."""
        self._former_ids[former_id] = id

    def answer(self, path: str, token: str | None, body: bytes) -> Answer:
        """Return what the Hub says to one request."""
        for pattern, reply in _ROUTES:
            if found := re.fullmatch(pattern, path):
                kind, id, *rest = (unquote(part or "") for part in found.groups())
                if id in self._former_ids:
                    raise Refusal(307, Location=path.replace(id, self._former_ids[id], 1))
                repository = self._find(kind or "models", id, token)
                if repository.trouble and re.search(repository.trouble, path):
                    raise Refusal(503)
                return reply(repository, *rest, body)
        raise Refusal(404)

    def _find(self, kind: str, id: str, token: str | None) -> Repository:
        if token not in (None, TOKEN):
            raise Refusal(401, X_Error_Message="Invalid credentials in Authorization header")
        repository = self._repositories.get((kind, id))
        if repository is None or (repository.private and token is None):
            # The Hub does not tell a stranger whether the repository exists.
            raise Refusal(404 if token else 401, "RepoNotFound")
        return repository


def _info(repository: Repository, revision: str, _: bytes) -> Answer:
    sha = repository.resolve(revision or "main")
    siblings = [{"rfilename": path} for path in repository.commits[sha]]
    return _json({"id": repository.id, "sha": sha, "private": repository.private, "tags": [], "siblings": siblings})


def _tree(repository: Repository, revision: str, folder: str, _: bytes) -> Answer:
    """List everything below a folder; clients that did not ask for all of it take what they need."""
    entries = _entries(repository.commits[repository.resolve(revision)])
    below = {path: entry for path, entry in entries.items() if not folder or path.startswith(f"{folder}/")}
    if folder and not below:
        raise Refusal(404, "EntryNotFound")
    return _json(list(below.values()))


def _file(repository: Repository, revision: str, path: str, _: bytes) -> Answer:
    sha = repository.resolve(revision)
    content = repository.commits[sha].get(path)
    if content is None:
        raise Refusal(404, "EntryNotFound", X_Repo_Commit=sha)
    return Answer(content, {"X-Repo-Commit": sha, "ETag": f'"{_oid(content)}"'})


# In this order: an id matches whatever the routes before it have left. The files of models lie at the root.
_ROUTES = [
    (r"/api/(datasets|models)/(.+?)/tree/([^/]+)(?:/(.*))?", _tree),
    (r"/api/(datasets|models)/(.+?)(?:/revision/([^/]+))?", _info),
    (r"/(?:(datasets)/)?(.+?)/resolve/([^/]+)/(.+)", _file),
]


def _entries(files: Files) -> dict[str, dict[str, Any]]:
    """Return files and the folders they imply, each as the tree's JSON."""
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    return {
        **{
            path: {"type": "directory", "path": path, "oid": _oid(path.encode()), "size": 0} for path in sorted(folders)
        },
        **{path: {"type": "file", "path": path, "oid": _oid(text), "size": len(text)} for path, text in files.items()},
    }


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), {"Content-Type": "application/json"})


def _handler_of(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            hub.requests.append(f"{self.command} {path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            try:
                self._send(hub.answer(path, token, body))
            except Refusal as refusal:
                self._send(refusal.answer)

        do_HEAD = do_POST = do_GET

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the requests are kept instead."""

    return Handler

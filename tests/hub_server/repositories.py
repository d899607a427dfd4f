"""Repositories: commits of whole trees, and the references that name some of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from tests.hub_server.files import File
from tests.hub_server.messages import Refusal

Kind = Literal["models", "datasets"]
Tree = dict[str, File]

SHORTEST_SHA = 5
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Commit:
    """A tree, and how it came to be."""

    sha: str
    parent: str | None
    title: str
    tree: Tree = field(repr=False)
    author: str
    message: str = ""
    date: str = ""


@dataclass
class Repository:
    """A repository of a model or of a data set.

    A commit is there with all its files, or not at all; `orphans` shows what an upload left behind without one.

    Attributes:
        private: Shown to members of its namespace only.
        commits: By sha, the oldest first.
        references: Sha by full name: `refs/heads/main`, `refs/tags/v1`, `refs/pr/1`.
        objects: Large files by sha256, as soon as they are uploaded and verified.
        uploads: Large files that may be uploaded, and what has come of each.
    """

    id: str
    kind: Kind = "models"
    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict, repr=False)
    uploads: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def namespace(self) -> str:
        return self.id.rpartition("/")[0]

    @property
    def path(self) -> str:
        """Where it lies on the Hub, for a browser."""
        return f"datasets/{self.id}" if self.kind == "datasets" else self.id

    @property
    def branches(self) -> dict[str, str]:
        return self.named("refs/heads/")

    @property
    def tags(self) -> dict[str, str]:
        return self.named("refs/tags/")

    @property
    def pull_requests(self) -> dict[str, str]:
        return self.named("refs/pr/")

    @property
    def orphans(self) -> set[str]:
        """The sha256 of large files that were uploaded and that no commit holds."""
        held = {file.sha256 for commit in self.commits.values() for file in commit.tree.values() if file.lfs}
        return set(self.objects) - held

    def named(self, prefix: str) -> dict[str, str]:
        """Return the references of one kind by their short names."""
        names = [name for name in self.references if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.references[name] for name in names}

    def resolve(self, revision: str) -> str:
        """Return the sha of a branch, a tag, a pull request's reference or a commit, which may be shortened."""
        for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if name in self.references:
                return self.references[name]
        found = [sha for sha in self.commits if sha.startswith(revision) and len(revision) >= SHORTEST_SHA]
        if len(found) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found[0]

    def tree(self, revision: str = "main") -> Tree:
        return self.commits[self.resolve(revision)].tree

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return the contents of a revision by path."""
        return {path: file.content for path, file in self.tree(revision).items()}

    def history(self, revision: str = "main") -> list[Commit]:
        """Return the commits of a revision, the newest first."""
        commits = [self.commits[self.resolve(revision)]]
        while parent := commits[-1].parent:
            commits.append(self.commits[parent])
        return commits

    def commit(self, files: Mapping[str, bytes | str], branch: str = "main") -> str:
        """Add files to a branch, which starts at main if it is new, as a test that needs no client; return the sha."""
        start = self.branches.get(branch) or self.branches.get("main")
        added = {path: File.at(path, content) for path, content in files.items()}
        self.objects |= {file.sha256: file.content for file in added.values() if file.lfs}
        tree = {**(self.commits[start].tree if start else {}), **added}
        return self.record(tree, f"refs/heads/{branch}", start, "Add files")

    def record(
        self, tree: Tree, reference: str, parent: str | None, title: str, message: str = "", author: str = "hub"
    ) -> str:
        """Add a commit and move a reference to it; return the sha."""
        date = FIRST_DAY + timedelta(minutes=len(self.commits))
        named = [self.id, str(parent), title, str(len(self.commits)), *(f"{p} {tree[p].oid}" for p in sorted(tree))]
        sha = hashlib.sha1("\n".join(named).encode()).hexdigest()
        written = date.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits[sha] = Commit(sha, parent, title, tree, author, message, written)
        self.references[reference] = sha
        return sha

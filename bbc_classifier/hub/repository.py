"""One repository of the Hub: what is in it, and one commit that makes it what it should be."""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from bbc_classifier.errors import InputError
from bbc_classifier.hub.contents import Contents, left_over
from bbc_classifier.hub.failures import is_passing

RECORD = "record.json"
EMPTY = frozenset({".gitattributes", "README.md"})
# The client tries the upload of each file again by itself, but never the commit.
WAITS = (2, 8)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """Where a classifier now is.

    Attributes:
        url: Page of the repository.
        commit: The commit that holds it.
        pull_request: Page of the pull request, where one was opened.
        changed: Whether anything was uploaded; not where the same was there already.
    """

    url: str
    commit: str
    pull_request: str | None
    changed: bool


@dataclass(frozen=True)
class State:
    """What is in a repository at the head of a branch.

    Attributes:
        head: The commit.
        files: Paths of all files.
        weights: Hash of the weights that the record there describes; None without a record of ours.
    """

    head: str
    files: list[str]
    weights: str | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but what the Hub itself puts into a new repository."""
        return set(self.files) <= EMPTY


class Repository:
    """A repository, by its id and the branch that is published to."""

    def __init__(self, api: HfApi, repo_id: str, revision: str | None = None):
        self._api = api
        self.id = repo_id
        self._revision = revision
        self._made = False

    def state(self) -> State | None:
        """Return what is there; None where there is no such repository, or no such branch of it yet."""
        try:
            info = self._api.model_info(self.id, revision=self._revision)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None
        files = [sibling.rfilename for sibling in info.siblings or []]
        weights = self._recorded_weights(info.sha or "") if RECORD in files else None
        return State(info.sha or "", files, weights)

    def refuse_another_model(self, state: State | None, weights: str, *, overwrite: bool) -> None:
        """Check that what is there is nothing, this very model, or may be replaced.

        Raises:
            InputError: It is another model, or somebody's files.
        """
        if state is None or state.is_empty or state.weights == weights or overwrite:
            return
        what = (
            f"another model, with the weights {state.weights[:12]}…" if state.weights else "files that are none of ours"
        )
        raise InputError(
            f"{self.id} holds {what}; --overwrite replaces them (the old version stays in the history), --create_pr or "
            "--revision leaves them"
        )

    def make(self, *, private: bool) -> None:
        """Make the repository if there is none, and the branch if there is none."""
        if not self._api.repo_exists(self.id):
            self._api.create_repo(self.id, private=private)
            self._made = True
        if self._revision is not None:
            self._api.create_branch(self.id, branch=self._revision, exist_ok=True)

    def commit(self, files: Contents, message: str, *, create_pr: bool) -> Published:
        """Upload in one commit, which the Hub takes whole or not at all; what has not changed is not sent.

        Where the Hub is in trouble for a moment this is tried again; where it was the answer that got lost, the second
        try finds everything there. A repository that was made for this and stayed empty is taken away when all fails.
        """
        before = self.state()
        try:
            done = self._commit_patiently(files, message, create_pr)
        except BaseException:
            if self._made and before is not None and self._head() == before.head:
                self._api.delete_repo(self.id, missing_ok=True)
            raise
        changed = before is None or done.oid != before.head
        return Published(f"{self._api.endpoint}/{self.id}", done.oid, done.pr_url, changed)

    def _commit_patiently(self, files: Contents, message: str, create_pr: bool) -> CommitInfo:
        for wait in (*WAITS, None):
            try:
                return self._commit_once(files, message, create_pr)
            except Exception as error:
                # A pull request would be opened twice if only the answer was lost.
                if wait is None or create_pr or not is_passing(error):
                    raise
                logger.warning("%s: the Hub is in trouble; trying again in %d seconds", self.id, wait)
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _commit_once(self, files: Contents, message: str, create_pr: bool) -> CommitInfo:
        state = self.state()
        return self._api.create_commit(
            self.id,
            [*self._additions(files), *self._deletions(files, state)],
            commit_message=message,
            revision=self._revision,
            create_pr=create_pr,
            parent_commit=None if create_pr or state is None else state.head,
        )

    def _head(self) -> str | None:
        """Return the commit that is there, or None where the Hub does not say."""
        try:
            state = self.state()
        except Exception as error:
            logger.debug("%s: %s", self.id, error)
            return None
        return None if state is None else state.head

    def _additions(self, files: Contents) -> list[CommitOperationAdd]:
        return [CommitOperationAdd(path, content) for path, content in files.items()]

    def _deletions(self, files: Contents, state: State | None) -> list[CommitOperationDelete]:
        return [CommitOperationDelete(path) for path in left_over(state.files if state else [], files)]

    def _recorded_weights(self, commit: str) -> str | None:
        """Return the hash in the record that is there, or None where it is no record of ours."""
        try:
            file = hf_hub_download(self.id, RECORD, revision=commit, token=self._api.token, endpoint=self._api.endpoint)
            return str(json.loads(Path(file).read_text(encoding="utf-8"))["model"]["weights_sha256"])
        except (ValueError, KeyError, TypeError):
            return None

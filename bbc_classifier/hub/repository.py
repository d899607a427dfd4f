"""One repository of the Hub: what is in it, and one commit that makes it what it should be."""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from bbc_classifier.described_files import Described, described
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.hub.contents import RECORD, Contents, left_over
from bbc_classifier.hub.failures import is_passing

# What the Hub itself puts into a new repository.
EMPTY = frozenset({".gitattributes"})
OUR_COMMIT = "Publish "
# The client tries the upload of each file again by itself, but never the commit.
WAITS = (2, 8)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """Where a classifier now is.

    Attributes:
        url: Page of the repository.
        revision: What to load: the branch that was asked for, or the pull request; None is main.
        commit: The commit that holds it.
        pull_request: Page of the pull request, where one was opened.
        changed: Whether anything was uploaded; not where the same was there already.
        removed: Files of the version before that this one has no more.
    """

    url: str
    revision: str | None
    commit: str
    pull_request: str | None
    changed: bool
    removed: list[str]


@dataclass(frozen=True)
class State:
    """What is in a repository at the head of a branch.

    Attributes:
        head: The commit.
        title: Its title.
        files: Paths of all files.
        weights: Hash of the weights that the record there describes; None without a record of ours.
        settings: Names of the other files that it describes.
        private: Whether the repository is private.
    """

    head: str
    title: str
    files: list[str]
    weights: str | None
    settings: Collection[str]
    private: bool

    def holds(self, weights: str) -> bool:
        """Whether this is what we published of these weights, and nobody has changed it since."""
        return self.weights == weights and self.title.startswith(OUR_COMMIT)


class Repository:
    """A repository, by its id and the branch that is published to."""

    def __init__(self, api: HfApi, repo_id: str, revision: str | None = None):
        self._api = api
        self.id = repo_id
        self._revision = revision

    def state(self) -> State | None:
        """Return what is there; None where there is no such repository, or no such branch of it yet."""
        try:
            info = self._api.model_info(self.id, revision=self._revision)
            last = self._api.list_repo_commits(self.id, revision=info.sha)[0]
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None
        files = [sibling.rfilename for sibling in info.siblings or []]
        found = self._described(last.commit_id) if RECORD in files else Described(None, {})
        return State(last.commit_id, last.title, files, found.weights, found.settings.keys(), bool(info.private))

    def refuse(self, state: State | None, weights: str, *, private: bool, overwrite: bool) -> None:
        """Check that what is there is nothing, this very model as we published it, or may be replaced.

        Raises:
            InputError: It is another model, or somebody's files, or public where it was to be private.
        """
        if state is None:
            return
        if private and not state.private:
            raise InputError(f"{self.id} is public, and --private is for a new repository; make it private on the Hub")
        if set(state.files) <= EMPTY or state.holds(weights) or overwrite:
            return
        if state.weights == weights:
            what = f"was changed on the Hub since it was published ('{state.title}')"
        elif state.weights:
            what = f"holds another model, with the weights {state.weights[:12]}…"
        else:
            what = "holds files that are none of ours"
        raise InputError(
            f"{self.id} {what}; --overwrite replaces it (the history keeps it), --create_pr or --revision leave it"
        )

    def publish(
        self, files: Contents, name: str, weights: str, state: State | None, *, private: bool, create_pr: bool
    ) -> Published:
        """Make the repository and the branch where there is none, and upload in one commit, taken whole or not at all.

        What has not changed is not sent. What was made for this and stayed empty is taken away again when the commit
        fails.

        Args:
            files: The files.
            name: What the commit is called.
            weights: Hash of the weights among the files.
            state: What was there when it was checked.
            private: Whether a new repository is to be private.
            create_pr: Open a pull request instead of changing the branch.

        Raises:
            WorldError: Somebody else has changed the repository since it was checked.
        """
        made: list[str] = []
        try:
            if state is None:
                made += self._make(private)
                state = self.state()
            assert state is not None
            removed = left_over(state.files, files, another=state.weights != weights, described=state.settings)
            return self._commit_patiently(files, removed, f"{OUR_COMMIT}{name}", weights, state, create_pr)
        except BaseException:
            self._take_away(made)
            raise

    def _make(self, private: bool) -> list[str]:
        """Make the repository, the branch, or both; return what was made."""
        made = []
        if not self._api.repo_exists(self.id):
            # Unset, an organisation's own default decides.
            self._api.create_repo(self.id, private=private or None)
            made.append("repository")
        if self._revision is not None:
            self._api.create_branch(self.id, branch=self._revision)
            made.append("branch")
        return made

    def _take_away(self, made: list[str]) -> None:
        """Take away what was made for a commit that failed; where that fails too, the first failure is what counts."""
        try:
            if "repository" in made:
                self._api.delete_repo(self.id, missing_ok=True)
            elif "branch" in made:
                self._api.delete_branch(self.id, branch=str(self._revision))
        except Exception as error:
            logger.warning("%s: the empty %s stays (%s)", self.id, made[0], type(error).__name__)

    def _commit_patiently(
        self, files: Contents, removed: list[str], title: str, weights: str, start: State, create_pr: bool
    ) -> Published:
        """Commit, and try again where the Hub is in trouble for a moment."""
        for wait in (*WAITS, None):
            try:
                return self._commit(files, removed, title, start, create_pr)
            except Exception as error:
                # A pull request would be opened twice if only the answer was lost.
                if wait is None or create_pr or not is_passing(error):
                    raise
                logger.warning("%s: the Hub is in trouble; trying again in %d seconds", self.id, wait)
                time.sleep(wait)
            now = self.state()
            if now is not None and now.head != start.head:
                if not now.holds(weights):
                    raise WorldError(
                        f"{self.id}: somebody changed the repository at the same time; nothing was published"
                    )
                # Only the answer to our commit was lost.
                return Published(self._url, self._revision, now.head, None, True, removed)
        raise AssertionError("the last try returns or raises")

    def _commit(self, files: Contents, removed: list[str], title: str, start: State, create_pr: bool) -> Published:
        done = self._api.create_commit(
            self.id,
            [
                *(CommitOperationAdd(path, content) for path, content in files.items()),
                *(CommitOperationDelete(path) for path in removed),
            ],
            commit_message=title,
            revision=self._revision,
            create_pr=create_pr,
            parent_commit=None if create_pr else start.head,
        )
        revision = done.pr_revision if done.pr_url else self._revision
        return Published(self._url, revision, done.oid, done.pr_url, done.oid != start.head, removed)

    @property
    def _url(self) -> str:
        return f"{self._api.endpoint}/{self.id}"

    def _described(self, commit: str) -> Described:
        """Return the hashes in the record that is there; none where it is no record of ours."""
        file = hf_hub_download(self.id, RECORD, revision=commit, token=self._api.token, endpoint=self._api.endpoint)
        try:
            return described(Path(file))
        except InputError:
            return Described(None, {})

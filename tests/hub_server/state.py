"""Everything the Hub holds, and what of it an account may see."""

from collections.abc import Mapping
from typing import Any

from tests.hub_server.accounts import ACCOUNTS, NO_TOKEN, WRONG_TOKEN, Account
from tests.hub_server.collections import Collection
from tests.hub_server.faults import Fault, Faults
from tests.hub_server.messages import Refusal
from tests.hub_server.repositories import Kind, Repository


class Hub:
    """Accounts, repositories, collections, and the faults to come.

    Attributes:
        requests: "METHOD path" of everything that was asked for.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {account.token: account for account in ACCOUNTS}
        self.models: dict[str, Repository] = {}
        self.datasets: dict[str, Repository] = {}
        self.former_ids: dict[str, str] = {}
        self.collections: dict[str, Collection] = {}
        self.faults = Faults()
        self.requests: list[str] = []

    def __getitem__(self, id: str) -> Repository:
        """Return the repository of a data set."""
        return self.datasets[id]

    def add_account(self, account: Account) -> None:
        self.accounts[account.token] = account

    def add_dataset(self, id: str, files: Mapping[str, bytes | str], **traits: Any) -> Repository:
        """Add a data set's repository with one commit on main; `traits` are those of a `Repository`."""
        return self._add(Repository(id, "datasets", **traits), files)

    def add_model(self, id: str, files: Mapping[str, bytes | str], **traits: Any) -> Repository:
        """Add a model's repository with one commit on main; `traits` are those of a `Repository`."""
        return self._add(Repository(id, "models", **traits), files)

    def _add(self, repository: Repository, files: Mapping[str, bytes | str]) -> Repository:
        repository.commit(files)
        self.of_kind(repository.kind)[repository.id] = repository
        return repository

    def rename(self, former_id: str, id: str) -> None:
        """Forward what asks for a former id."""
        self.former_ids[former_id] = id

    def inject(self, fault: Fault) -> Fault:
        """Let a fault wait for its requests; it counts those it has struck."""
        return self.faults.add(fault)

    def of_kind(self, kind: Kind) -> dict[str, Repository]:
        return self.datasets if kind == "datasets" else self.models

    def account(self, token: str | None) -> Account | None:
        """Return whose token it is; nobody's is None."""
        if token is not None and token not in self.accounts:
            raise Refusal(401, WRONG_TOKEN)
        return self.accounts[token] if token else None

    def visible(self, kind: Kind, id: str, account: Account | None) -> Repository:
        """Return a repository to whoever may see it; nobody else is told whether it exists."""
        repository = self.of_kind(kind).get(id)
        if repository and (not repository.private or (account and account.owns(repository.namespace))):
            return repository
        status, message = (404, "Repository not found") if account else (401, NO_TOKEN)
        raise Refusal(status, message, "RepoNotFound")

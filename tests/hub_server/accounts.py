"""Who asks, and what a token may do. The sentences are those of the Hub, where the client shows them."""

from dataclasses import dataclass
from typing import Literal

from tests.hub_server.messages import Refusal

USER = "ann"
OTHER_USER = "bob"
ORGANISATION = "newsroom"
TOKEN = "hf_loopback"
READ_TOKEN = "hf_loopback_read"
OTHER_TOKEN = "hf_loopback_bob"

WRONG_TOKEN = "Invalid credentials in Authorization header"
NO_TOKEN = "Invalid username or password."
READ_ONLY = "Authorization error."
ASK_FOR_A_PULL_REQUEST = "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"


@dataclass(frozen=True)
class Account:
    """A user, seen through one of the user's tokens."""

    token: str
    name: str
    role: Literal["read", "write"] = "write"
    organisations: tuple[str, ...] = ()

    def owns(self, namespace: str) -> bool:
        return namespace in (self.name, *self.organisations)

    def whoami(self) -> dict[str, object]:
        """Return what `GET /api/whoami-v2` says."""
        members = [{"type": "org", "name": name, "roleInOrg": self.role} for name in self.organisations]
        token = {"displayName": "loopback", "role": self.role}
        return {
            "type": "user",
            "name": self.name,
            "fullname": self.name.title(),
            "isPro": False,
            "orgs": members,
            "auth": {"type": "access_token", "accessToken": token},
        }


ACCOUNTS = (
    Account(TOKEN, USER, organisations=(ORGANISATION,)),
    Account(READ_TOKEN, USER, "read", (ORGANISATION,)),
    Account(OTHER_TOKEN, OTHER_USER),
)


def known(account: Account | None) -> Account:
    """Return the account of a request that needs one."""
    if account is None:
        raise Refusal(401, NO_TOKEN)
    return account


def writer(account: Account | None) -> Account:
    """Return the account of a request that needs a token which may write somewhere."""
    if known(account).role != "write":
        raise Refusal(403, READ_ONLY)
    return known(account)


def owner(account: Account | None, namespace: str, refusal: str = READ_ONLY) -> Account:
    """Return the account of a request that changes what belongs to a namespace."""
    if not writer(account).owns(namespace):
        raise Refusal(403, refusal)
    return known(account)


def creator(account: Account | None, namespace: str, what: str) -> Account:
    """Return the account of a request that creates a repository; the Hub has one sentence for whoever may not."""
    if known(account).role != "write" or not known(account).owns(namespace):
        raise Refusal(403, f'You don\'t have the rights to create a {what} under the namespace "{namespace}"')
    return known(account)

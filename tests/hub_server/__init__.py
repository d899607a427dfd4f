"""A Hub on the loopback: `huggingface_hub` reads it and writes to it over HTTP as it does the real one.

The client reads HF_ENDPOINT once, when it is imported, so it has to be a process of its own, started with
`HubServer.environment`; `HubClient` is one. Not imitated: xet, uploads in several parts, pages of long lists, spaces,
gated repositories, and discussions beyond the reference that a pull request leaves.

    server.py                the Hub with its address; handler.py is HTTP, routing.py the table of who answers what
    state.py                 everything it holds: accounts.py, repositories.py with files.py, collections.py
    read_routes.py           what can be read
    write_routes.py          what changes a repository as a whole
    commit_routes.py         what changes its files, with cards.py before and large_files.py beside it
    collection_routes.py     what can be done with collections
    faults.py                what goes wrong
    client.py                a client in a process of its own, client_process.py
"""

from tests.hub_server.accounts import (
    ORGANISATION,
    OTHER_TOKEN,
    OTHER_USER,
    READ_TOKEN,
    TOKEN,
    USER,
    Account,
)
from tests.hub_server.client import ClientError, HubClient
from tests.hub_server.server import HubServer

__all__ = [
    "ORGANISATION",
    "OTHER_TOKEN",
    "OTHER_USER",
    "READ_TOKEN",
    "TOKEN",
    "USER",
    "Account",
    "ClientError",
    "HubClient",
    "HubServer",
]

"""One Hub and one client for all tests of a worker; each test makes the repositories it needs."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import TOKEN, HubClient, HubServer
from tests.hub_server.repositories import Repository

CARD = "---\nlicense: mit\ntags: [news]\n---\n# News\n"
WEIGHTS = bytes(range(256)) * 100
NUMBERS = count(1)


@pytest.fixture(scope="session")
def client(_hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubClient]:
    with HubClient(_hub.environment(tmp_path_factory.mktemp("hub-home"))) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a model's folder might hold: a card, a file of settings, one in a folder, and a large file."""
    folder = tmp_path / "model"
    (folder / "figures").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "config.json").write_text('{"a": 1}')
    (folder / "figures" / "matrix.svg").write_text("<svg/>")
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def new_model(hub: HubServer, client: HubClient) -> Callable[..., Repository]:
    """Return a maker of empty repositories."""

    def make(**options: Any) -> Repository:
        repo_id = f"ann/model-{next(NUMBERS)}"
        client("create_repo", repo_id, token=TOKEN, **options)
        return hub.models[repo_id]

    return make


@pytest.fixture
def pushed(new_model: Callable[..., Repository], client: HubClient, folder: Path) -> Repository:
    """A public repository that holds the folder."""
    repository = new_model()
    client("upload_folder", repo_id=repository.id, folder_path=folder, token=TOKEN)
    return repository

"""Who may do what: tokens, namespaces and private repositories, as the client reports them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub_server import ORGANISATION, OTHER_TOKEN, READ_TOKEN, TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.accounts import ASK_FOR_A_PULL_REQUEST
from tests.hub_server.repositories import Repository

WRONG = "hf_wrong"


@pytest.mark.parametrize(("token", "name", "role"), [(TOKEN, "ann", "write"), (READ_TOKEN, "ann", "read")])
def test_a_token_says_whose_it_is(client: HubClient, token: str, name: str, role: str):
    told = client("whoami", token=token)
    assert (told["name"], told["auth"]["accessToken"]["role"]) == (name, role)
    assert [each["name"] for each in told["orgs"]] == [ORGANISATION]


def test_a_wrong_token_is_said_to_be_wrong_whatever_it_asks_for(client: HubClient, pushed: Repository):
    for call in (["whoami"], ["model_info", pushed.id], ["create_repo", "ann/x"]):
        with pytest.raises(ClientError, match=r"(?s)^HfHubHTTPError.*Invalid (user token|credentials)") as error:
            client(*call, token=WRONG)
        assert error.value.status == 401


@pytest.mark.parametrize(
    ("repo_id", "token", "status", "sentence"),
    [
        ("ann/x", None, 401, "Invalid username or password"),
        ("ann/x", READ_TOKEN, 403, 'rights to create a model under the namespace "ann"'),
        ("bob/x", TOKEN, 403, 'rights to create a model under the namespace "bob"'),
        ("nobody/x", TOKEN, 403, 'rights to create a model under the namespace "nobody"'),
    ],
)
def test_a_repository_is_created_by_who_owns_the_namespace(
    hub: HubServer, client: HubClient, repo_id: str, token: str | None, status: int, sentence: str
):
    with pytest.raises(ClientError, match=sentence) as error:
        client("create_repo", repo_id, token=token)
    assert error.value.status == status
    assert repo_id not in hub.models


def test_an_organisation_is_a_namespace_of_its_members(hub: HubServer, client: HubClient):
    client("create_repo", f"{ORGANISATION}/classifier", token=TOKEN)
    assert f"{ORGANISATION}/classifier" in hub.models
    with pytest.raises(ClientError, match="under the namespace"):
        client("create_repo", f"{ORGANISATION}/other", token=OTHER_TOKEN)


def test_a_name_that_is_taken_is_a_conflict_unless_that_is_fine(client: HubClient, pushed: Repository):
    with pytest.raises(ClientError, match="You already created this model repo") as error:
        client("create_repo", pushed.id, token=TOKEN)
    assert error.value.status == 409
    assert client("create_repo", pushed.id, exist_ok=True, token=TOKEN)["repo_id"] == pushed.id


@pytest.mark.parametrize(
    ("token", "status", "sentence"),
    [(READ_TOKEN, 403, "Authorization error"), (OTHER_TOKEN, 403, ASK_FOR_A_PULL_REQUEST[:30]), (None, 401, "Invalid")],
)
def test_who_may_not_write_changes_nothing(
    client: HubClient, pushed: Repository, folder: Path, token: str | None, status: int, sentence: str
):
    before = dict(pushed.references)
    (folder / "config.json").write_text("{}")
    calls: list[tuple[str, dict[str, object]]] = [
        ("upload_folder", {"folder_path": folder}),
        ("create_branch", {"branch": "dev"}),
        ("update_repo_settings", {"private": True}),
    ]
    for call, options in calls:
        with pytest.raises(ClientError) as error:
            client(call, repo_id=pushed.id, token=token, **options)
        assert error.value.status == status
    with pytest.raises(ClientError, match=sentence):
        client("upload_folder", repo_id=pushed.id, folder_path=folder, token=token)
    assert pushed.references == before and not pushed.private and not pushed.orphans


def test_a_private_repository_is_there_for_its_owner_only(
    client: HubClient, new_model: Callable[..., Repository], tmp_path: Path
):
    repository = new_model(private=True)
    assert client("model_info", repository.id, token=TOKEN)["private"]
    assert client("model_info", repository.id, token=READ_TOKEN)["private"]
    for token, status in [(None, 401), (OTHER_TOKEN, 404)]:
        with pytest.raises(ClientError, match="RepositoryNotFoundError") as error:
            client("snapshot_download", repository.id, token=token, cache_dir=tmp_path)
        assert error.value.status == status
    client("update_repo_settings", repository.id, private=False, token=TOKEN)
    assert not client("model_info", repository.id)["private"]


def test_a_deleted_repository_is_gone(hub: HubServer, client: HubClient, pushed: Repository):
    with pytest.raises(ClientError):
        client("delete_repo", pushed.id, token=OTHER_TOKEN)
    client("delete_repo", pushed.id, token=TOKEN)
    assert pushed.id not in hub.models
    with pytest.raises(ClientError, match="RepositoryNotFoundError"):
        client("model_info", pushed.id, token=TOKEN)

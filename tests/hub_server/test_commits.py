"""Writing: what a push leaves behind on a branch, beside it, and when nothing has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.hub_server import OTHER_TOKEN, TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.conftest import CARD, WEIGHTS
from tests.hub_server.repositories import Repository

HELD = {".gitattributes", "README.md", "config.json", "figures/matrix.svg", "model.safetensors"}


def upload(client: HubClient, repository: Repository, folder: Path, **options: object) -> dict:
    return client("upload_folder", repo_id=repository.id, folder_path=folder, **{"token": TOKEN, **options})


def test_a_push_is_one_commit_with_every_file(pushed: Repository):
    assert [commit.title for commit in pushed.history()][1:] == ["initial commit"]
    files = pushed.files()
    assert files.keys() == HELD
    assert files["model.safetensors"] == WEIGHTS and files["README.md"] == CARD.encode()
    assert {path for path, file in pushed.tree().items() if file.lfs} == {"model.safetensors"}
    assert not pushed.orphans and not pushed.uploads


def test_a_push_of_what_is_there_sends_nothing(hub: HubServer, client: HubClient, pushed: Repository, folder: Path):
    head, asked = pushed.branches["main"], len(hub.requests)
    assert upload(client, pushed, folder)["oid"] == head
    assert len(pushed.commits) == 2
    assert not [line for line in hub.requests[asked:] if line.startswith("PUT") or "/commit/" in line]


def test_only_what_has_changed_is_sent(hub: HubServer, client: HubClient, pushed: Repository, folder: Path):
    (folder / "config.json").write_text('{"a": 2}')
    (folder / "figures" / "matrix.svg").unlink()
    asked = len(hub.requests)
    upload(client, pushed, folder, delete_patterns=["figures/*"])
    assert pushed.files().keys() == HELD - {"figures/matrix.svg"}
    assert pushed.files()["config.json"] == b'{"a": 2}' and pushed.files()["model.safetensors"] == WEIGHTS
    assert not [line for line in hub.requests[asked:] if line.startswith("PUT")]


def test_a_branch_is_pushed_to_beside_main(client: HubClient, pushed: Repository, folder: Path):
    main = pushed.branches["main"]
    (folder / "config.json").write_text('{"a": 3}')
    with pytest.raises(ClientError, match="RevisionNotFoundError"):
        upload(client, pushed, folder, revision="dev")
    client("create_branch", pushed.id, branch="dev", token=TOKEN)
    with pytest.raises(ClientError, match="already exists"):
        client("create_branch", pushed.id, branch="dev", token=TOKEN)
    upload(client, pushed, folder, revision="dev")
    assert pushed.branches["main"] == main != pushed.branches["dev"]
    assert (pushed.files()["config.json"], pushed.files("dev")["config.json"]) == (b'{"a": 1}', b'{"a": 3}')


def test_branches_and_tags_are_listed_and_deleted(client: HubClient, pushed: Repository):
    client("create_tag", pushed.id, tag="v1", token=TOKEN)
    client("create_branch", pushed.id, branch="dev", token=TOKEN)
    refs = client("list_repo_refs", pushed.id)
    assert [each["name"] for each in refs["branches"]] == ["main", "dev"]
    assert [(each["name"], each["target_commit"]) for each in refs["tags"]] == [("v1", pushed.branches["main"])]
    assert client("model_info", pushed.id, revision="v1")["sha"] == pushed.branches["main"]
    client("delete_branch", pushed.id, branch="dev", token=TOKEN)
    client("delete_tag", pushed.id, tag="v1", token=TOKEN)
    assert set(pushed.references) == {"refs/heads/main"}
    with pytest.raises(ClientError, match="main"):
        client("delete_branch", pushed.id, branch="main", token=TOKEN)


def test_a_pull_request_leaves_the_branch_alone(client: HubClient, pushed: Repository, folder: Path):
    main = pushed.branches["main"]
    (folder / "config.json").write_text('{"a": 4}')
    (folder / "model.safetensors").write_bytes(WEIGHTS[::-1])
    proposed = upload(client, pushed, folder, create_pr=True, token=OTHER_TOKEN)
    assert proposed["pr_num"] == 1 and proposed["pr_revision"] == "refs/pr/1"
    assert proposed["pr_url"].endswith(f"/{pushed.id}/discussions/1")
    assert pushed.branches["main"] == main and pushed.files("refs/pr/1")["model.safetensors"] == WEIGHTS[::-1]
    assert pushed.history("refs/pr/1")[0].author == "bob"
    refs = client("list_repo_refs", pushed.id, include_pull_requests=True)
    assert [each["ref"] for each in refs["pull_requests"]] == ["refs/pr/1"]
    (folder / "config.json").write_text('{"a": 5}')
    upload(client, pushed, folder, revision="refs/pr/1")
    assert len(pushed.history("refs/pr/1")) == 4 and client("file_exists", pushed.id, "README.md", revision="refs/pr/1")


def test_a_commit_on_another_parent_is_a_conflict(client: HubClient, pushed: Repository, folder: Path):
    first = pushed.history()[-1].sha
    (folder / "config.json").write_text('{"a": 6}')
    with pytest.raises(ClientError, match="A commit has happened since") as error:
        upload(client, pushed, folder, parent_commit=first)
    assert error.value.status == 412 and len(pushed.commits) == 2
    upload(client, pushed, folder, parent_commit=pushed.branches["main"])
    assert len(pushed.commits) == 3


def test_deleting_what_is_not_there_is_an_error(client: HubClient, pushed: Repository):
    client("delete_folder", "figures", pushed.id, token=TOKEN)
    client("delete_file", "config.json", pushed.id, token=TOKEN)
    assert pushed.files().keys() == HELD - {"figures/matrix.svg", "config.json"}
    for call, path in [("delete_file", "config.json"), ("delete_folder", "figures")]:
        with pytest.raises(ClientError, match="EntryNotFoundError") as error:
            client(call, path, pushed.id, token=TOKEN)
        assert error.value.status == 404
    assert len(pushed.commits) == 4


def test_what_a_gitignore_names_stays_at_home(client: HubClient, new_model: Callable[..., Repository], folder: Path):
    repository = new_model()
    (folder / ".gitignore").write_text("# figures are drawn anew\nfigures/\n*.safetensors\n")
    upload(client, repository, folder)
    assert repository.files().keys() == HELD - {"figures/matrix.svg", "model.safetensors"} | {".gitignore"}


def test_a_data_set_is_a_repository_of_its_own(hub: HubServer, client: HubClient, folder: Path):
    made = client("create_repo", "ann/rows", repo_type="dataset", token=TOKEN)
    assert made["url"] == f"{hub.url}/datasets/ann/rows"
    (folder / "README.md").write_text("# Rows\n")  # without a header, which is a warning
    client("upload_folder", repo_id="ann/rows", repo_type="dataset", folder_path=folder, token=TOKEN)
    assert hub.datasets["ann/rows"].files().keys() == HELD and "ann/rows" not in hub.models
    assert client("dataset_info", "ann/rows")["sha"] == hub.datasets["ann/rows"].branches["main"]


def post(hub: HubServer, path: str, *lines: object) -> dict:
    """Send what the client would never send."""
    body = "\n".join(json.dumps(line) for line in lines).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    with urlopen(Request(f"{hub.url}{path}", body, headers)) as answer:
        return json.loads(answer.read())


def test_a_commit_without_operations_is_a_commit(hub: HubServer, pushed: Repository):
    tree = pushed.tree()
    done = post(hub, f"/api/models/{pushed.id}/commit/main", {"key": "header", "value": {"summary": "Nothing"}})
    assert done["commitOid"] == pushed.branches["main"] and pushed.history()[0].title == "Nothing"
    assert pushed.tree() == tree


def test_a_commit_is_all_or_nothing(hub: HubServer, pushed: Repository):
    before = dict(pushed.references)
    header = {"key": "header", "value": {"summary": "Half"}}
    small = {"key": "file", "value": {"path": "new.txt", "content": "bmV3"}}
    absent = {"key": "lfsFile", "value": {"path": "big.bin", "algo": "sha256", "oid": "0" * 64, "size": 3}}
    with pytest.raises(OSError, match="400"):
        post(hub, f"/api/models/{pushed.id}/commit/main", header, small, absent)
    assert pushed.references == before and "new.txt" not in pushed.files()


def test_bytes_that_are_not_those_promised_are_refused(hub: HubServer, pushed: Repository):
    asked = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 3}], "ref": {"name": "main"}}
    answer = post(hub, f"/{pushed.id}.git/info/lfs/objects/batch", asked)
    actions = answer["objects"][0]["actions"]
    with urlopen(Request(actions["upload"]["href"], b"abc", method="PUT")) as put:
        assert put.status == 200
    with pytest.raises(OSError, match="400"):
        post(hub, actions["verify"]["href"].removeprefix(hub.url), {"oid": "0" * 64, "size": 3})
    assert not pushed.orphans

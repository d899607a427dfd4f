"""Reading: trees, histories, files and parts of files."""

from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.hub_server import TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.conftest import WEIGHTS
from tests.hub_server.files import sha256
from tests.hub_server.repositories import Repository


def test_a_tree_is_listed_level_by_level_or_whole(client: HubClient, pushed: Repository):
    top = {entry["path"] for entry in client("list_repo_tree", pushed.id)}
    assert top == {".gitattributes", "README.md", "config.json", "figures", "model.safetensors"}
    assert [entry["path"] for entry in client("list_repo_tree", pushed.id, "figures")] == ["figures/matrix.svg"]
    whole = {entry["path"] for entry in client("list_repo_tree", pushed.id, recursive=True)}
    assert whole == {*top, "figures/matrix.svg"}
    with pytest.raises(ClientError, match="EntryNotFoundError"):
        client("list_repo_tree", pushed.id, "nowhere")


def test_paths_are_described_and_absent_ones_left_out(client: HubClient, pushed: Repository):
    found = client("get_paths_info", pushed.id, ["model.safetensors", "figures", "absent"])
    assert [entry["path"] for entry in found] == ["model.safetensors", "figures"]
    assert found[0]["lfs"] == {"size": len(WEIGHTS), "sha256": sha256(WEIGHTS), "pointer_size": 130}


def test_the_header_of_the_card_is_told(client: HubClient, pushed: Repository):
    told = client("model_info", pushed.id)
    assert told["card_data"]["license"] == "mit" and told["tags"] == ["news"]


def test_a_history_starts_with_the_newest(client: HubClient, pushed: Repository):
    commits = client("list_repo_commits", pushed.id)
    assert [commit["commit_id"] for commit in commits] == [commit.sha for commit in pushed.history()]
    assert commits[0]["authors"] == ["ann"] and commits[0]["created_at"] > commits[1]["created_at"]


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_snapshot_holds_every_file(client: HubClient, pushed: Repository, token: str | None, tmp_path: Path):
    snapshot = Path(client("snapshot_download", pushed.id, token=token, cache_dir=tmp_path / "cache"))
    assert snapshot.name == pushed.branches["main"]
    read = {path.relative_to(snapshot).as_posix(): path.read_bytes() for path in snapshot.rglob("*") if path.is_file()}
    assert read == pushed.files()


def test_an_absent_file_and_an_absent_revision_are_told_apart(client: HubClient, pushed: Repository):
    with pytest.raises(ClientError, match="EntryNotFoundError"):
        client("hf_hub_download", pushed.id, "absent.txt")
    with pytest.raises(ClientError, match="RevisionNotFoundError"):
        client("hf_hub_download", pushed.id, "README.md", revision="v9")


def get(hub: HubServer, repository: Repository, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with urlopen(Request(f"{hub.url}/{repository.id}/resolve/main/{path}", headers=headers)) as answer:
        return answer.status, dict(answer.headers), answer.read()


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", WEIGHTS[:10]), ("bytes=100-", WEIGHTS[100:]), ("bytes=-7", WEIGHTS[-7:]), ("lines=1", None)],
)
def test_a_part_of_a_file_is_given(hub: HubServer, pushed: Repository, asked: str, part: bytes | None):
    status, headers, body = get(hub, pushed, "model.safetensors", Range=asked)
    assert (status, body) == ((206, part) if part is not None else (200, WEIGHTS))
    assert headers["ETag"] == headers["X-Linked-Etag"] == f'"{sha256(WEIGHTS)}"'
    assert headers["X-Linked-Size"] == str(len(WEIGHTS)) and headers["X-Repo-Commit"] == pushed.branches["main"]


def test_a_range_behind_the_end_is_refused(hub: HubServer, pushed: Repository):
    with pytest.raises(OSError, match="416"):
        get(hub, pushed, "model.safetensors", Range=f"bytes={len(WEIGHTS)}-")

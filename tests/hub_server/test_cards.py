"""Cards that the Hub does not take are refused before anything is uploaded."""

from pathlib import Path

import pytest

from tests.hub_server import TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.repositories import Repository

RESULTS = "[{task: {type: text-classification}, dataset: {type: a, name: b}, metrics: [{type: accuracy, value: 1}]}]"
NO_NAME, NO_VALUE = RESULTS.replace("name: b", "args: b"), RESULTS.replace("value: 1", "name: x")
TAKEN = [
    "license: mit",
    "tags: [a, b]\nlanguage: en",
    "model-index: [{name: a, results: []}]",
    f"model-index: [{{name: a, results: {RESULTS}}}]",
]
REFUSED = {
    "license: {a": "YAML: while parsing",
    "- a list": "should be an object",
    "license: 3": '"license" must be a string',
    "tags: [1]": '"tags" must be a string or a list of strings',
    "model-index: {}": '"model-index" must be an array',
    "model-index: [{results: []}]": r'"model-index\[0\].name" is required',
    f"model-index: [{{name: a, results: {NO_NAME}}}]": r"results\[0\].dataset.name.* required",
    f"model-index: [{{name: a, results: {NO_VALUE}}}]": r"metrics\[0\].value.* is required",
}


def upload_card(client: HubClient, repository: Repository, folder: Path, header: str) -> None:
    (folder / "README.md").write_text(f"---\n{header}\n---\n# A card\n")
    client("upload_folder", repo_id=repository.id, folder_path=folder, token=TOKEN)


@pytest.mark.parametrize("header", TAKEN)
def test_a_card_is_taken(client: HubClient, pushed: Repository, folder: Path, header: str):
    upload_card(client, pushed, folder, header)
    assert header.encode() in pushed.files()["README.md"]


@pytest.mark.parametrize("header", REFUSED)
def test_a_card_is_refused(hub: HubServer, client: HubClient, pushed: Repository, folder: Path, header: str):
    asked = len(hub.requests)
    with pytest.raises(ClientError, match=f"(?s)ValueError: Invalid metadata in README.md.*{REFUSED[header]}"):
        upload_card(client, pushed, folder, header)
    assert hub.requests[asked:] == ["POST /api/validate-yaml"] and len(pushed.commits) == 2

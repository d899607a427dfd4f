"""Who may not publish, and what is not to be replaced: one sentence each, and the repository as it was."""

import pytest

from tests.hub_server import OTHER_TOKEN, READ_TOKEN
from tests.hub_server.faults import Status

COMMIT = "/commit/"


@pytest.mark.parametrize("changed", [{"README.md": "# Mine\n"}, {"NOTICE": "read me"}], ids=["its card", "a file more"])
def test_what_somebody_changed_on_the_hub_is_not_undone_unasked(push, hub, repo_id, changed):
    assert push("--repo_id", repo_id).code == 0
    hub.models[repo_id].commit(changed)
    refused = push("--repo_id", repo_id)
    assert refused.code == 2 and "was changed on the Hub since it was published ('Add files')" in refused.error
    assert push("--repo_id", repo_id, "--overwrite").code == 0
    assert ("NOTICE" in hub.models[repo_id].files()) == ("NOTICE" in changed)


def test_a_card_by_hand_is_somebodys_file(push, hub, repo_id):
    hub.add_model(repo_id, {"README.md": "---\nlicense: apache-2.0\n---\n# By hand\n"})
    refused = push("--repo_id", repo_id)
    assert refused.code == 2 and "holds files that are none of ours" in refused.error


@pytest.mark.parametrize(
    "record",
    ["[" * 100_000, "9" * 100_000, '{"model": []}', "7", "\\"],
    ids=["deep", "long", "a list", "a number", "no JSON"],
)
def test_a_record_that_is_none_of_ours_is_somebodys_file(push, hub, repo_id, record):
    hub.add_model(repo_id, {"record.json": record})
    refused = push("--repo_id", repo_id)
    assert refused.code == 2 and "holds files that are none of ours" in refused.error


def test_private_is_not_promised_of_a_public_repository(push, hub, repo_id):
    assert push("--repo_id", repo_id).code == 0
    refused = push("--repo_id", repo_id, "--private", "--tag", "new")
    assert refused.code == 2 and "is public, and --private is for a new repository" in refused.error


def test_a_branch_that_was_made_for_a_push_that_failed_is_gone_again(push, hub, repo_id):
    assert push("--repo_id", repo_id).code == 0
    hub.faults.add(Status(COMMIT, times=None, status=500))
    assert push("--repo_id", repo_id, "--revision", "v2", "--tag", "x").code == 1
    hub.faults.clear()
    assert set(hub.models[repo_id].branches) == {"main"}
    done = push("--repo_id", repo_id, "--revision", "v2", "--tag", "x")
    assert done.code == 0 and f"--model {repo_id} --revision v2" in done.out


def test_a_collection_that_fails_says_that_the_repositories_are_there(commands, hub, run):
    hub.faults.add(Status("POST /api/collections", times=None, status=500))
    failed = commands("push", run, "--namespace", "newsroom", "--license", "mit", "--collection", "Never")
    assert failed.code == 1 and "the repositories are published, but not their collection 'Never'" in failed.error
    assert "record.json" in hub.models["newsroom/topics-tiny-run"].files()


REFUSALS = {
    "no token": ({"token": None}, [], "there is no access token; log in with: hf auth login"),
    "a wrong token": ({"token": "hf_wrong"}, [], "the Hub does not accept the access token"),
    "a token that may only read": ({"token": READ_TOKEN}, [], "may only read; it needs the role write"),
    "a token with a line feed in it": ({"token": None}, ["--token", "hf_se\ncret"], "a character in it that no"),
    "a branch and a pull request": ({}, ["--create_pr", "--revision", "v9"], "opens a branch of its own"),
    "somebody else's namespace": ({"token": OTHER_TOKEN}, [], "its owner must be the owner of"),
    "a name that is none": ({}, ["--repo_id", "ann/a b"], "is no id of the Hub, which is owner/name"),
    "two places": ({}, ["--namespace", "ann"], "give --repo_id owner/name for one run, or --namespace"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_who_may_not_publish_is_told_why(push, hub, repo_id, case):
    options, flags, message = REFUSALS[case]
    refused = push("--repo_id", repo_id, *flags, **options)
    assert refused.code == 2 and message in refused.error
    assert repo_id not in hub.models and "cret" not in refused.err

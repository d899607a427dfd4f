"""What goes wrong while publishing: all is there in the end, or nothing, and nothing of somebody else's is lost."""

import pytest

from bbc_classifier.hub.repository import WAITS
from tests.hub_server import TOKEN
from tests.hub_server.faults import CutAnswer, CutUpload, Slow, Status, retry_after

PREUPLOAD, PUT, COMMIT, CREATE, CARD = "/preupload/", "PUT ", "/commit/", "repos/create", "validate-yaml"
# A fault, whether the classifier is published in spite of it, and what is said if not.
FAULTS = [
    (Status(PREUPLOAD), True, ""),
    (Status(PUT, times=2), True, ""),
    (CutUpload(PUT), True, ""),
    (Status(COMMIT), True, ""),
    (CutUpload(COMMIT), True, ""),
    (CutAnswer(COMMIT), True, ""),
    (Status(CARD), True, ""),
    (retry_after(PUT, 7), True, ""),
    (Status(PUT, times=None), False, "the Hub stopped answering"),
    (Status(COMMIT, times=None, status=500), False, "the Hub stopped answering (status 500)"),
    (CutUpload(COMMIT, times=None), False, "the Hub cannot be reached"),
    (retry_after(COMMIT, 9, times=None), False, "try again in 9 seconds"),
    (Status(COMMIT, times=None, status=403), False, "may not do this"),
    (Status(CREATE), False, "the Hub stopped answering"),
    (Status(CARD, times=None, status=400, message="bad card"), False, "the Hub refuses the card"),
]


def fault_name(value: object) -> str:
    if not hasattr(value, "pattern"):
        return ""
    kind = getattr(value, "status", type(value).__name__)
    return f"{kind} {'always' if value.times is None else value.times} at {value.pattern.strip('/ ')}"


@pytest.mark.parametrize(("fault", "published", "message"), FAULTS, ids=fault_name)
def test_a_fault_in_the_middle_leaves_all_or_nothing(push, hub, repo_id, fault, published, message):
    hub.faults.add(fault)
    done = push("--repo_id", repo_id)
    assert fault.struck >= 1
    hub.faults.clear()
    if published:
        assert done.code == 0, done.err
        assert [commit.title for commit in hub.models[repo_id].history()] == ["Publish tiny-run", "initial commit"]
        assert sum(done.waits) <= sum(WAITS)
    else:
        assert done.code in (1, 2) and message in done.error
        # A repository that was made for this is gone again; the next try starts afresh.
        assert repo_id not in hub.models
        assert push("--repo_id", repo_id).code == 0


def test_what_a_colleague_commits_meanwhile_is_not_overwritten(push, hub, repo_id):
    class Colleague(Status):
        """The Hub is in trouble for a moment, and somebody else is quicker."""

        def before(self) -> None:
            hub.models[repo_id].commit({"theirs.txt": "kept"})
            super().before()

    assert push("--repo_id", repo_id).code == 0
    hub.faults.add(Colleague(COMMIT))
    failed = push("--repo_id", repo_id, "--tag", "new")
    assert failed.code == 1 and "somebody changed the repository at the same time" in failed.error
    files = hub.models[repo_id].files()
    assert "theirs.txt" in files and "- new" not in files["README.md"].decode()


def test_a_fault_leaves_an_older_version_as_it_was(push, hub, repo_id):
    assert push("--repo_id", repo_id).code == 0
    before = hub.models[repo_id].files()
    hub.faults.add(Status(COMMIT, times=None))
    assert push("--repo_id", repo_id, "--tag", "new").code == 1
    hub.faults.clear()
    assert hub.models[repo_id].files() == before


def test_the_token_is_told_to_nobody(push, commands, hub, run, repo_id):
    assert push("--repo_id", repo_id, token=TOKEN).code == 0
    assert push("--repo_id", repo_id, "--token", "hf_wrong_marker", token=None).code == 2
    assert push("--repo_id", repo_id, "--token", f"{TOKEN}\n", token=None).code == 0
    hub.faults.add(Status(COMMIT, times=None, status=500))
    assert push("--repo_id", repo_id, "--tag", "x", "--token", TOKEN, token=None).code == 1
    said = commands.said + commands.log()
    assert "hf_wrong_marker" not in said and TOKEN not in said
    everything = [
        *hub.models[repo_id].files().values(),
        *(file.read_bytes() for file in run.rglob("*") if file.is_file()),
    ]
    assert not any(TOKEN.encode() in content for content in everything)


def test_slow_answers_are_waited_for(push, hub, repo_id):
    hub.faults.add(Slow(COMMIT, seconds=0.2))
    assert push("--repo_id", repo_id).code == 0

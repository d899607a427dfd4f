"""What huggingface_hub 2.4 makes of each fault; the two tables are the record of it.

In short, with the exceptions it raises and the seconds it waits before each further attempt:

- `preupload`, the LFS batch, the upload of a large file and its verification are retried five times, after 1, 2, 4, 8
  and 8 s, on 429 and 5xx and on a broken connection. In the end: `HfHubHTTPError`, `RemoteProtocolError`, and for a
  large file `RuntimeError` whose cause is one of these.
- Creating a repository, checking its card, the commit itself, and asking who one is or what a revision is are never
  retried. Whoever wants that has to do it.
- A rate limit is waited for, plus one second, where there is a retry at all; both headers are understood.
- A commit is atomic: after a fault the branch is as it was, though a large file may lie in the store without a commit
  and a repository may be there that has its first commit only. The exception is the lost answer: the commit is made
  and the client does not know it.
- A download is resumed after a broken connection and given up on 5xx. A file that is cut short is noticed by its size;
  **a file in which a bit has changed is not noticed at all** until `verify_repo_checksums` is asked.
- Only downloads time out (`HF_HUB_DOWNLOAD_TIMEOUT`, `HF_HUB_ETAG_TIMEOUT`, 10 s each); other calls wait for ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hub_server import TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.conftest import WEIGHTS
from tests.hub_server.faults import (
    BitFlipped,
    CutAnswer,
    CutUpload,
    Fault,
    Slow,
    Status,
    Truncated,
    rate_limit,
    retry_after,
)
from tests.hub_server.repositories import Repository

BACKOFF = [1, 2, 4, 8, 8]
CARD, BATCH, PUT, VERIFY = "validate-yaml", "objects/batch", "PUT ", "/verify"
PREUPLOAD, COMMIT = "/preupload/", "/commit/"
REVISION, TREE = "/revision/", "/tree/"
HEAD, GET = "HEAD .*/resolve/.*safetensors", "GET .*/resolve/.*safetensors"


class Course(NamedTuple):
    """A fault and what comes of it: how the client waits, what it raises in the end, and what it leaves behind."""

    fault: Fault
    waits: Sequence[float] = ()
    raises: str = ""
    committed: bool = False
    orphans: int = 0

    def __str__(self) -> str:
        how_often = "always" if self.fault.times is None else "once"
        end = self.raises.partition(":")[0] or "succeeds"
        kind = getattr(self.fault, "status", type(self.fault).__name__)
        return f"{kind} {how_often} at {self.fault.pattern.strip('/ ')}: waits {self.waits or 'not at all'}, {end}"


UPLOADS = [
    *(Course(Status(path), [1], committed=True) for path in (PREUPLOAD, BATCH, PUT, VERIFY)),
    *(Course(Status(path, None, 500), BACKOFF, "HfHubHTTPError: .*500") for path in (PREUPLOAD, BATCH)),
    *(Course(Status(path, None), BACKOFF, "RuntimeError: Error while uploading 'model.saf") for path in (PUT, VERIFY)),
    Course(Status(CARD), [], "HfHubHTTPError: .*503"),
    Course(Status(COMMIT), [], "HfHubHTTPError: .*503", orphans=1),
    Course(Status(COMMIT, status=500), [], "HfHubHTTPError: .*500", orphans=1),
    Course(Status(PREUPLOAD, status=403, message="No"), [], "HfHubHTTPError: 403 Forbidden: No."),
    Course(retry_after(PREUPLOAD, 7), [8], committed=True),
    Course(rate_limit(PUT, 7), [8], committed=True),
    Course(rate_limit(PUT, 30, None), [31] * 5, "RuntimeError: Error while uploading 'model.saf"),
    Course(rate_limit(COMMIT, 7), [], "HfHubHTTPError: 429 .*Retry after 7 seconds", orphans=1),
    *(Course(CutUpload(path), [1], committed=True) for path in (PREUPLOAD, PUT)),
    Course(CutUpload(PREUPLOAD, None), BACKOFF, "RemoteProtocolError: "),
    Course(CutUpload(PUT, None), BACKOFF, "RuntimeError: Error while uploading 'model.saf"),
    Course(CutUpload(COMMIT), [], "RemoteProtocolError: ", orphans=1),
    Course(CutAnswer(PREUPLOAD), [1], committed=True),
    Course(CutAnswer(COMMIT), [], "RemoteProtocolError: ", committed=True),
]

DOWNLOADS = [
    Course(Status(REVISION), [], "LocalEntryNotFoundError: .*503"),
    Course(CutAnswer(REVISION), [], "RemoteProtocolError: "),
    *(Course(fault, [1]) for fault in (Status(TREE), CutAnswer(TREE), CutAnswer(GET))),
    Course(Status(TREE, None), BACKOFF, "LocalEntryNotFoundError: .*503"),
    Course(Status(HEAD), []),
    Course(Status(HEAD, None), BACKOFF, "LocalEntryNotFoundError: .*locate the file"),
    Course(Status(GET), [], "HfHubHTTPError: .*503"),
    Course(CutAnswer(GET, None), [1] * 5, "RemoteProtocolError: .*without sending complete message body"),
    *(Course(limit(GET, 7), [8]) for limit in (retry_after, rate_limit)),
    Course(Truncated(GET), [], "OSError: Consistency check failed"),
]


def attempt(client: HubClient, course: Course, call: Callable[[], object]) -> None:
    if course.raises:
        with pytest.raises(ClientError, match=f"(?s){course.raises}"):
            call()
    else:
        call()
    assert client.waits == list(course.waits)


@pytest.mark.parametrize("course", UPLOADS, ids=str)
def test_an_upload(
    hub: HubServer, client: HubClient, new_model: Callable[..., Repository], folder: Path, course: Course
):
    repository = new_model()
    fault = hub.inject(replace(course.fault))

    def push() -> str:
        return client("upload_folder", repo_id=repository.id, folder_path=folder, token=TOKEN)["oid"]

    attempt(client, course, push)
    assert fault.struck == (1 if fault.times else 6)
    assert len(repository.commits) == 1 + course.committed and len(repository.orphans) == course.orphans
    assert ("model.safetensors" in repository.files()) == course.committed
    hub.faults.clear()
    assert push() == repository.branches["main"]
    assert len(repository.commits) == 2 and not repository.orphans  # the second push mends what the first has left
    assert repository.files()["model.safetensors"] == WEIGHTS


@pytest.mark.parametrize("course", DOWNLOADS, ids=str)
def test_a_download(hub: HubServer, client: HubClient, pushed: Repository, course: Course, tmp_path: Path):
    hub.inject(replace(course.fault))

    def download() -> Path:
        return Path(client("snapshot_download", pushed.id, cache_dir=tmp_path / "cache"))

    attempt(client, course, download)
    hub.faults.clear()
    assert (download() / "model.safetensors").read_bytes() == WEIGHTS  # a second attempt always mends it


def test_creating_a_repository_is_not_retried(hub: HubServer, client: HubClient):
    hub.inject(Status("/api/repos/create", None))
    with pytest.raises(ClientError, match=r"HfHubHTTPError: .*503"):
        client("create_repo", "ann/never", token=TOKEN)
    assert client.waits == [] and "ann/never" not in hub.models


def test_a_bit_that_has_changed_is_not_noticed(hub: HubServer, client: HubClient, pushed: Repository, tmp_path: Path):
    hub.inject(BitFlipped(GET))
    for _ in range(2):  # and stays in the cache
        snapshot = Path(client("snapshot_download", pushed.id, cache_dir=tmp_path / "cache"))
        assert (snapshot / "model.safetensors").read_bytes() != WEIGHTS
    checked = client("verify_repo_checksums", pushed.id, cache_dir=tmp_path / "cache")
    assert [each["path"] for each in checked["mismatches"]] == ["model.safetensors"]


def test_only_downloads_lose_patience(hub: HubServer, tmp_path: Path, pushed: Repository):
    impatient = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}
    slow = [Slow(GET, seconds=30), Slow(REVISION, seconds=1.5)]
    with HubClient(hub.environment(tmp_path, **impatient)) as client:
        for fault in slow:
            hub.inject(fault)
        snapshot = Path(client("snapshot_download", pushed.id))
        assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
        assert client.waits == [1] and [fault.struck for fault in slow] == [1, 1]

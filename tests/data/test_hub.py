"""Data sets of a loopback Hub, read by clients of their own: with it, without a network, and while it is in trouble."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.data.hub_client import ask
from tests.data.hub_repositories import LABELS, add_readable, add_unreadable
from tests.hub_server import TOKEN, HubServer
from tests.hub_server.faults import Status

Request = tuple[str | None, ...]
Answers = Callable[..., dict[str, Any]]

READABLE: list[Request] = [
    ("ann/csv",),
    ("ann/CamelCase-2.0",),
    ("ann/jsonl",),
    ("ann/parquet",),
    ("ann/card",),
    ("ann/half",),
    ("ann/two", "en"),
    ("ann/default", "de"),
    ("ann/default",),
    ("ann/versions", None, "dev"),
    ("ann/versions",),
]
NOT_HERE = "neither an embedded data set ('bbc-news') nor a file or folder here, and "
ABSENT = "not found on the Hub; check the id, or HF_TOKEN if the data set is private"
NO_ROWS = "holds no file of rows that can be read"
# What is asked for, and what the one sentence of the error says after the id.
REFUSED: dict[Request, str] = {
    ("bob/absent",): ABSENT,
    ("absent",): NOT_HERE + ABSENT,
    ("csv",): NOT_HERE + ABSENT,
    ("no such name",): NOT_HERE + "not an id of the Hub, which is owner/name",
    ("ann/secret",): ABSENT,
    ("ann/two",): "has several configurations; --dataset_config can be en, de",
    ("ann/two", "fr"): "has no configuration 'fr'; --dataset_config can be en, de",
    ("ann/csv", "fr"): "has no configuration 'fr'; --dataset_config can be default",
    ("ann/csv", None, "v9"): "has no branch, tag or commit 'v9', which --dataset_revision asks for",
    ("bob/script",): "is a loading script, which is never run; ",
    ("bob/beside",): "is a loading script, which is never run; ",
    ("bob/nothing",): NO_ROWS,
    ("bob/no-rows",): NO_ROWS,
    ("bob/no-bytes",): "its files cannot be read: No columns to parse from file",
    ("bob/not-parquet",): "its files cannot be read: Parquet magic bytes not found",
    ("bob/not-json",): "its files cannot be read: JSON parse error",
    ("bob/not-utf8",): "its files cannot be read: 'utf-8' codec can't decode",
    ("bob/columns",): "its files cannot be read: they do not all have the columns of the first, or of its README.md: "
    "there are 2 new columns",
    ("bob/formats",): "its files cannot be read: Couldn't infer the same data file format for all splits.",
    ("bob/not-yaml",): "the YAML of its README.md cannot be read (while parsing",
    ("bob/gone",): "its README.md names files that it does not hold",
    ("bob/features",): "its files cannot be read: they do not all have the columns of the first, or of its README.md: "
    "there are 1 new columns",
    ("bob/sizes",): "its README.md announces other splits than its files hold",
}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        add_readable(hub)
        add_unreadable(hub)
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The caches of every client here."""
    return tmp_path_factory.mktemp("hub-home")


def asking(environment: dict[str, str], requests: list[tuple[Request, str | None]]) -> Answers:
    """Run one client, since starting it is what takes time, and return a lookup of its answers."""
    answers = ask(environment, [{"args": _filled(args), "token": token} for args, token in requests])
    found = {(*_filled(args), token): answer for (args, token), answer in zip(requests, answers, strict=True)}
    return lambda *args, token=None: found[(*_filled(args), token)]


def _filled(args: Request) -> Request:
    return (*args, None, None)[:3]


@pytest.fixture(scope="module")
def online(hub: HubServer, home: Path) -> Answers:
    first = next(iter(hub["ann/versions"].commits))
    requests: list[Request] = [*REFUSED, *READABLE, ("ann/versions", None, first), ("old_name",)]
    secret = [(("ann/secret",), "hf_wrong"), (("ann/secret",), TOKEN)]
    return asking(hub.environment(home), [*((request, None) for request in requests), *secret])


def texts(answer: dict[str, Any]) -> dict[str, list[str]]:
    assert "error" not in answer, answer
    return {split: [row["text"] for row in rows] for split, rows in answer["rows"].items()}


def test_splits_keep_the_names_and_rows_of_the_hub(online: Answers):
    assert online("ann/csv")["rows"] == {
        "train": [{"text": "Goal!", "label": "sport"}, {"text": "A chip", "label": "tech"}]
    }
    assert texts(online("ann/jsonl")) == {"train": ["Goal!"], "validation": ["A chip"]}
    assert texts(online("ann/parquet")) == {"train": ["Goal!"], "test": ["A chip"]}


def test_a_split_without_rows_is_left_out(online: Answers):
    assert texts(online("ann/half")) == {"train": ["Goal!", "A chip"]}


@pytest.mark.parametrize("id", ["ann/parquet", "ann/card"])
def test_class_names_come_from_the_files_or_the_card(online: Answers, id: str):
    for features in online(id)["features"].values():
        assert features["label"] == {"names": LABELS, "_type": "ClassLabel"}


def test_a_configuration_is_the_named_or_the_default_one(online: Answers):
    assert texts(online("ann/two", "en")) == texts(online("ann/default")) == {"train": ["Goal!", "A chip"]}
    assert texts(online("ann/default", "de")) == {"train": ["Tor!"]}


def test_a_revision_is_a_branch_or_a_commit_and_is_told_as_a_commit(hub: HubServer, online: Answers):
    versions = hub["ann/versions"]
    first = next(iter(versions.commits))
    assert len(texts(online("ann/versions"))["train"]) == 3
    assert texts(online("ann/versions", None, "dev")) == {"train": ["Tor!"]}
    assert texts(online("ann/versions", None, first)) == {"train": ["Goal!", "A chip"]}
    told = [online("ann/versions", None, revision)["revision"] for revision in (None, "dev", first)]
    assert told == [versions.branches["main"], versions.branches["dev"], first]


def test_a_former_id_is_followed(online: Answers):
    assert online("old_name") == online("ann/csv")


def test_a_private_data_set_needs_the_right_token(online: Answers):
    assert texts(online("ann/secret", token=TOKEN)) == {"train": ["Goal!", "A chip"]}
    refused = online("ann/secret", token="hf_wrong")
    assert refused == {
        "error": "InputError",
        "message": "--dataset ann/secret: the Hub does not accept the token in HF_TOKEN",
    }


@pytest.mark.parametrize("request_", REFUSED, ids=lambda request: " ".join(map(str, request)))
def test_what_cannot_be_read_is_refused_in_one_line(online: Answers, request_: Request):
    answer = online(*request_)
    assert answer["error"] == "InputError", answer
    assert answer["message"].startswith(f"--dataset {request_[0]}: {REFUSED[request_]}")
    assert "\n" not in answer["message"] and len(answer["message"]) < 450


def test_a_script_is_not_even_fetched(hub: HubServer, online: Answers):
    assert not [request for request in hub.requests if request.startswith("GET") and request.endswith(".py")]


@pytest.fixture(scope="module")
def offline(hub: HubServer, home: Path, online: Answers) -> Answers:
    first = next(iter(hub["ann/versions"].commits))
    absent: list[Request] = [
        ("bob/script",),
        ("absent",),
        ("ann/two",),
        ("ann/csv", "fr"),
        ("ann/versions", None, "v9"),
    ]
    requests: list[Request] = [*READABLE, ("ann/versions", None, first), ("ann/secret",), *absent]
    asked = len(hub.requests)
    answers = asking(hub.environment(home, HF_HUB_OFFLINE="1"), [(request, None) for request in requests])
    assert len(hub.requests) == asked
    return answers


@pytest.mark.parametrize("request_", READABLE, ids=lambda request: " ".join(map(str, request)))
def test_offline_the_cache_gives_the_same(online: Answers, offline: Answers, request_: Request):
    assert offline(*request_) == online(*request_)


def test_offline_a_commit_is_found_though_another_was_read_later(hub: HubServer, online: Answers, offline: Answers):
    first = next(iter(hub["ann/versions"].commits))
    assert offline("ann/versions", None, first) == online("ann/versions", None, first)
    assert offline("ann/secret") == online("ann/secret", token=TOKEN)


def test_offline_what_was_never_read_is_said_to_be_missing(offline: Answers):
    silence = "the Hub cannot be reached (HF_HUB_OFFLINE is set)"
    only = f"{silence}, and of its configurations the cache holds only"
    expected = {
        ("bob/script",): f"not in the cache, and {silence}",
        ("absent",): f"{NOT_HERE}not in the cache, and {silence}",
        ("ann/two",): f"{only} en; --dataset_config names one",
        ("ann/csv", "fr"): f"{only} default; --dataset_config names one",
        ("ann/versions", None, "v9"): f"revision 'v9' of it is not in the cache, and {silence}",
    }
    for request, sentence in expected.items():
        assert offline(*request) == {"error": "WorldError", "message": f"--dataset {request[0]}: {sentence}"}


def test_a_hub_that_is_down_is_as_good_as_none(hub: HubServer, home: Path, online: Answers):
    nobody_listens = hub.environment(home, HF_ENDPOINT="http://127.0.0.1:9")
    answers = asking(nobody_listens, [(("ann/csv",), None), (("bob/absent",), None)])
    assert answers("ann/csv") == online("ann/csv")
    assert answers("bob/absent")["error"] == "WorldError"
    assert "not in the cache, and the Hub cannot be reached (" in answers("bob/absent")["message"]


@pytest.mark.slow
def test_a_hub_in_trouble_is_never_taken_for_one_that_has_answered(hub: HubServer, home: Path, online: Answers):
    # The library would return the old rows, which it has in its cache, for the newest commit.
    hub["ann/csv"].commit({"news.csv": "text,label\nNewer,sport\n"})
    hub.inject(Status("ann/csv/resolve/main", times=None))
    answers = asking(
        hub.environment(home), [(("ann/csv",), None), (("bob/trouble",), None), (("bob/breaks-off",), None)]
    )
    assert {answers(id)["error"] for id in ("ann/csv", "bob/trouble", "bob/breaks-off")} == {"WorldError"}
    assert "could not be reached, while it was read" in answers("ann/csv")["message"]
    assert "the Hub cannot be reached (its answer is status 503)" in answers("bob/trouble")["message"]
    assert "the Hub stopped answering (its answer is status 503)" in answers("bob/breaks-off")["message"]

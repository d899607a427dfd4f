"""A finished run of five topics, a Hub on the loopback, and the command line that publishes there."""

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from bbc_classifier.cli import main
from bbc_classifier.records import read_json
from tests.hub.commands import Commands
from tests.hub_server import HubServer
from tests.training.conftest import TOPIC_WORDS

QUICK = ["--max_length", "16", "--max_steps", "2", "--disable_tqdm", "true", "--use_cpu", "true"]
NUMBERS = count(1)


def write_topics(path: Path) -> Path:
    """Write a hundred short texts, twenty of each topic."""
    rows = [
        {"text": f"the {words} {number} of a team {number * number}", "label": label}
        for label, words in TOPIC_WORDS.items()
        for number in range(20)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts, as JSON Lines."""
    return write_topics(tmp_path_factory.mktemp("topics") / "topics.jsonl")


@pytest.fixture(scope="session")
def trained(topics: Path, tiny_bert_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; only read it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny-run"
    options = ["--encoder", str(tiny_bert_folder), "--dataset", str(topics), "--output_dir", str(folder)]
    assert main(["train", *options, *QUICK]) == 0
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A finished run of the test's own."""
    return Path(shutil.copytree(trained, tmp_path / "tiny-run"))


@pytest.fixture
def record(trained: Path) -> dict:
    """The record of the finished run, to change at will."""
    return read_json(trained / "record.json")


@pytest.fixture(scope="session")
def commands(_hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(_hub.environment(tmp_path_factory.mktemp("hub-home"))) as commands:
        yield commands


@pytest.fixture
def push(commands: Commands, run: Path) -> Callable[..., object]:
    """Return a caller of `bbc-classifier push` of the test's own run, with a licence."""
    return lambda *arguments, **options: commands("push", run, "--license", "mit", *arguments, **options)


@pytest.fixture
def repo_id() -> str:
    """The id of a repository that no other test uses."""
    return f"ann/news-{next(NUMBERS)}"

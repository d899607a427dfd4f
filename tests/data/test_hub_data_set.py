"""Data sets of a Hub on the loopback, read by a process of its own: online, offline and when they do not exist."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub_server import HubServer

CSV = "text,label\nGoal!,sport\nA chip,tech\n"
TWO = "---\nconfigs:\n- {config_name: en, data_files: en/*.csv}\n- {config_name: de, data_files: de/*.csv}\n---\n"
CLIENT = """
import json, sys
from bbc_classifier.config import DataArguments
from bbc_classifier.data.loading import read_rows
for options in json.load(sys.stdin):
    try:
        raw = read_rows(DataArguments(**options))
        print("ANSWER", json.dumps(["", raw.info["revision"], raw.frame["split"].tolist(), raw.label_names]))
    except (ValueError, RuntimeError) as error:
        print("ANSWER", json.dumps([type(error).__name__, str(error)]))
"""


def ask(environment: dict[str, str], *requests: dict[str, str]) -> list[list]:
    options = {"env": {**environment, "PYTHONPATH": str(Path(__file__).parents[2])}, "capture_output": True}
    # A data set's script, if it ran, would end it with 3.
    done = subprocess.run([sys.executable, "-c", CLIENT], input=json.dumps(requests), text=True, **options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line.removeprefix("ANSWER ")) for line in done.stdout.splitlines() if line.startswith("ANSWER")]


@pytest.mark.slow
def test_online_offline_and_errors(tmp_path):
    news, other = {"dataset": "ann/news"}, {"dataset": "ann/two"}
    with HubServer() as hub:
        files = hub.add_repository("ann/news", {"train.csv": CSV, "test.csv": "text,label\nTor!,sport\n"})
        hub.add_repository("ann/two", {"en/train.csv": CSV, "de/train.csv": CSV, "README.md": TWO})
        hub.add_repository("bob/script", {"script.py": "raise SystemExit(3)"})
        hub.add_repository("bob/broken", {"train.parquet": b"not Parquet"})
        script, broken, absent = ({"dataset": f"bob/{name}"} for name in ("script", "broken", "absent"))
        requests = [news, {**other, "dataset_config": "de"}, other, script, broken, absent]
        online = ask(hub.environment(tmp_path), *requests, {**news, "dataset_revision": "v9"})
        commit = files.refs["main"]
        revisions = [{**news, "dataset_revision": name} for name in (commit, "0" * 40)]
        offline = ask(hub.environment(tmp_path, HF_HUB_OFFLINE="1"), news, *revisions, absent)
    assert online[0] == ["", commit, ["train", "train", "test"], ["sport", "tech"]]
    assert online[1][0] == "" and online[1][2] == ["train", "train"]
    expected = ["Config name is missing", "scripts are no longer supported", "Parquet", "HF_TOKEN", "v9"]
    for (error, message), words in zip(online[2:], expected, strict=True):
        assert error == "UserError" and message.startswith("--dataset ") and words in message
    assert offline[0] == offline[1] == online[0]
    assert [answer[0] for answer in offline[2:]] == ["EnvironmentFailure", "EnvironmentFailure"]
    assert "the Hub cannot be reached" in offline[3][1]

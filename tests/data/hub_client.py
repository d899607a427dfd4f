"""A process of its own, as a client of the Hub must be: reads requests from standard input, writes what came of each.

A request is `{"args": [id, config, revision], "token": …}`; requests and answers are JSON lists.
"""

import json
import os
import subprocess
import sys
from typing import Any


def ask(environment: dict[str, str], requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a client with this environment and return its answers."""
    client = [sys.executable, "-m", "tests.data.hub_client"]
    done = subprocess.run(client, input=json.dumps(requests), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    from bbc_classifier.data.hub import read_hub_tables
    from bbc_classifier.errors import InputError, WorldError

    os.environ.pop("HF_TOKEN", None)
    if token := request.get("token"):
        os.environ["HF_TOKEN"] = token
    try:
        tables = read_hub_tables(*request["args"])
    except (InputError, WorldError) as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {
        "revision": tables.revision,
        "rows": {name: table.to_list() for name, table in tables.splits.items()},
        "features": {name: table.features.to_dict() for name, table in tables.splits.items()},
    }


if __name__ == "__main__":
    print(json.dumps([answer(request) for request in json.load(sys.stdin)]))

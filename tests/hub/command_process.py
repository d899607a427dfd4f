"""The process behind `Commands`: reads a command a line, as `[arguments, token]`, and answers each with a line."""

import contextlib
import io
import json
import os
import sys
import time


def _answer(arguments: list[str], token: str | None) -> dict[str, object]:
    from bbc_classifier.cli import main

    os.environ.pop("HF_TOKEN", None)
    if token is not None:
        os.environ["HF_TOKEN"] = token
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def main() -> None:
    waits: list[float] = []
    time.sleep = waits.append  # type: ignore[assignment]
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        waits.clear()
        answer = _answer(*json.loads(line))
        print(json.dumps({**answer, "waits": waits}), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""The process behind `Commands`: reads a command a line, as `[arguments, token]`, and answers each with a line."""

import contextlib
import io
import os

from tests.line_process import serve


def _answer(arguments: list[str], token: str | None) -> dict[str, object]:
    from bbc_classifier.cli import main

    os.environ.pop("HF_TOKEN", None)
    if token is not None:
        os.environ["HF_TOKEN"] = token
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


if __name__ == "__main__":
    serve(_answer)

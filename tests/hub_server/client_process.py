"""The process behind `HubClient`: reads one call a line, as `[method, args, options]`, and answers each with a line."""

import json
from collections.abc import Iterable
from typing import Any

from tests.line_process import serve


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a result: the fields of an object, the items of an iterator, the text of a date."""
    if hasattr(value, "__dict__"):
        return vars(value)
    if isinstance(value, str | int | float | list | dict | None):
        return value
    return list(value) if isinstance(value, Iterable) else str(value)


def _answer(method: str, args: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    from huggingface_hub import HfApi

    try:
        return {"value": json.loads(json.dumps(_plain(getattr(HfApi(), method)(*args, **options)), default=_plain))}
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        return {"error": {"kind": type(error).__name__, "message": str(error), "status": status}}


if __name__ == "__main__":
    serve(_answer)

"""The header of a README.md, and what the Hub finds wrong with it before a commit.

A part of the Hub's rules: those that a card written by a program is likely to break.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.hub_server.messages import Answer, json_answer
from tests.hub_server.routing import Request, Route
from tests.hub_server.state import Hub

HEADER = re.compile(r"\A---\r?\n(.*?)^---\s*$", re.DOTALL | re.MULTILINE)
EMPTY = "empty or missing yaml metadata in repo card"
LISTS_OF_TEXT = ("tags", "datasets", "metrics", "base_model", "language")


def metadata_of(readme: bytes) -> dict[str, Any]:
    """Return a card's header, or nothing if it has none that can be read."""
    try:
        header = _parsed(readme.decode(errors="replace"))
    except yaml.YAMLError:
        header = None
    return header if isinstance(header, dict) else {}


def _parsed(content: str) -> Any:
    found = HEADER.search(content)
    return yaml.safe_load(found[1]) if found else None


def validate(hub: Hub, request: Request) -> Answer:
    """Answer 400 and what is wrong, to whoever asks: as JSON, or as text to who wants text."""
    asked = request.json()
    try:
        header = _parsed(asked["content"])
        errors = list(problems(header)) if header is not None else []
    except yaml.YAMLError as error:
        header, errors = {}, [f"YAML: {error}"]
    if request.headers.get("Accept") == "text/plain" and errors:
        return Answer("\n".join(errors).encode(), {"Content-Type": "text/plain"}, 400)
    warnings = [] if header else [{"message": EMPTY}]
    said = {"errors": [{"message": error} for error in errors], "warnings": warnings}
    return json_answer(said, 400 if errors else 200)


def problems(header: Any) -> Iterator[str]:
    """Yield what the Hub would not accept in a header."""
    if not isinstance(header, dict):
        yield "repo card metadata should be an object"
        return
    for name in ("license", "library_name", "pipeline_tag"):
        if name in header and not isinstance(header[name], str):
            yield f'"{name}" must be a string'
    for name in LISTS_OF_TEXT:
        texts = header.get(name, [])
        if not all(isinstance(text, str) for text in (texts if isinstance(texts, list) else [texts])):
            yield f'"{name}" must be a string or a list of strings'
    if "model-index" in header:
        yield from _model_problems(header["model-index"])


def _model_problems(index: Any) -> Iterator[str]:
    if not isinstance(index, list):
        yield '"model-index" must be an array'
        return
    for number, model in enumerate(index):
        place = f"model-index[{number}]"
        yield from _missing(model, place, {"name": str, "results": list})
        if isinstance(model, dict):
            for position, result in enumerate(model.get("results") or []):
                yield from _result_problems(result, f"{place}.results[{position}]")


def _result_problems(result: Any, place: str) -> Iterator[str]:
    yield from _missing(result, place, {"task": dict, "dataset": dict, "metrics": list})
    if not isinstance(result, dict):
        return
    yield from _missing(result.get("task"), f"{place}.task", {"type": str})
    yield from _missing(result.get("dataset"), f"{place}.dataset", {"type": str, "name": str})
    for number, metric in enumerate(result.get("metrics") or []):
        yield from _missing(metric, f"{place}.metrics[{number}]", {"type": str, "value": object})


def _missing(value: Any, place: str, fields: dict[str, type]) -> Iterator[str]:
    """Yield the fields that a mapping lacks, or that are of another type."""
    if not isinstance(value, dict):
        yield f'"{place}" must be an object'
        return
    for name, type_ in fields.items():
        if value.get(name) is None:
            yield f'"{place}.{name}" is required'
        elif not isinstance(value[name], type_):
            yield f'"{place}.{name}" must be of type {type_.__name__}'


ROUTES = [Route("POST", "/api/validate-yaml", validate)]

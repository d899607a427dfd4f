"""Damage to files, drawn from a seed: to their bytes, and to the shape of what a JSON or YAML file says."""

import copy
import json
from collections.abc import Callable, Iterator, MutableSequence
from random import Random
from typing import Any

# What means something to one parser or another, or to whoever shows a text.
TOKENS = [
    *(b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xc2\x85"),
    *(
        b'"',
        b"'",
        b"`",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
        b"|",
        b"#",
        b"-",
    ),
    *(b"\\u0000", b"\\ud800", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"null", b"true", b"0", b"-1", b"1.5"),
    *(b"&a", b"*a", b"<<: *a", b"!!python/object/apply:os.system ['false']", b"? [1, 2]", b"%YAML 9.9", b"..", b"~"),
    *("😀".encode(), b"../../", b"<script>", b"=1+1", b"label", b"text"),
]
DEEP = 100_000
DIGITS = b"9" * 100_000


def deep(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


# A value of every kind, to put where another is meant.
OTHERS: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 10**9, 2**63, 10**30, -(10**400), 0.5, -1e308, float("nan"), float("inf")),
    *("", "x", "7", "é\u2028😀", "\ud800", "<script>alert(1)</script>", "a|b`c\n# d", "../../x", "=1+1", "x" * 5000),
    *(
        [],
        [None],
        [[]],
        [1, "x"],
        [0.5] * 300,
        deep(50),
        {},
        {"a": 1},
        {"x": {"y": []}},
        {str(n): n for n in range(300)},
    ),
]


def mutated_bytes(content: bytes, rng: Random) -> bytes:
    """Return a file with one to six changes anywhere: bits, cuts, insertions, doubled and moved blocks."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        rng.choice(OPERATIONS)(found, rng)
    return bytes(found)


def _flip(content: bytearray, rng: Random) -> None:
    if content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _replace(content: bytearray, rng: Random) -> None:
    if content:
        content[rng.randrange(len(content))] = rng.randrange(256)


def _truncate(content: bytearray, rng: Random) -> None:
    del content[rng.randrange(len(content) + 1) :]


def _remove(content: bytearray, rng: Random) -> None:
    start, end = _span(content, rng)
    del content[start:end]


def _double(content: bytearray, rng: Random) -> None:
    start, end = _span(content, rng)
    content[end:end] = content[start:end] * rng.choice([1, 1, 2, 50])


def _move(content: bytearray, rng: Random) -> None:
    start, end = _span(content, rng)
    block = bytes(content[start:end])
    del content[start:end]
    place = rng.randrange(len(content) + 1)
    content[place:place] = block


def _insert_token(content: bytearray, rng: Random) -> None:
    place = rng.randrange(len(content) + 1)
    content[place:place] = rng.choice(TOKENS)


def _insert_noise(content: bytearray, rng: Random) -> None:
    place = rng.randrange(len(content) + 1)
    content[place:place] = rng.randbytes(rng.choice([1, 2, 8, 200]))


def _overwrite(content: bytearray, rng: Random) -> None:
    start, end = _span(content, rng)
    content[start:end] = rng.choice([bytes(end - start), b"\xff" * (end - start), rng.randbytes(end - start)])


def _span(content: bytearray, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice([1, 2, 4, 16, 100, 2000]))


OPERATIONS: list[Callable[[bytearray, Random], None]] = [
    *(_flip, _flip, _replace, _truncate, _remove, _double, _move, _insert_token, _insert_token, _insert_noise),
    _overwrite,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to every value, the whole one first."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def with_value(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy with another value at a place."""
    if not path:
        return value
    changed = copy.deepcopy(content)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def reshaped(content: Any, rng: Random) -> Any:
    """Return content of another shape: one to three values replaced, lost, doubled, renamed or exchanged."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = _reshaped_once(content, rng)
    return content


def _reshaped_once(content: Any, rng: Random) -> Any:
    path = _some_place(content, rng)
    kind = rng.randrange(10)
    if kind < 6 or not path:
        return with_value(content, path, copy.deepcopy(rng.choice(OTHERS)))
    changed = copy.deepcopy(content)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if kind == 6:
        del inner[path[-1]]
    elif kind == 7 and isinstance(inner, dict):
        inner[rng.choice(["x", "", "é", str(path[-1]) + " "])] = inner.pop(path[-1])
    elif kind == 8 and isinstance(inner, MutableSequence):
        inner.append(copy.deepcopy(inner[path[-1]]))
    else:
        other = changed
        for key in _some_place(content, rng):
            other = other[key]
        inner[path[-1]] = copy.deepcopy(other)
    return changed


def _some_place(content: Any, rng: Random) -> tuple[Any, ...]:
    """Return a place, each level of nesting drawn by itself: a list of a thousand numbers is not all there is."""
    path: list[Any] = []
    while isinstance(content, (dict, list)) and content and (not path or rng.random() < 0.8):
        key = rng.choice(list(content)) if isinstance(content, dict) else rng.randrange(len(content))
        path.append(key)
        content = content[key]
    return tuple(path)


def damaged_json(content: bytes, rng: Random) -> bytes:
    """Return a JSON file with another shape, or other bytes, or one that no parser should follow to its end."""
    kind = rng.random()
    if kind < 0.7:
        return json.dumps(reshaped(json.loads(content), rng), ensure_ascii=rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    return mutated_bytes(content, rng) if kind < 0.96 else rng.choice(JSON_BOMBS)(content)


def damaged_yaml(content: bytes, rng: Random) -> bytes:
    """Return a YAML file with other bytes or another shape (JSON is YAML), or one that unpacks beyond any memory."""
    kind = rng.random()
    if kind < 0.4:
        return mutated_bytes(content, rng)
    if kind < 0.9:
        import yaml

        return json.dumps(reshaped(yaml.safe_load(content), rng)).encode()
    return rng.choice(YAML_BOMBS)(content)


def _within(content: bytes, bomb: bytes) -> bytes:
    """Return the file with a bomb for its first value."""
    head, colon, rest = content.partition(b":")
    return head + colon + b" " + bomb + b"," + rest if colon else bomb


JSON_BOMBS: list[Callable[[bytes], bytes]] = [
    lambda content: b"[" * DEEP,
    lambda content: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    lambda content: _within(content, b"[" * DEEP + b"]" * DEEP),
    lambda content: _within(content, DIGITS),
    lambda content: _within(content, b"1e" + DIGITS),
    lambda content: _within(content, b'"' + b"x" * 5_000_000 + b'"'),
    lambda content: _within(content, b"[" + b"[]," * 500_000 + b"[]]"),
]
LAUGHS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
# The same under one key.
NESTED = "[&l0 lol, " + ", ".join(f"&l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)) + "]"
YAML_BOMBS: list[Callable[[bytes], bytes]] = [
    lambda content: b"l0: &l0 lol\n" + LAUGHS.encode(),
    lambda content: b"l0: &l0 lol\n" + LAUGHS.encode() + b"dataset: *l9\n",
    lambda content: b"label_map: " + NESTED.encode() + b"\n",
    lambda content: b"sport: " + NESTED.encode() + b"\n",
    lambda content: content + b"\nx: " + b"[" * DEEP,
    lambda content: content + b"\nx: " + b"{a: " * 3000 + b"}" * 3000,
    lambda content: b"".join(b" " * n + b"a:\n" for n in range(3000)),
    lambda content: content + b"\nlearning_rate: " + DIGITS,
    lambda content: b"&a [*a]\n",
    lambda content: b"a: &a {b: *a}\n",
    lambda content: b"? &a [*a]\n: 1\n",
    lambda content: content + b"\nx: !!python/object/apply:os.system ['touch executed']\n",
    lambda content: content + b"\nx: !!python/name:os.system\n",
    lambda content: content + b"\nx: 2001-99-99\ny: 12345678901234567890:59:59\nz: 0x\nq: 1_0_0_\nw: .\n",
    lambda content: content + b"\nx: !!binary '" + b"%" * 10 + b"'\n",
]

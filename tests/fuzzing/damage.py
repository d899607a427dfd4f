"""What damages one file of a case: alone, or together with the hash that would tell."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from bbc_classifier.provenance import file_sha256, settings_file_sha256
from bbc_classifier.training.checkpoints import seal
from tests.fuzzing.mutations import damaged_json, mutated_bytes

Damage = Callable[[Path, Random], None]


def of_file(name: str, change: Callable[[bytes, Random], bytes]) -> Damage:
    """Return what damages a file."""

    def damage(folder: Path, rng: Random) -> None:
        file = folder / name
        file.write_bytes(change(file.read_bytes(), rng))

    return damage


def one_of(*damages: Damage) -> Damage:
    """Return what does one of several damages."""
    return lambda folder, rng: rng.choice(damages)(folder, rng)


def damaged_header(content: bytes, rng: Random) -> bytes:
    """Return a safetensors file whose header has another shape or length, or whose bytes are others."""
    if rng.random() < 0.4:
        return mutated_bytes(content, rng)
    length = int.from_bytes(content[:8], "little")
    header = damaged_json(content[8 : 8 + length], rng)
    said = len(header) if rng.random() < 0.8 else rng.choice([0, 1, 2**32, 2**63, len(header) - 1])
    return said.to_bytes(8, "little") + header + content[8 + length :]


def sealed_again(name: str, change: Callable[[bytes, Random], bytes]) -> Damage:
    """Return what damages a file of a checkpoint and forges its seal."""

    def damage(folder: Path, rng: Random) -> None:
        checkpoint = max((folder / "stopped" / "checkpoints").iterdir(), key=lambda path: path.name)
        of_file(name, change)(checkpoint, rng)
        if name != "sealed.json":
            seal(checkpoint)

    return damage


def described_again(record: str, part: str, file: str, change: Callable[[bytes, Random], bytes]) -> Damage:
    """Return what damages a file of a classifier, and lets the record describe the damaged one."""

    def damage(folder: Path, rng: Random) -> None:
        of_file(file, change)(folder, rng)
        content, damaged = json.loads((folder / record).read_text()), folder / file
        if damaged.suffix == ".json":
            content[part]["settings_sha256"][damaged.name] = settings_file_sha256(damaged)
        else:
            content[part]["weights_sha256"] = file_sha256(damaged)
        (folder / record).write_text(json.dumps(content))

    return damage

"""Who may work in a comparison's folder at the same time: different shards of one division, and nobody else.

Each shard has a lock of its own for as long as it works. What concerns them all, such as opening the folder and writing
what is said of all cells, is done in turn.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bbc_classifier.folder_lock import locked, parts_at_work, taken

COMPARING = "comparing"
SHARD = r"shard-\d+-of-\d+"
# Opening a folder may mean to delete an old comparison.
LONGEST_TURN_SECONDS = 60.0


@contextmanager
def shard_held(folder: Path, which: int, count: int) -> Iterator[None]:
    """Hold a shard of a comparison for this process.

    Args:
        folder: The comparison's folder.
        which: Which shard, from 1.
        count: Of how many.

    Raises:
        InputError: Another process is at work on it, or on a shard of another division, which has cells of this one.
        WorldError: The folder cannot be written to.
    """
    with ExitStack() as until_the_end:
        with turn(folder):
            for other in parts_at_work(folder, SHARD):
                if not other.endswith(f"-of-{count}"):
                    raise taken(folder, _doing(other))
            part = _part(which, count)
            until_the_end.enter_context(locked(folder, _doing(part), part=part))
        yield


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Keep the other shards from opening the folder, or writing what is said of all, for a moment.

    Raises:
        InputError: Another process does not get ready.
        WorldError: The folder cannot be written to.
    """
    with locked(folder, COMPARING, wait_seconds=LONGEST_TURN_SECONDS):
        yield


def refuse_other_shards(folder: Path, which: int, count: int) -> None:
    """Check that no other shard is at work, before what they share is replaced.

    Raises:
        InputError: One is.
    """
    for other in parts_at_work(folder, SHARD):
        if other != _part(which, count):
            raise taken(folder, _doing(other))


def _part(which: int, count: int) -> str:
    return f"shard-{which}-of-{count}"


def _doing(part: str) -> str:
    return COMPARING if part == _part(1, 1) else f"{COMPARING} ({part.replace('-', ' ')})"

"""The ways a command can fail, and the exit code each one means."""

from pathlib import Path


class InputError(ValueError):
    """What the user asked for cannot be done: a bad option, file or pair of options (exit code 2)."""

    exit_code = 2


class WorldError(RuntimeError):
    """The request was fine but the world was not: no network, no permission, no disk (exit code 1)."""

    exit_code = 1


class NoSpace(WorldError):
    """A disk is full; what was there stays, and nothing half-written does.

    Attributes:
        place: What could not be written.
    """

    def __init__(self, place: Path, then: str = "run the same command again"):
        super().__init__(f"no space is left on the disk for '{place}'; make room there, then {then}")
        self.place = place


class OutOfMemory(WorldError):
    """Memory did not suffice, of the machine or of its accelerator."""


class Diverged(RuntimeError):
    """A training cannot go on, since its numbers are none any more (exit code 1); its checkpoints stay."""

    exit_code = 1


class Interrupted(KeyboardInterrupt):
    """A signal has ended the work at a place that it can go on from.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code

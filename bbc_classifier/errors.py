"""The two ways a command can fail, and the exit code each one means."""


class InputError(ValueError):
    """What the user asked for cannot be done: a bad option, file or pair of options (exit code 2)."""

    exit_code = 2


class WorldError(RuntimeError):
    """The request was fine but the world was not: no network, no permission, no disk (exit code 1)."""

    exit_code = 1

"""Exceptions with a message for the user, and the exit code each one means."""


class UserError(ValueError):
    """An option, a file or a combination of options is not valid (exit code 2). The message names it and what to do."""

    exit_code = 2


class EnvironmentFailure(RuntimeError):
    """The environment failed: no network, no permission, no disk space, too little memory (exit code 1)."""

    exit_code = 1


class TrainingDivergedError(RuntimeError):
    """The loss or gradient norm is NaN, infinite or too large, or the encoder did not change (exit code 1)."""

    exit_code = 1


class Interrupted(KeyboardInterrupt):
    """A signal stopped the work after a checkpoint was written; the exit code is 128 plus the signal's number."""

    def __init__(self, message: str, exit_code: int = 130):
        super().__init__(message)
        self.exit_code = exit_code

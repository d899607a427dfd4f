"""What processes that load rows need of a machine, said before anything is trained."""

import multiprocessing

from bbc_classifier.errors import WorldError


def refuse_without_shared_memory(processes: int) -> None:
    """Check that so many processes could hand rows to the one that trains.

    Raises:
        WorldError: The system gives them no shared memory.
    """
    if not processes:
        return
    try:
        multiprocessing.get_context().Lock()
    except OSError as error:
        raise WorldError(
            f"--dataloader_num_workers {processes}: processes that load rows need shared memory, on Linux a writable "
            f"/dev/shm ({error.strerror}); leave this at 0, which needs none"
        ) from error

"""Work spread over a Ray cluster: the one place that opens ray, which is an extra."""

import importlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from bbc_classifier.errors import InputError, WorldError

RETRIES = 3
# How long an interrupted task may take to come to a stop at a place that it can go on from. An interruption that comes
# while a task begins can be lost; what has not stopped by then is interrupted once more, and has that time again.
GRACE_SECONDS = 30
LISTEN_SECONDS = 1
KNOCK_SECONDS = 10

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def load_ray() -> Any:
    """Return the library.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise InputError(f"this needs {error.name}: pip install 'bbc-classifier[ray]'") from error


@contextmanager
def connect(cpus: int | None = None) -> Iterator[None]:
    """Be connected to a cluster; what was started for it ends with it.

    A caller that is connected already stays so.

    Args:
        cpus: CPUs of a cluster of its own on this machine, whatever else runs. None takes the cluster that
            `RAY_ADDRESS` names, or else the one that `ray start` has started on this machine, or else starts one with
            all CPUs of the machine.

    Raises:
        InputError: Ray is not installed.
        WorldError: The cluster cannot be reached, or none can be started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = load_ray()
    if ray.is_initialized():
        yield
        return
    if cpus is None:
        _knock()
    asked: dict[str, Any] = {} if cpus is None else {"address": "local", "num_cpus": cpus}
    try:
        with _termination_as_it_was():
            ray.init(**asked, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise WorldError(f"no Ray cluster: {reason}{_remedy(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _remedy(error: Exception) -> str:
    if isinstance(error, (ConnectionError, ValueError)):
        return "; RAY_ADDRESS=local starts one on this machine"
    # It keeps a token there, which the processes of a cluster know each other by.
    return "; RAY_AUTH_TOKEN=… spares Ray the home folder" if isinstance(error, OSError) else ""


def _knock() -> None:
    """See that somebody listens at `RAY_ADDRESS`: ray itself tries for minutes.

    Raises:
        WorldError: Nobody does.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.rpartition(":")
    if "://" in address or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise WorldError(f"RAY_ADDRESS: no Ray cluster answers at {address}: {error}") from error


def places(cpus_per_task: int, gpus_per_task: float = 0) -> int:
    """Return how many tasks the cluster can run at once, if nobody else uses it.

    Raises:
        InputError: No machine of the cluster can run even one.
    """
    found = _room(cpus_per_task, gpus_per_task)
    if not found:
        gpus = f" and {gpus_per_task:g} GPUs" if gpus_per_task else ""
        most = max((machine.get("CPU", 0) for machine in _machines()), default=0)
        raise InputError(
            f"no machine of the Ray cluster has {cpus_per_task} CPUs{gpus} for a task; the largest has {most:g} CPUs"
        )
    return found


def _room(cpus: int, gpus: float) -> int:
    needs = {name: count for name, count in {"CPU": cpus, "GPU": gpus}.items() if count}
    return sum(min(int(machine.get(name, 0) // count) for name, count in needs.items()) for machine in _machines())


def _machines() -> list[dict[str, float]]:
    return [node["Resources"] for node in load_ray().nodes() if node["Alive"]]


def spread(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    cpus_per_task: int = 1,
    gpus_per_task: float = 0,
    retries: int = RETRIES,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Run `function` on each item as a task of the cluster, as many at once as it has places.

    Each task has `OMP_NUM_THREADS=cpus_per_task`, so that sums are added in the order of a process with that many
    threads, and works in the folder that this process is in. Processes of the cluster run one task after another: what
    `function` keeps in a cache of its module is there for the next task. They import that module, which every machine
    must have.

    A task whose process or machine dies is done again. When this generator is interrupted or closed, the tasks are
    interrupted as well and may come to a stop.

    Args:
        function: What to do; what it raises is handed back, and it is not called again.
        items: Taken one by one, each when there is a place for it.
        cpus_per_task: CPUs of a place, and threads of a task.
        gpus_per_task: GPUs of a place; a task sees no others.
        retries: How often a task is done again whose process dies.

    Yields:
        An item, and what `function` returned or raised; in the order in which tasks end.

    Raises:
        InputError: No machine of the cluster is large enough.
        WorldError: The cluster ended.
    """
    ray = load_ray()
    places(cpus_per_task, gpus_per_task)
    # Before anything is loaded, since libraries read this once.
    surroundings = {"OMP_NUM_THREADS": str(cpus_per_task)}
    if not gpus_per_task:
        # Ray hides what a task has not asked for in some versions, and not in others.
        surroundings["CUDA_VISIBLE_DEVICES"] = ""
    needs = {"num_cpus": cpus_per_task, "num_gpus": gpus_per_task, "runtime_env": {"env_vars": surroundings}}
    task = ray.remote(_call).options(**needs, max_retries=0)
    shared, folder = ray.put(function), str(Path.cwd())
    waiting = iter(items)
    running: dict[Future, _Running] = {}
    # Ray's own way to wait makes one interruption of any, and that of `concurrent.futures` can keep a future's lock.
    ended: SimpleQueue[Future] = SimpleQueue()

    def begin(item: Item, retries_left: int) -> None:
        reference = task.remote(shared, item, folder)
        future = reference.future()
        running[future] = _Running(reference, item, retries_left)
        future.add_done_callback(ended.put)

    try:
        while True:
            # Machines come and go; where all are gone, one task waits for the next.
            at_once = max(1, _room(cpus_per_task, gpus_per_task))
            while len(running) < at_once and (item := next(waiting, _NOTHING)) is not _NOTHING:
                begin(item, retries)
            if not running:
                return
            future = _first(ended)
            begun, outcome = running.pop(future), _outcome(future)
            if isinstance(outcome, _Lost) and begun.retries_left:
                logger.warning("%s; its task is done again", outcome)
                begin(begun.item, begun.retries_left - 1)
            elif isinstance(outcome, _Lost):
                yield begun.item, WorldError(f"{outcome}, {retries + 1} times")
            else:
                yield begun.item, outcome
    finally:
        _stop(running, ended)


_NOTHING: Any = object()


def _first(ended: "SimpleQueue[Future]") -> Future:
    """Wait for a task to end."""
    while True:
        # A signal that comes just before a wait begins is heard when it ends.
        with suppress(Empty):
            return ended.get(timeout=LISTEN_SECONDS)


@dataclass(frozen=True)
class _Running:
    reference: Any
    item: Any
    retries_left: int


class _Lost(WorldError):
    """A task's process or machine died before the task ended."""


def _call(function: Callable[[Item], Result], item: Item, folder: str) -> Result:
    """Run in a process of the cluster."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Ray interrupts a task so. What a shell starts in the background ignores it, and so does all that comes of it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        os.chdir(folder)
    except OSError as error:
        raise WorldError(
            f"the machine {socket.gethostname()} of the Ray cluster cannot enter '{folder}': {error.strerror}; "
            "all its machines must share the folders of the command"
        ) from error
    return function(item)


def _outcome(ended: Future) -> Any:
    """Return what a task that ended returned or raised.

    Raises:
        WorldError: It is the cluster that failed.
    """
    faults = load_ray().exceptions
    try:
        return ended.result()
    except faults.RayTaskError as error:
        if isinstance(error.cause, faults.RaySystemError):
            # No task will fare better: a machine cannot even import what it is to do.
            raise _failed(error.cause) from error
        return error.cause
    except faults.OutOfMemoryError:
        return _Lost("a machine of the Ray cluster ran out of memory; more CPUs for each task let fewer run at once")
    except (faults.WorkerCrashedError, faults.NodeDiedError, faults.ObjectLostError):
        return _Lost("a worker process of the Ray cluster died")
    except faults.TaskCancelledError:
        return WorldError("the task was cancelled from outside")
    except faults.RayError as error:
        raise _failed(error) from error


def _failed(error: Exception) -> WorldError:
    return WorldError(f"the Ray cluster failed: {' '.join(str(error).split())[:300]}")


def _stop(running: dict[Future, _Running], ended: "SimpleQueue[Future]") -> None:
    """Interrupt tasks, and give them time to come to a stop."""
    for future in running:
        # The interruption may have come before this was said of the last one.
        future.add_done_callback(ended.put)
    for _ in range(2):
        for each in running.values():
            load_ray().cancel(each.reference)
        deadline = time.monotonic() + GRACE_SECONDS
        while running:
            try:
                running.pop(ended.get(timeout=max(0.0, deadline - time.monotonic())), None)
            except Empty:
                break


@contextmanager
def _termination_as_it_was() -> Iterator[None]:
    """Undo that ray takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)

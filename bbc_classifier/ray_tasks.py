"""Work as tasks of a Ray cluster, for `predict` and `compare`."""

import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from bbc_classifier.errors import EnvironmentFailure, UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_on_ray(function: Callable[[Item], Result], items: Iterable[Item], cpus: int, gpus: float) -> Iterator[Result]:
    """Yield `function(item)` for every item, in the order in which tasks end; items are taken when a worker is free.

    The cluster is the one in the environment variable `RAY_ADDRESS`, or the one running on this machine, or a new one
    that ends with the last task. A task has `cpus` CPUs and threads and `gpus` GPUs, runs in the current directory, and
    is repeated up to three times if its worker died. An exception of `function` cancels the other tasks.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError("--engine ray needs Ray: pip install ray") from error
    is_own, directory, pending = not ray.is_initialized(), Path.cwd(), list[ray.ObjectRef]()
    if is_own:
        on_termination = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise EnvironmentFailure(f"no Ray cluster (RAY_ADDRESS=local starts one here): {error}") from error
        if signal.getsignal(signal.SIGTERM) is not on_termination:  # ray.init replaces the handler
            signal.signal(signal.SIGTERM, on_termination)

    def call(item: Item) -> Result:
        os.chdir(directory)
        return function(item)

    try:
        needs = {name: count for name, count in {"CPU": cpus, "GPU": gpus}.items() if count}
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        slots = sum(min(int(machine.get(name, 0) // count) for name, count in needs.items()) for machine in machines)
        if not slots:
            raise UserError(f"--cpus_per_worker, --gpus_per_worker: no machine of the Ray cluster has {needs}")
        variables = {"OMP_NUM_THREADS": str(cpus), **({} if gpus else {"CUDA_VISIBLE_DEVICES": ""})}
        options = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": 3, "runtime_env": {"env_vars": variables}}
        task, waiting = ray.remote(call).options(**options), iter(items)
        while pending := pending + [task.remote(item) for item in islice(waiting, slots - len(pending))]:
            done, pending = ray.wait(pending)
            yield ray.get(done[0])
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise EnvironmentFailure(f"the Ray cluster failed: {' '.join(str(error).split())[:300]}") from error
    finally:
        for reference in pending:
            ray.cancel(reference)
        if is_own:
            ray.shutdown()

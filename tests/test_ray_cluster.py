"""Tasks on a real Ray cluster of two CPUs, and what is said where ray is not installed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import pytest

from bbc_classifier.errors import InputError, Interrupted, WorldError
from bbc_classifier.ray_cluster import _call, connect, places, spread


def test_without_the_extra_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"^this needs ray: pip install 'bbc-classifier\[ray\]'$"), connect():
        pass


def test_a_cluster_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with (
        pytest.raises(WorldError, match=r"^RAY_ADDRESS: no Ray cluster answers at 127\.0\.0\.1:1: "),
        connect(),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RAY_ADDRESS", "nonsense", "no Ray cluster: Invalid address format: nonsense; RAY_ADDRESS=local starts one"),
        ("HOME", "/proc/nobody", "no Ray cluster: .*'/proc/nobody'; RAY_AUTH_TOKEN=… spares Ray the home folder"),
    ],
)
def test_what_keeps_a_cluster_away_is_said_with_a_way_out(name, value, message, monkeypatch):
    monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    with pytest.raises(WorldError, match=message), connect(None if name == "RAY_ADDRESS" else 1):
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster that says it had a GPU, which Ray believes; this process is connected to it."""
    import ray

    ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
    with connect():
        yield
    assert ray.is_initialized()
    ray.shutdown()


@lru_cache
def loaded() -> list[int]:
    """Stands for a model that a process keeps."""
    return []


def count(item: int) -> tuple[int, int]:
    """Return this process, and the number of items it has counted."""
    loaded().append(item)
    return os.getpid(), len(loaded())


def surroundings(item: int) -> tuple[str, int, str, str]:
    import torch

    folder, gpus = str(Path.cwd()), os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    return os.environ["OMP_NUM_THREADS"], torch.get_num_threads(), folder, gpus


def die(folder: Path, item: str) -> str:
    """Note that a task has begun; the one of "once" dies at its first time, the one of "always" at every time."""
    begun = folder / item
    first = not begun.exists()
    with begun.open("a", encoding="utf-8") as file:
        file.write("x")
    if item == "always" or (item == "once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def refuse(item: str) -> str:
    raise InputError(f"{item}: is not one of a, b")


def wait_here(folder: Path, item: int) -> None:
    """Wait for long, and note an interruption."""
    try:
        (folder / f"{item}-begun").touch()
        for _ in range(600):
            time.sleep(0.1)
    except KeyboardInterrupt:
        (folder / f"{item}-stopped").touch()
        raise


@pytest.mark.slow
def test_processes_of_the_cluster_keep_what_they_have_loaded(cluster):
    ended = list(spread(count, range(10)))
    assert sorted(item for item, _ in ended) == list(range(10))
    counts: dict[int, list[int]] = {}
    for _, (process, number) in ended:
        counts.setdefault(process, []).append(number)
    assert len(counts) <= 2 and os.getpid() not in counts
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in counts.values())


@pytest.mark.slow
def test_a_task_has_the_threads_the_folder_and_the_gpus_that_were_asked_for(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [found for _, found in spread(surroundings, [0], cpus_per_task=2)] == [("2", 2, str(tmp_path), "")]
    found = [found for _, found in spread(surroundings, [0], gpus_per_task=1)]
    assert found == [("1", 1, str(tmp_path), "0")]


@pytest.mark.slow
def test_a_task_whose_process_is_killed_is_done_again_and_at_last_given_up(cluster, tmp_path, caplog):
    ended = dict(spread(partial(die, tmp_path), ["once", "never", "always"], retries=2))
    assert ended["once"] == "once" and ended["never"] == "never"
    assert isinstance(ended["always"], WorldError)
    assert str(ended["always"]) == "a worker process of the Ray cluster died, 3 times"
    assert [(tmp_path / item).read_text() for item in ("once", "never", "always")] == ["xx", "x", "xxx"]
    assert caplog.messages.count("a worker process of the Ray cluster died; its task is done again") == 3


@pytest.mark.slow
def test_what_a_task_raises_comes_back_as_it_was_and_is_not_tried_again(cluster):
    (ended,) = spread(refuse, ["c"])
    assert ended[0] == "c" and type(ended[1]) is InputError
    assert str(ended[1]) == "c: is not one of a, b"


@pytest.mark.slow
def test_items_are_taken_when_there_is_room_for_them(cluster):
    taken = []

    def items() -> Iterator[int]:
        for item in range(6):
            taken.append(item)
            yield item

    for number, _ in enumerate(spread(count, items()), 1):
        assert len(taken) <= number + 1


@pytest.mark.slow
def test_a_task_that_no_machine_can_run_is_refused_instead_of_waited_for(cluster):
    assert places(1) == 2 and places(2) == 1 and places(1, 0.5) == 2 and places(1, 1) == 1
    with pytest.raises(InputError, match="no machine of the Ray cluster has 3 CPUs for a task; the largest has 2 CPUs"):
        list(spread(count, [0], cpus_per_task=3))
    with pytest.raises(InputError, match="no machine of the Ray cluster has 1 CPUs and 2 GPUs for a task"):
        places(1, 2)


@pytest.mark.slow
def test_a_folder_that_another_machine_does_not_have_is_named(cluster, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rename(tmp_path / "moved")
    monkeypatch.setattr(Path, "cwd", lambda: gone)
    ((_, error),) = spread(count, [0])
    assert isinstance(error, WorldError)
    assert f"cannot enter '{gone}': No such file or directory; all its machines must share" in str(error)


@pytest.mark.slow
def test_tasks_are_interrupted_with_whoever_waits_for_them(cluster, tmp_path):
    waiting = spread(partial(wait_here, tmp_path), [0, 1])
    interrupted: list[float] = []

    def begun() -> bool:
        return all((tmp_path / f"{item}-begun").exists() for item in (0, 1))

    def interrupt_when_begun(number, frame):
        if not begun():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            return
        interrupted.append(time.perf_counter())
        raise Interrupted("terminated", 143)

    before = signal.signal(signal.SIGALRM, interrupt_when_begun)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        # The very exception, since its code is the command's.
        with pytest.raises(Interrupted, match="terminated"):
            next(waiting)
    finally:
        signal.signal(signal.SIGALRM, before)
    # By themselves they would wait for a minute. Ray may lose an interruption where a task begins; there is a second.
    assert time.perf_counter() - interrupted[0] < 45
    assert all((tmp_path / f"{item}-stopped").exists() for item in (0, 1))


def test_a_task_can_be_interrupted_where_the_shell_had_interruptions_ignored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert _call(signal.getsignal, signal.SIGINT, str(tmp_path)) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

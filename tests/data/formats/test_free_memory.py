"""Free memory is what this process may still take: a container's limit and its own count as the machine's does."""

import subprocess
import sys

import psutil

from bbc_classifier.data.formats import free_memory as module
from bbc_classifier.data.formats.free_memory import free_memory


def group(folder, limit: str) -> tuple:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("3000000\n")
    (folder / "memory.stat").write_text("anon 1000000\ninactive_file 500000\n")
    return (folder, "memory.max", "memory.current", "inactive_file")


def test_a_container_has_what_its_limit_leaves_and_cache_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONTROL_GROUPS", [group(tmp_path, "10000000")])
    assert free_memory() == 10_000_000 - 3_000_000 + 500_000
    monkeypatch.setattr(module, "CONTROL_GROUPS", [group(tmp_path, "1000000")])
    assert free_memory() == 0


def test_no_limit_leaves_what_the_machine_has(tmp_path, monkeypatch):
    for groups in ([group(tmp_path, "max")], [(tmp_path / "nowhere", "a", "b", "c")]):
        monkeypatch.setattr(module, "CONTROL_GROUPS", groups)
        assert free_memory() > 0.5 * psutil.virtual_memory().available


def test_the_limit_of_the_process_counts():
    code = (
        "import resource; from bbc_classifier.data.formats.free_memory import free_memory; "
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)); print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 3 << 30

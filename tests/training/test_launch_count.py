"""A launcher that was asked for several processes and started one is found out by what it left in the environment."""

import os

import pytest
import yaml
from accelerate.commands.launch import launch_command_parser
from accelerate.utils.launch import prepare_simple_launcher_cmd_env

from bbc_classifier.training.launch import started_fewer, warn_if_fewer
from tests.test_readme import ROOT

CONFIGS = sorted((ROOT / "scripts" / "accelerate").glob("*.yaml"))


def environment_of(monkeypatch: pytest.MonkeyPatch, *flags: str) -> dict[str, str]:
    """Return what the real launcher gives to the one process that it starts on a CPU."""
    for name in ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    arguments = launch_command_parser().parse_args(["--cpu", "--mixed_precision=no", *flags, "train.py"])
    arguments.num_machines, arguments.use_cpu, arguments.dynamo_backend = 1, True, "no"
    arguments.num_cpu_threads_per_process = 1
    return prepare_simple_launcher_cmd_env(arguments)[1]


@pytest.mark.parametrize(("processes", "fewer"), [("1", False), ("2", True), ("8", True)])
def test_one_process_where_several_were_asked_for_is_noticed(monkeypatch, caplog, processes, fewer):
    environment = environment_of(monkeypatch, f"--num_processes={processes}")
    assert started_fewer(environment) is fewer
    # Torch's launcher numbers its processes, and then nothing is missing.
    assert not started_fewer({**environment, "WORLD_SIZE": "2"})
    monkeypatch.setattr(os, "environ", environment)
    assert started_fewer(os.environ) is fewer


def test_it_is_said_loudly_and_with_what_works(monkeypatch, caplog):
    environment = environment_of(monkeypatch, "--num_processes=2")
    for name in ("MASTER_ADDR", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.setenv(name, environment[name])
    warn_if_fewer()
    assert "ONE PROCESS ONLY" in caplog.text and "torchrun --nproc_per_node 2" in caplog.text


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_ready_made_configuration_is_one_of_the_launchers(path):
    from accelerate.commands.config.config_args import ClusterConfig

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(content) <= set(ClusterConfig.__dataclass_fields__)
    config = ClusterConfig.from_yaml_file(yaml_file=str(path))
    assert config.num_processes == content["num_processes"] and config.num_machines == content["num_machines"]

"""The comparison with the peers as a Markdown page, from its record alone."""

from collections.abc import Mapping
from typing import Any

HEADER = (
    "| | seconds | times as long | accuracy | memory, GiB | GFLOP/s | of the bf16 peak |\n|---|---|---|---|---|---|---|"
)


def peers_table(record: Mapping[str, Any]) -> str:
    """Return the page: what was measured, the table, and on what.

    Args:
        record: `results/peers.json`. "Times as long" is against the first contender, round by round.
    """
    contenders = record["contenders"]
    first = next(iter(contenders.values()))
    peak = record["gemm_peak_gflop_per_second"]
    rows = [_row(name, entry, first, peak["bf16"]) for name, entry in contenders.items()]
    hardware, versions = record["provenance"]["hardware"], record["provenance"]["versions"]
    machine = hardware.get("gpu") or f"{hardware['cores']} cores, {hardware['processor']}"
    n = record["n"]
    few_shot = any(name.startswith("SetFit") for name in contenders)
    bounded = f"SetFit was stopped after {record['few_shot_steps']} steps. " if few_shot else ""
    return "\n".join(
        [
            "# Training against the peers",
            "",
            f"{record['data']}: {n['train']} articles train, {n['validation']} validate, {n['test']} test. "
            f"{record['rounds']} rounds in turn, one seed each; medians, least to most in brackets; a process of its "
            "own each, from its start to the model on disk. Accuracy on the test side: the median run's, with its 95 % "
            "interval (Wilson). Times as long: than the first row in the same round.",
            "",
            HEADER,
            *rows,
            "",
            f"{bounded}GFLOP/s: the encoder's matrix work over the "
            "seconds of training proper, without imports and loading. The best that a product of square matrices "
            f"reached between the rounds: {peak['fp32']:.0f} GFLOP/s in fp32, {peak['bf16']:.0f} in bf16.",
            "",
            f"{machine}; {hardware['memory_gib']} GiB; "
            + ", ".join(f"{name} {number}" for name, number in sorted(versions.items())),
            "",
            "Written by `python benchmarks/peers.py` with `peers.json`, which has every run.",
            "",
        ]
    )


def _row(name: str, entry: Mapping[str, Any], first: Mapping[str, Any], peak: float) -> str:
    seconds, accuracy, speed = entry["seconds"], entry["accuracy"], entry["gflop_per_second"]
    ratios = sorted(
        mine["seconds"] / other["seconds"] for mine, other in zip(entry["runs"], first["runs"], strict=True)
    )
    low, high = accuracy["interval"]
    memory = " + ".join(f"{mebibytes / 1024:.1f} ({kind})" for kind, mebibytes in entry["peak_memory_mib"].items())
    cells = [
        name,
        f"{seconds['median']:.0f} ({seconds['min']:.0f} to {seconds['max']:.0f})",
        f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"{accuracy['median']:.3f} ({low:.3f} to {high:.3f})",
        memory.removesuffix(" (resident)"),
        "" if speed is None else f"{speed:.0f}",
        "" if speed is None else f"{speed / peak:.0%}",
    ]
    return f"| {' | '.join(cells)} |"

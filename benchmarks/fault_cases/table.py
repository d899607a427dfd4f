"""The table of faults from their record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path("docs") / "faults.md"
SCRIPT = "benchmarks/faults.py"


def faults_table(record: Mapping[str, Any]) -> str:
    """Return the Markdown: a row a fault, and on which machine they were caused."""
    lines = ["| fault | how caused | how often | what happened |", "|---|---|---|---|"]
    for name, case in record["cases"].items():
        happened = "; ".join(f"{count} × {sentence}" for sentence, count in case["happened"].items())
        lines.append(f"| {name} | {case['how']} | {case['times']} | {happened} |")
    return "\n".join([*lines, "", *_kills(record), *_surroundings(record), "", _machines(record), ""])


def _kills(record: Mapping[str, Any]) -> list[str]:
    """Return where the kills hit."""
    return [
        f"- **Where the kills hit, {name}**: "
        + ", ".join(f"{stage} {count}" for stage, count in record["cases"][name]["killed while"].items())
        + "."
        for name in ("training killed", "comparison killed")
        if name in record["cases"]
    ]


def _surroundings(record: Mapping[str, Any]) -> list[str]:
    case = record["cases"].get("odd surroundings")
    if case is None:
        return []
    skipped = "".join(f" Not tried: {name} ({reason})." for name, reason in case["skipped"].items())
    return [f"- **The odd surroundings**: {'; '.join(case['tried'])}.{skipped}"]


def _machines(record: Mapping[str, Any]) -> str:
    origins = [case["provenance"] for case in record["cases"].values()]
    cores = sorted({f"{each['hardware']['cores']} cores ({each['hardware']['processor']})" for each in origins})
    torch = sorted({each["versions"]["torch"] for each in origins})
    libraries = sorted({each["versions"]["transformers"] for each in origins})
    versions = f"torch {', '.join(torch)}, transformers {', '.join(libraries)}"
    return f"On {', '.join(cores)}, {versions}. Record: `results/faults.json`."

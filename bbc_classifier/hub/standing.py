"""Where a run's configuration stands in a comparison: beside TF-IDF, and beside the other configurations."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.hub.record_shape import RESULTS as SHAPE
from bbc_classifier.records import read_json
from bbc_classifier.shapes import refuse_other_shape

RESULTS = "results.json"
MARKER = "comparison.json"
# What may differ between a run and the cells of its configuration: on which rows, in which order, on what machine.
NOT_THE_CONFIGURATION = frozenset(
    {"fold", "folds", "seed", "data_seed", "precision", "bf16", "fp16", "use_cpu"}
    | {"full_determinism", "include_for_metrics", "debug"}
)


@dataclass(frozen=True)
class Standing:
    """What a comparison says of one configuration.

    Attributes:
        row: The configuration, as in the comparison's results.
        baseline: The best TF-IDF baseline, as there; None without one.
        pair: The test between the two, as there; None without one.
        tied: The names of the other configurations that share a letter with this one.
        group: Position of the best letter of this configuration, counted from 1.
        groups: How many letters there are.
        protocol: On what, as in the results.
    """

    row: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    pair: Mapping[str, Any] | None
    tied: list[str]
    group: int
    groups: int
    protocol: Mapping[str, Any]


def find_standing(run: FinishedRun, comparison: str | None) -> Standing | None:
    """Return where the run's configuration stands, or None where no comparison is named or around it.

    Args:
        run: The run.
        comparison: Folder of a comparison or report; None looks whether the run is a cell of one.

    Raises:
        InputError: The folder named holds no results, or none of this configuration.
    """
    if comparison is None:
        around = run.folder.resolve().parent.parent
        # Any folder may have results of its own kind; only a comparison has this beside them.
        results = _results(around) if (around / MARKER).is_file() else None
        return standing(results, run.record) if results else None
    results = _results(Path(comparison))
    if results is None:
        raise InputError(f"--comparison: '{comparison}' has no {RESULTS}; give the folder of a comparison or report")
    found = standing(results, run.record)
    if found is None:
        raise InputError(
            f"--comparison: no configuration in '{comparison}' has the options of '{run.folder}' and was trained on "
            f"the same data; it has {', '.join(row['name'] for row in results['configurations'])}"
        )
    return found


def _results(folder: Path) -> dict[str, Any] | None:
    """Return the results of a comparison; None where there are none that we have written.

    Raises:
        InputError: They are damaged.
    """
    file = folder / RESULTS
    results = read_json(file) if file.is_file() else None
    if not isinstance(results, dict) or not {"configurations", "pairs", "verdict", "protocol"} <= set(results):
        return None
    refuse_other_shape(f"'{file}'", results, SHAPE)
    return results


def standing(results: Mapping[str, Any], record: Mapping[str, Any]) -> Standing | None:
    """Return where the configuration of a record stands in the results of a comparison; None if it is not there."""
    rows = {row["name"]: row for row in results["configurations"]}
    row = next((row for row in rows.values() if _same_configuration(row, record)), None)
    if row is None:
        return None
    baseline = rows.get(results["verdict"]["baseline"] or "")
    names = {row["name"], baseline["name"]} if baseline else set()
    pair = next((pair for pair in results["pairs"] if {pair["first"], pair["second"]} == names), None)
    letters = sorted({letter for other in rows.values() for letter in other["letters"]})
    return Standing(
        row=row,
        baseline=baseline,
        pair=pair,
        tied=[
            name for name, other in rows.items() if name != row["name"] and set(other["letters"]) & set(row["letters"])
        ],
        group=letters.index(min(row["letters"])) + 1 if row["letters"] else 1,
        groups=max(1, len(letters)),
        protocol=results["protocol"],
    )


def _same_configuration(row: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    return not row["baseline"] and _configuration(row["configuration"]) == _configuration(record["options"])


def _configuration(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a configuration, data included, of all options."""
    return {
        group: {name: value for name, value in values.items() if name not in NOT_THE_CONFIGURATION}
        for group, values in options.items()
    }

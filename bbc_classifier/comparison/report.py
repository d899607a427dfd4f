"""From finished runs to the report: page, Markdown, tables, data and figures, written beside and then put in place."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bbc_classifier.comparison.drawings import draw_accuracy, draw_learning_curves
from bbc_classifier.comparison.finished import Finished, find_finished
from bbc_classifier.comparison.markdown import markdown
from bbc_classifier.comparison.page import page
from bbc_classifier.comparison.results import results
from bbc_classifier.figure_file import save_figure
from bbc_classifier.folders import parts_written_whole
from bbc_classifier.records import read_json, write_json, write_text

TITLES = "titles.json"
# What the folder of a report holds.
CONTENTS = frozenset({"report.html", "report.md", "results.csv", "results.json", "figures"})


def write_report(
    paths: Sequence[Path], folder: Path, *, reproduce: str, not_applicable: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Write `report.html`, `report.md`, `results.json`, `results.csv` and `figures/`, and return the results.

    Args:
        paths: Runs, folders of runs, or comparisons; put together they must be of the same data and folds.
        folder: Where to write.
        reproduce: The command that leads here.
        not_applicable: Why a pair of encoder and pooling cannot be, by its name.

    Raises:
        InputError: There is no finished run, or they do not go together.
        NoSpace: The disk is full.
    """
    finished = find_finished(list(paths))
    content = results(finished, _said(paths, "failures.json"), not_applicable or _said(paths, "not_applicable.json"))
    titles = _said(paths, TITLES)
    content["hardest"] = [{**row, "title": titles.get(row["row_id"], "")} for row in content["hardest"]]
    content["reproduce"] = reproduce
    # An earlier report is replaced by a whole one, or not at all.
    with parts_written_whole(folder) as beside:
        write_json(beside / "results.json", content)
        write_text(beside / "results.csv", table(content))
        save_figure(draw_accuracy(content["configurations"]), beside / "figures" / "accuracy.png")
        if content["learning_curves"]:
            save_figure(draw_learning_curves(content["learning_curves"]), beside / "figures" / "learning_curves.png")
        write_text(beside / "report.md", markdown(content))
        write_text(beside / "report.html", page(content, _histories(finished)))
    return content


def table(results: Mapping[str, Any]) -> str:
    """Return a CSV row per configuration, training size and seed, with every figure."""
    rows = []
    for row in results["configurations"]:
        for seed in row["per_seed"]:
            edges = {
                f"{name}_{side}": seed["intervals"][name][place]
                for name in ("accuracy", "macro_f1")
                for place, side in enumerate(("low", "high"))
            }
            cost = {name: value for name, value in row["cost"].items() if not isinstance(value, dict)}
            rows.append(
                {
                    "configuration": row["name"],
                    "group": row["letters"],
                    "encoder": row["encoder"],
                    "pooling": row["pooling"],
                    "seed": seed["seed"],
                    "n": row["n"],
                    "correct": seed["correct"],
                    **seed["metrics"],
                    **edges,
                    **cost,
                }
            )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _histories(finished: Sequence[Finished]) -> dict[str, list[dict[str, Any]]]:
    """Return the Trainer's log of the first cell of each configuration that was trained on all rows."""
    histories: dict[str, list[dict[str, Any]]] = {}
    for cell in sorted(finished, key=lambda cell: (cell.seed or 0, cell.fold or 0)):
        file = cell.folder / "history.json"
        if cell.train_size is None and file.is_file():
            histories.setdefault(cell.name, read_json(file))
    return histories


def _said(paths: Sequence[Path], name: str) -> dict[str, str]:
    """Return what the comparisons among the paths have written down in a file of this name."""
    said: dict[str, str] = {}
    for path in paths:
        if (path / name).is_file():
            said |= read_json(path / name)
    return said

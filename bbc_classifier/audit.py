"""`bbc-classifier audit`: what is in a data set, before a classifier is trained on it. Nothing is changed."""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from bbc_classifier.config import AuditArguments, DataArguments
from bbc_classifier.data.duplicates import Duplicates, find_duplicates, leaked_rows, words
from bbc_classifier.data.labels import rare_labels, read_label_map
from bbc_classifier.data.loading import read_rows
from bbc_classifier.data.splits import SPLITS
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.inference.classifier import load_tokenizer
from bbc_classifier.io import atomic_write, prepare_output_dir, slug, write_json
from bbc_classifier.model import locate_encoder
from bbc_classifier.plots import plot_label_counts, plot_lengths
from bbc_classifier.provenance import environment, peak_memory_mb, record_header, without_local_paths

logger = logging.getLogger(__name__)

TOKEN_LIMITS = (128, 256, 512)
FEW_ROWS = 10
# Control characters other than tab and line ends, and the character a decoder leaves where it failed.
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")


def audit(args: AuditArguments, data_args: DataArguments, dataset: Any = None) -> Path:
    """Examine every row of a data set and write what was found; no text is in the output.

    Options of `data_args` that split the data or leave out rows change nothing. `dataset` is data in memory, as
    `load_splits` takes it.
    Returns the output directory: `audit.json`, `pairs.csv` (duplicates by row id), `label_counts.png`, `lengths.png`.
    """
    raw = read_rows(data_args, dataset)
    if not len(raw.frame):
        raise UserError(f"--dataset: '{raw.info['name']}' has no rows")
    output_dir = Path(args.output_dir or Path("audits") / slug(raw.info["name"]))
    prepare_output_dir("--output_dir", output_dir, overwrite=args.overwrite, marker="audit.json")
    frame = raw.frame.assign(split=raw.predefined_splits or "all").reset_index(drop=True)
    split_sizes = {split: size for split in (*SPLITS, "all") if (size := int((frame["split"] == split).sum()))}
    labels = frame.explode("label", ignore_index=True)
    label_counts = pd.crosstab(labels["label"], labels["split"])
    texts = frame.dropna(subset="text").reset_index(drop=True)
    duplicates = find_duplicates(texts["text"].tolist(), near=data_args.near_duplicates)
    texts = texts.assign(hash=duplicates.hashes, words=[len(words(text)) for text in texts["text"]])
    tokens = _count_tokens(texts["text"].tolist(), args.encoder)
    texts = texts if tokens is None else texts.assign(tokens=tokens)
    row_texts, is_split = zip(texts["row_id"], texts["text"], strict=True), raw.predefined_splits is not None
    found = {
        "num_rows": len(frame),
        "num_unique_texts": texts["hash"].nunique(),
        "groups": len(set(duplicates.groups())) if data_args.near_duplicates else None,
        "split_sizes": split_sizes,
        "multi_label": raw.multi_label,
        "label_counts": label_counts.reindex(raw.label_names, columns=[*split_sizes], fill_value=0).to_dict(),
        "invalid_rows": {
            "without_text": _listed(frame["row_id"][frame["text"].isna()]),
            "without_label": _listed(frame["row_id"][frame["label"].isna()]),
            "without_text_or_label": _listed(frame["row_id"][frame["text"].isna() | frame["label"].isna()]),
            "with_unreadable_characters": _listed([row for row, text in row_texts if UNREADABLE.search(text)]),
        },
        "lengths": _lengths(texts, without_local_paths(args.encoder)) if len(texts) else None,
        "exact_duplicates": int(texts["hash"].duplicated().sum()),
        "near_duplicate_pairs": len(duplicates.near) if data_args.near_duplicates else None,
        "conflicting_labels": _conflicts(texts, duplicates),
        "leakage": _leakage(texts, duplicates) if is_split else None,
        **_similar_labels(frame, data_args),
        "rare_labels": rare_labels(frame["label"], FEW_ROWS),
    }
    record = {
        **record_header(),
        "options": without_local_paths({"encoder": args.encoder, "data": asdict(data_args)}),
        "data": raw.info,
        **found,
        "table": [{"name": name, "value": value} for name, value in _table(raw.info["name"], found)],
        "findings": [*_findings(found)],
        "peak_memory_mb": peak_memory_mb(),
        "provenance": environment(),
    }
    unit = "words" if tokens is None else "tokens"
    title, limits = f"{raw.info['name']}, {len(frame):,} rows", () if tokens is None else TOKEN_LIMITS
    with atomic_write(output_dir, keep_others=True) as tmp_dir:
        tmp_dir.mkdir()
        _pairs(texts, duplicates).to_csv(tmp_dir / "pairs.csv", index=False, lineterminator="\n", float_format="%.4f")
        plot_label_counts(found["label_counts"], tmp_dir / "label_counts.png", title=title)
        plot_lengths(texts[unit].to_numpy(int), unit, tmp_dir / "lengths.png", title=title, limits=limits)
        write_json(tmp_dir / "audit.json", record)
    return output_dir


def _count_tokens(texts: list[str], encoder: str) -> list[int] | None:
    """Return the tokens of each text, special tokens included; None where the tokenizer is not available."""
    if encoder == "none":
        return None
    try:
        location = locate_encoder(encoder)
    except ValueError as error:
        raise UserError(f"--encoder: {error}") from error
    try:
        tokenizer = load_tokenizer(location.path)
    except (UserError, EnvironmentFailure) as error:
        logger.warning("--encoder %s: tokens are not counted, words are: %s", encoder, error)
        return None
    return [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]] if texts else []


def _listed(entries: pd.Series | list[Any]) -> dict[str, Any]:
    """Return the count of all row ids, and the first hundred."""
    return {"count": len(entries), "row_ids": list(entries[:100])}


def _lengths(texts: pd.DataFrame, encoder: str) -> dict[str, Any]:
    """Return the lengths in words and tokens, over all texts and by label, and the share of texts over usual limits."""
    shares = {"min": 0.0, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    lengths: dict[str, Any] = {"words": None, "tokens": None}
    for unit in [unit for unit in lengths if unit in texts]:
        lengths[unit] = {}
        for name, values in [("all", texts[unit]), *texts.explode("label").groupby("label")[unit]]:
            summary = {kind: values.quantile(share) for kind, share in shares.items()} | {"mean": values.mean()}
            lengths[unit][name] = {kind: round(float(value), 1) for kind, value in summary.items()}
    if lengths["tokens"] is not None:
        longer = {str(limit): round(float((texts["tokens"] > limit).mean()), 4) for limit in TOKEN_LIMITS}
        lengths |= {"encoder": encoder, "share_longer_than": longer}
    return lengths


def _conflicts(texts: pd.DataFrame, duplicates: Duplicates) -> dict[str, Any]:
    """Return the row ids of texts, and of pairs of near-duplicate texts, whose rows have different labels."""
    rows_of: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for row in texts.dropna(subset="label").itertuples():
        rows_of[row.hash].append((row.row_id, row.label))
    pairs = [rows_of[one] + rows_of[other] for one, other, _ in duplicates.near]
    return {
        kind: _listed([[row_id for row_id, _ in rows] for rows in groups if len({label for _, label in rows}) > 1])
        for kind, groups in (("exact", list(rows_of.values())), ("near", pairs))
    }


def _leakage(texts: pd.DataFrame, duplicates: Duplicates) -> dict[str, Any]:
    """Return how many rows of validation and test have a duplicate in an earlier split."""
    splits, leakage = texts["split"].tolist(), {}
    present = [split for split in SPLITS if split in splits]
    for place, split in enumerate(present):
        if place and split != "train":
            either = leaked_rows(duplicates, splits, split, present[:place])
            leakage[split] = {
                "exact": len(leaked_rows(Duplicates(duplicates.hashes), splits, split, present[:place])),
                "exact_or_near": len(either),
                "share": round(len(either) / splits.count(split), 4),
                "row_ids": texts.loc[either, "row_id"].tolist(),
            }
    return leakage


def _similar_labels(frame: pd.DataFrame, data_args: DataArguments) -> dict[str, Any]:
    """Return labels that differ only in case, spaces, hyphens or underscores, and the label map that makes them one.

    The most frequent spelling is kept. The map contains the user's own, since it replaces it.
    """
    counts = Counter(name for labels in frame["label"] for name in labels or ())
    sets: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        sets[re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", name.casefold())].append(name)
    similar = [names for names in sets.values() if len(names) > 1]
    renamed = {name: names[0] for names in similar for name in names[1:]}
    given = {old: renamed.get(new, new) for old, new in read_label_map(data_args.label_map).items()}
    return {"similar_labels": similar, "suggested_label_map": given | renamed if renamed else {}}


def _pairs(texts: pd.DataFrame, duplicates: Duplicates) -> pd.DataFrame:
    """Return the duplicate pairs by row id, with labels and splits.

    The first row of a text (in train, then validation, then test) represents it: each further row is an exact pair with
    it, and two near-duplicate texts are a pair of their first rows.
    """
    rows = texts.sort_values("split", kind="stable", key=lambda splits: splits.map([*SPLITS, "all"].index))
    rows = rows.assign(label=[" | ".join(labels or ()) for labels in rows["label"]]).reset_index(drop=True)
    first = {name: row for row, name in reversed([*rows["hash"].items()])}
    pairs = [("exact", 1.0, first[name], row) for row, name in rows["hash"].items() if row != first[name]]
    pairs += [("near", score, *sorted((first[one], first[other]))) for one, other, score in duplicates.near]
    table = pd.DataFrame(pairs, columns=["kind", "similarity", "first", "second"])
    for column in ("row_id", "label", "split"):
        for end in ("first", "second"):
            table[f"{end}_{column}"] = rows.loc[table[end].astype(int), column].to_numpy()
    return table.drop(columns=["first", "second"])


def _table(name: str, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of what a person should see first."""
    sizes = ", ".join(f"{split} {size:,}" for split, size in found["split_sizes"].items() if split != "all")
    totals: Counter[str] = sum(map(Counter, found["label_counts"].values()), Counter())
    shown = [f"{label} {count:,}" for label, count in totals.most_common(8)]
    shown += [f"{len(totals) - 8} more"] if len(totals) > 8 else []
    yield "data set", name
    yield "rows", f"{found['num_rows']:,}" + (f" ({sizes})" if sizes else "")
    yield "different texts", f"{found['num_unique_texts']:,}"
    yield "labels", f"{len(totals)}: {', '.join(shown)}"
    lengths = found["lengths"] or {}
    for unit in ("words", "tokens"):
        if lengths.get(unit):
            value = "median {median:,.0f}, 99th percentile {p99:,.0f}, longest {max:,.0f}"
            yield f"{unit} per text", value.format(**lengths[unit]["all"])
    for limit, share in lengths.get("share_longer_than", {}).items():
        yield f"texts over {limit} tokens", f"{share:.1%}"
    for kind, rows in found["invalid_rows"].items():
        yield f"rows {kind.replace('_', ' ')}", f"{rows['count']:,}"
    yield "exact duplicates", f"{found['exact_duplicates']:,} rows"
    if found["near_duplicate_pairs"] is not None:
        yield "near duplicates", f"{found['near_duplicate_pairs']:,} pairs of texts"


def _findings(found: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for everything that needs attention, with the option that helps."""
    invalid, conflicts = found["invalid_rows"], found["conflicting_labels"]
    if unusable := invalid["without_text_or_label"]["count"]:
        yield f"{unusable:,} rows have no text or no label: train with --drop_invalid_rows."
    if invalid["with_unreadable_characters"]["count"]:
        yield "Some texts have unreadable characters: check the encoding of the file."
    for names in found["similar_labels"]:
        yield f"The labels {', '.join(map(repr, names))} look like one: the label map below makes them one."
    if len(set().union(*found["label_counts"].values())) < 2:
        yield "There is only one label: add rows of a second one before training."
    elif found["rare_labels"]:
        names = ", ".join(f"{name} ({count})" for name, count in [*found["rare_labels"].items()][:8])
        yield f"Labels of fewer than {FEW_ROWS} rows: {names}. --min_label_rows {FEW_ROWS} leaves them out."
    exact, near = conflicts["exact"]["count"], conflicts["near"]["count"]
    if exact or near:
        remedy = "see conflicting_labels in audit.json"
        yield f"{exact:,} texts, and {near:,} pairs of near duplicates, have different labels: {remedy}."
    for split, leak in (found["leakage"] or {}).items():
        if leak["exact_or_near"]:
            rows = f"{leak['exact_or_near']:,} {split} rows ({leak['share']:.1%})"
            remedy = "scores on them are optimistic. Train with --drop_leaked_rows"
            yield f"{rows} have a duplicate in an earlier split: {remedy}."

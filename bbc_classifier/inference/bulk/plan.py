"""What is to be answered: every file cut into blocks, each of which becomes a shard; the same for every process."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.block import Block
from bbc_classifier.data.blocks.open_blocks import open_blocks
from bbc_classifier.data.columns import choose_text_columns, listed
from bbc_classifier.data.file_source import named_paths
from bbc_classifier.data.options import ColumnArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.inference.answer_columns import refuse_taken_names
from bbc_classifier.provenance import file_sha256

# Where a row of a shard comes from.
SOURCE_COLUMNS = ("source_file", "source_row")


@dataclass(frozen=True)
class PlannedFile:
    """A file that can be read.

    Attributes:
        name: Its name, after as many of its folders as it takes to tell files apart.
        sha256: Its hash.
        modified: When it was last modified, as the system counts nanoseconds, and how many bytes it then had.
        texts: The columns of the text.
        schema: All its columns.
        blocks: Its rows.
    """

    name: str
    sha256: str
    modified: list[int]
    texts: list[str]
    schema: pa.Schema
    blocks: list[Block]

    @property
    def rows(self) -> int:
        """How many rows it has, those that cannot be read among them."""
        return sum(block.rows for block in self.blocks)

    def has_changed(self, path: Path) -> bool:
        """Whether the file is not any more as it was when it was planned.

        Raises:
            WorldError: It is gone, or may not be read any more.
        """
        try:
            return _modified(path) != self.modified and file_sha256(path) != self.sha256
        except OSError as error:
            raise WorldError(f"--input: cannot read '{path}': {error.strerror or error}") from error

    def refuse_changed(self, path: Path) -> None:
        """Check that the file still is as it was when it was planned.

        Raises:
            InputError: It has changed.
            WorldError: It is gone, or may not be read any more.
        """
        if self.has_changed(path):
            raise changed(path)

    def as_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` takes."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "modified": self.modified,
            "rows": self.rows,
            "texts": self.texts,
            "columns": self.schema.names,
            "arrow_schema": base64.b64encode(self.schema.serialize()).decode("ascii"),
            "blocks": [[block.first, block.rows, block.offset, block.line] for block in self.blocks],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "PlannedFile":
        """Return what `as_json` made plain data of."""
        return cls(
            name=content["name"],
            sha256=content["sha256"],
            modified=content["modified"],
            texts=content["texts"],
            schema=pa.ipc.read_schema(pa.py_buffer(base64.b64decode(content["arrow_schema"]))),
            blocks=[Block(*block) for block in content["blocks"]],
        )


@dataclass(frozen=True)
class Shard:
    """One block of one file, and the number of what is written for it."""

    number: int
    file: PlannedFile
    block: Block


@dataclass(frozen=True)
class Plan:
    """Every file.

    Attributes:
        files: Those that can be read, in their order.
        unreadable: Why not, by the name of each that cannot.
    """

    files: list[PlannedFile]
    unreadable: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(file.rows for file in self.files)

    def alike(self, keep: Sequence[str] | None) -> bool:
        """Whether all files have the same columns, of those that are kept; None keeps all."""
        kept = [file.schema if keep is None else [file.schema.field(name) for name in keep] for file in self.files]
        return all(columns == kept[0] for columns in kept)

    def shards(self) -> list[Shard]:
        """Return all shards, in the order of the files and of their rows."""
        blocks = [(file, block) for file in self.files for block in file.blocks]
        return [Shard(number, file, block) for number, (file, block) in enumerate(blocks)]

    def as_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` takes."""
        return {"files": [file.as_json() for file in self.files], "unreadable": self.unreadable}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Plan":
        """Return what `as_json` made plain data of."""
        return cls([PlannedFile.from_json(file) for file in content["files"]], content["unreadable"])


@dataclass(frozen=True)
class Planner:
    """Surveys files.

    Attributes:
        columns: Where their text is.
        rows: Most rows of a shard.
        keep: The columns that are kept; None keeps all.
        added: The columns that will stand beside them.
    """

    columns: ColumnArguments
    rows: int
    keep: Sequence[str] | None
    added: Sequence[str]

    def plan(self, paths: Sequence[Path]) -> Plan:
        """Survey every file.

        Raises:
            InputError: None of the files can be read.
            WorldError: None of them may be read.
        """
        files: list[PlannedFile] = []
        unreadable: dict[str, str] = {}
        faults: list[InputError | WorldError] = []
        for name, path in named_paths(paths).items():
            try:
                files.append(self._planned(path, name))
            except (InputError, WorldError) as error:
                # One damaged file must not cost the others; it is told at the end, and the exit code says so.
                faults.append(error)
                unreadable[name] = without_folder(error, path, name)
        if not files:
            raise faults[0]
        return Plan(files, unreadable)

    def changed_since(self, plan: Plan, paths: Sequence[Path]) -> Path | None:
        """Return the first file that is not as it was when the plan was made, or could not be read then and now can.

        Raises:
            WorldError: A file is gone, or may not be read any more.
        """
        by_name = named_paths(paths)
        planned = (by_name[file.name] for file in plan.files if file.has_changed(by_name[file.name]))
        mended = (by_name[name] for name in plan.unreadable if self._can_be_read(by_name[name], name))
        return next(planned, None) or next(mended, None)

    def _can_be_read(self, path: Path, name: str) -> bool:
        try:
            self._planned(path, name)
        except (InputError, WorldError):
            return False
        return True

    def _planned(self, path: Path, name: str) -> PlannedFile:
        modified = _modified(path)
        schema, blocks = open_blocks(path, self.columns.delimiter).survey(self.rows)
        place = f"'{path}'"
        texts = choose_text_columns(place, schema.names, self.columns.text_column)
        for missing in set(self.keep or ()) - set(schema.names):
            raise InputError(f"--keep_columns: {place} has no column '{missing}'; it has {listed(schema.names)}")
        for text in texts:
            kind = schema.field(text).type
            if pa.types.is_null(kind):
                kind = pa.string()
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise InputError(f"{place}, column '{text}': holds {kind}, not text")
            # Where some rows of it hold something else, these are bad rows, and it is no column of mixed kinds.
            schema = schema.set(schema.get_field_index(text), pa.field(text, kind))
        refuse_taken_names(place, schema.names if self.keep is None else self.keep, self.added)
        return PlannedFile(name, file_sha256(path), modified, texts, schema, blocks)


def without_folder(error: Exception, path: Path, name: str) -> str:
    """Return what an error says of a file, with its short name: what is kept tells no folder of this machine."""
    return str(error).replace(str(path), name)


def changed(path: Path) -> InputError:
    """Return the refusal of a file that is not as it was."""
    return InputError(
        f"--input: '{path}' has changed since its first rows were answered; add --overwrite or choose another --output"
    )


def _modified(path: Path) -> list[int]:
    """Return when a file was modified, and its bytes.

    Asked before a file is read: one that is written to meanwhile has changed.
    """
    now = path.stat()
    return [now.st_mtime_ns, now.st_size]

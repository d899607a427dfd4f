"""The folder that answers go to: what was planned, which shards are whole, and at last what it all came to."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from bbc_classifier.data.blocks.block import BadRow
from bbc_classifier.data.formats.write import write_table
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.folders import check_output_folder
from bbc_classifier.inference.bulk.plan import Plan, Shard
from bbc_classifier.inference.bulk.sealed_note import read_note, write_note
from bbc_classifier.provenance import file_sha256, provenance
from bbc_classifier.records import written_whole

# The file that marks a folder as ours holds what was asked for and what is to be done.
KIND = "predictions"
CONTENTS = frozenset({"predictions.json", "shards", "done", "bad_rows.jsonl", "summary.json"})


@dataclass(frozen=True)
class ShardOutcome:
    """What became of a shard's rows.

    Attributes:
        rows: How many were answered.
        labels: How many got each label; "" is no label.
        truncated: How many were longer than the classifier reads.
        seconds: How long it took.
        bad: Those that could not be answered.
    """

    rows: int
    labels: dict[str, int]
    truncated: int
    seconds: float
    bad: list[BadRow] = field(default_factory=list)


class BulkFolder:
    """A folder of answers.

    Attributes:
        path: The folder.
        shards: The folder in it that holds the answers, one file a shard, in the order of the rows.
        bad_rows: Every row that could not be answered, one JSON object a line; written at the end.
        summary: What it all came to; written last.
    """

    def __init__(self, path: Path, shard_format: str):
        self.path = path
        self.shards = path / "shards"
        self.bad_rows = path / "bad_rows.jsonl"
        self.summary = path / "summary.json"
        self._marker = path / f"{KIND}.json"
        # Of each shard a note, written after it: what is without one is not done.
        self._done = path / "done"
        self._format = shard_format

    @property
    def is_finished(self) -> bool:
        """Whether everything is there."""
        return self.summary.is_file()

    def holds(self, asked: Mapping[str, Any]) -> bool:
        """Whether the folder holds answers, some or all, to this very request."""
        return (read_note(self._marker) or {}).get("asked") == asked

    def plan(self) -> Plan:
        """Return what was planned for the request that the folder holds."""
        return Plan.from_json((read_note(self._marker) or {})["plan"])

    def check(self, asked: Mapping[str, Any], *, overwrite: bool) -> None:
        """Check that a request can be begun here, before any work is done.

        Raises:
            InputError: The folder holds something that must stay: answers to another request, or no answers of ours.
        """
        if self._marker.is_file() and not overwrite:
            before = (read_note(self._marker) or {}).get("asked", {})
            name = next((name for name in asked if before.get(name) != asked[name]), "")
            said = (
                f"{name} was {before[name]!r}, not {asked[name]!r}"
                if name in before
                else f"{self._marker.name} is damaged"
            )
            raise InputError(
                f"--output: '{self.path}' holds answers to another request: {said}; add --overwrite or choose another "
                "folder"
            )
        check_output_folder(self.path, overwrite=overwrite, kind=KIND, contents=CONTENTS, flag="--output")

    def start(self, asked: Mapping[str, Any], plan: Plan) -> None:
        """Begin a request anew.

        Raises:
            WorldError: The folder cannot be written.
        """
        try:
            self._clear()
            write_note(self._marker, {"asked": dict(asked), "plan": plan.as_json()})
        except OSError as error:
            raise WorldError(f"--output: cannot write to '{self.path}': {error.strerror or error}") from error

    def _clear(self) -> None:
        """Remove what was answered before, where it lies: the folder may be a link, or a disk of its own.

        The marker stays until the next one takes its place: a process that is killed meanwhile leaves a request that is
        not finished, and can be gone on with.
        """
        self.summary.unlink(missing_ok=True)
        self.bad_rows.unlink(missing_ok=True)
        for folder in (self._done, self.shards):
            if folder.exists():
                shutil.rmtree(folder)

    def shard(self, number: int) -> Path:
        """Return where a shard lies."""
        return self.shards / f"shard-{number:06d}.{self._format}"

    def is_done(self, number: int) -> bool:
        """Whether a shard is there as it was written."""
        note, shard = read_note(self._note(number)), self.shard(number)
        return note is not None and shard.is_file() and note["sha256"] == file_sha256(shard)

    def write(self, shard: Shard, table: pa.Table, outcome: ShardOutcome) -> None:
        """Write a shard's answers, and then the note that they are there.

        Raises:
            WorldError: There is no space, or no permission.
        """
        path = self.shard(shard.number)
        write_table(path, table, line="prediction")
        content = {"file": shard.file.name, "sha256": file_sha256(path), **asdict(outcome)}
        try:
            write_note(self._note(shard.number), content)
        except OSError as error:
            raise WorldError(f"--output: cannot write to '{self.path}': {error.strerror}") from error

    def finish(self, plan: Plan, classifier: Mapping[str, Any]) -> dict[str, Any]:
        """Write the bad rows and the summary, remove the notes, and return the summary.

        Args:
            plan: What was to be done.
            classifier: What the summary says of the classifier.

        Raises:
            WorldError: There is no space, or no permission.
        """
        totals: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        try:
            with written_whole(self.bad_rows) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
                for note in self._notes(plan):
                    labels.update(note["labels"])
                    totals.update({name: note[name] for name in ("rows", "truncated", "seconds")})
                    totals["bad"] += len(note["bad"])
                    file.writelines(
                        json.dumps({"source_file": note["file"], **bad}, ensure_ascii=False) + "\n"
                        for bad in note["bad"]
                    )
            summary = {
                **classifier,
                "rows": totals["rows"],
                "bad_rows": totals["bad"],
                "truncated": totals["truncated"],
                "labels": dict(labels.most_common()),
                "seconds": round(totals["seconds"], 2),
                "shards": len(plan.shards()),
                "unreadable_files": plan.unreadable,
                "provenance": provenance(),
            }
            write_note(self.summary, summary)
        except OSError as error:
            raise WorldError(f"--output: cannot write to '{self.path}': {error.strerror}") from error
        self.forget_notes()
        return summary

    def finished(self) -> dict[str, Any]:
        """Return the summary.

        Raises:
            InputError: It is damaged.
        """
        summary = read_note(self.summary)
        if summary is None:
            raise InputError(f"'{self.summary}' is damaged; remove it, and the same command answers anew")
        self.forget_notes()
        return summary

    def reopen_unless_whole(self, plan: Plan) -> None:
        """Take back that everything is there where a shard is gone since; all are then answered again."""
        if self.is_finished and not all(self.shard(shard.number).is_file() for shard in plan.shards()):
            self.summary.unlink()

    def forget_notes(self) -> None:
        """Remove what tells which shards are done, once all are."""
        shutil.rmtree(self._done, ignore_errors=True)

    def _note(self, number: int) -> Path:
        return self._done / f"{number:06d}.json"

    def _notes(self, plan: Plan) -> Iterator[dict[str, Any]]:
        for shard in plan.shards():
            yield read_note(self._note(shard.number)) or {}

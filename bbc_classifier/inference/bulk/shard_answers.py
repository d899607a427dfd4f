"""The rows of one shard: read, answered, and written with where they come from."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bbc_classifier.data.blocks.block import BadRow, BlockFile, BlockRows
from bbc_classifier.data.blocks.open_blocks import open_blocks
from bbc_classifier.data.broken_rows import broken_texts
from bbc_classifier.data.file_source import named_paths
from bbc_classifier.data.formats.spreadsheet import spreadsheet_safe
from bbc_classifier.data.labelled_table import joined_text
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.inference.answer_columns import answer_columns
from bbc_classifier.inference.bulk.folder import BulkFolder, ShardOutcome
from bbc_classifier.inference.bulk.plan import SOURCE_COLUMNS, Shard, without_folder
from bbc_classifier.inference.classifier import Prediction, TextClassifier
from bbc_classifier.inference.options import PredictArguments

# So many texts are answered at a time: like lengths stand together, and a person sees that it goes on.
TEXTS_AT_ONCE = 1000
NO_LABEL = ""


class ShardAnswers:
    """Answers shards into a folder.

    Attributes:
        classifier: What answers.
        folder: Where the answers go.
        options: What is kept, and how answers are cut.
    """

    def __init__(
        self,
        classifier: TextClassifier,
        folder: BulkFolder,
        paths: Sequence[Path],
        options: PredictArguments,
        delimiter: str | None,
    ):
        """Join what answers and where to.

        Args:
            classifier: What answers.
            folder: Where the answers go.
            paths: The planned files.
            options: What is kept, and how answers are cut.
            delimiter: Between the cells of CSV and TSV; None means what the ending says.
        """
        self.classifier, self.folder, self.options = classifier, folder, options
        self._paths = named_paths(paths)
        # The one that was read last may go on where it was.
        self._open: Callable[[str], BlockFile] = lru_cache(1)(lambda name: open_blocks(self._paths[name], delimiter))

    def one_by_one(self, shards: Iterable[Shard], went_on: Callable[[int], object]) -> Iterator[Shard]:
        """Answer shards in their order; yield each once it is written.

        Raises:
            InputError: The classifier's outputs are no numbers.
            WorldError: A shard cannot be written.
        """
        for shard in shards:
            self.answer(shard, went_on)
            yield shard

    def answer(self, shard: Shard, went_on: Callable[[int], object]) -> None:
        """Answer the rows of a shard and write it.

        Args:
            shard: The shard.
            went_on: Told of how many rows more are done, bad ones among them.

        Raises:
            InputError: The classifier's outputs are no numbers, or the file has changed.
            WorldError: The file cannot be read, or the shard not be written.
        """
        started = time.perf_counter()
        rows = self._read(shard)
        texts = joined_text(shard.file.name, rows.table, shard.file.texts)
        broken = broken_texts(texts)
        good = [index for index in range(rows.table.num_rows) if index not in broken]
        bad = [*rows.bad, *(BadRow(rows.numbers[index], rows.lines[index], why) for index, why in broken.items())]
        went_on(len(bad))
        answers = self._answers(texts.take(pa.array(good, pa.int64())).to_pylist(), went_on)
        outcome = ShardOutcome(
            rows=len(answers),
            labels=dict(Counter(label for answer in answers for label in answer.labels or [NO_LABEL])),
            truncated=sum(answer.truncated for answer in answers),
            seconds=round(time.perf_counter() - started, 3),
            bad=sorted(bad, key=lambda row: row.row),
        )
        self.folder.write(shard, self._table(shard, rows, good, answers), outcome)

    def _read(self, shard: Shard) -> BlockRows:
        """Return the rows, none of them where the file is damaged.

        Raises:
            InputError: The file has changed.
            WorldError: It is gone, or may not be read any more.
        """
        block, file = shard.block, shard.file
        try:
            return self._open(file.name).read(block, file.schema, file.texts)
        except InputError as error:
            # Of a file that is gone or another by now, no row is bad.
            file.refuse_changed(self._paths[file.name])
            reason = without_folder(error, self._paths[file.name], file.name)
            numbers = range(block.first + 1, block.first + 1 + block.rows)
            return BlockRows(file.schema.empty_table(), [], [], [BadRow(row, None, reason) for row in numbers])
        except OSError as error:
            raise WorldError(f"--input: cannot read '{file.name}': {error.strerror or error}") from error

    def _answers(self, texts: list[str], went_on: Callable[[int], object]) -> list[Prediction]:
        answers: list[Prediction] = []
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            some = texts[first : first + TEXTS_AT_ONCE]
            answers += self.classifier.predict(
                some, top_k=self.options.top_k, min_confidence=self.options.min_confidence
            )
            went_on(len(some))
        return answers

    def _table(self, shard: Shard, rows: BlockRows, good: list[int], answers: list[Prediction]) -> pa.Table:
        kept = rows.table.take(pa.array(good, pa.int64()))
        if self.options.keep_columns is not None:
            kept = kept.select(self.options.keep_columns)
        source = {
            SOURCE_COLUMNS[0]: pa.repeat(shard.file.name, len(good)),
            SOURCE_COLUMNS[1]: pc.take(pa.array(rows.numbers, pa.int64()), pa.array(good, pa.int64())),
        }
        columns = {**source, **{name: kept[name] for name in kept.column_names}}
        table = pa.table({**columns, **answer_columns(self.classifier, answers)})
        return spreadsheet_safe(table) if self.options.spreadsheet_safe else table

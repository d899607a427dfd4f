"""Every reader: which whole files it gets, what is damaged of them, and the command that then reads them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzzing.damage import Damage, damaged_header, described_again, of_file, one_of, sealed_again
from tests.fuzzing.mutations import damaged_json, damaged_yaml, mutated_bytes
from tests.fuzzing.odd_folders import damaged_folder
from tests.fuzzing.parquet_bombs import damaged_parquet, spoilt_parquet
from tests.fuzzing.specimens import ANSWER, COMPARE, TRAIN, TRAIN_STEPS

# Data that are in order get as far as the encoder, which is not.
ENCODER = "--encoder unreadable cannot be loaded"
TRAIN_ON = ["train", "--encoder", "unreadable", "--output_dir", "out", "--near_duplicates", "false"]
SHORT = ["--max_length", "16"]
PREDICT = ["predict", "--model", "classifier", "--output"]
SAFETENSORS = "model.safetensors"


@dataclass(frozen=True)
class Reader:
    """A reader, as it is called.

    Attributes:
        kind: Under which name of the record it counts.
        files: What is copied for each case; files and folders of the specimens.
        damage: Damages one of them, in the case's folder.
        commands: The command lines that read it; a case runs one of them.
        accepted: What the message of a refusal holds that only undamaged files come to.
        needs: "tables", "models" or "runs": how much of the specimens must be there.
        at_most: The longest that a case may take, in seconds.
        most_mib: How much memory it may take beside a multiple of what it reads, in MiB.
        works_on: Whether the command leaves what it has done so far where it stops: it goes on there the next time.
    """

    kind: str
    files: Sequence[str]
    damage: Damage
    commands: Sequence[Sequence[str]]
    accepted: str = ""
    needs: str = "models"
    at_most: float = 20
    works_on: bool = False
    most_mib: float = 400


def _table(ending: str, change: Callable[[bytes, Random], bytes] = mutated_bytes) -> Reader:
    file = f"rows.{ending}"
    trains = [] if ending == "txt" else [[*TRAIN_ON, *SHORT, "--dataset", file]]
    out = {"json": "jsonl"}.get(ending, ending)
    columns = ["--text_column", "text"]
    commands = [[*PREDICT, f"out.{out}", "--input", file, *columns], [*PREDICT, "out.csv", "--input", file], *trains]
    files = [file, "classifier", "unreadable"]
    # Of a small file that unpacks to a large one, half of the free memory is read.
    most = {"most_mib": 1600} if ending == "parquet" else {}
    return Reader(ending.upper(), files, of_file(file, change), commands, ENCODER, **most)


def _bulk(ending: str, change: Callable[[bytes, Random], bytes] = mutated_bytes) -> Reader:
    """Return the reader of blocks: what cannot be read costs its rows, and the folder goes on the next time."""
    file = f"rows.{ending}"
    commands = [
        ["predict", "--model", "classifier", "--output", "out", "--input", file, "--shard_rows", rows, *more]
        for rows, more in (("4", []), ("100", ["--shard_format", "csv", "--text_column", "text"]))
    ]
    return Reader(f"{ending.upper()} in blocks", [file, "classifier"], of_file(file, change), commands, works_on=True)


def _json(content: bytes, rng: Random) -> bytes:
    return damaged_json(content, rng) if rng.random() < 0.6 else mutated_bytes(content, rng)


def _json_lines(content: bytes, rng: Random) -> bytes:
    if rng.random() < 0.4:
        return mutated_bytes(content, rng)
    lines = content.splitlines(keepends=True)
    row = rng.randrange(len(lines))
    lines[row] = damaged_json(lines[row].strip(), rng) + b"\n"
    return b"".join(lines)


RUN = ["run"]
CARD = ["card", "run", "--output", "out.md"]
PUSH_DRY = ["push", "run", "--repo_id", "ann/news", "--license", "mit", "--dry_run", "--output_dir", "out"]
REPORT = ["report", "comparison", "--output_dir", "out"]
CELL = "comparison/runs/encoder-mean-seed42"
MODEL_PREDICT = [["predict", "--model", "classifier", "a goal", "shares fell"]]

READERS: dict[str, Reader] = {
    "csv": _table("csv"),
    "tsv": _table("tsv"),
    "txt": _table("txt"),
    "json": _table("json", _json),
    "jsonl": _table("jsonl", _json_lines),
    "parquet": _table("parquet", damaged_parquet),
    "bulk csv": _bulk("csv"),
    "bulk tsv": _bulk("tsv"),
    "bulk txt": _bulk("txt"),
    "bulk json": _bulk("json", _json),
    "bulk jsonl": _bulk("jsonl", _json_lines),
    # No bombs: what unpacks to more than memory holds is read to its end, which takes as long as its rows do.
    "bulk parquet": _bulk("parquet", spoilt_parquet),
    "bulk plan": Reader(
        "records",
        ["answers", "rows.jsonl", "classifier"],
        of_file("answers/predictions.json", damaged_json),
        [ANSWER, [*ANSWER, "--overwrite"]],
        works_on=True,
    ),
    "class folders": Reader(
        "folders", ["news", "unreadable"], damaged_folder, [[*TRAIN_ON, *SHORT, "--dataset", "news"]], ENCODER
    ),
    "config": Reader(
        "YAML",
        ["config.yaml", "rows.csv", "unreadable"],
        of_file("config.yaml", damaged_yaml),
        [[*TRAIN_ON, "--config", "config.yaml", "--dataset", "rows.csv"]],
        ENCODER,
    ),
    "label map": Reader(
        "YAML",
        ["labels.yaml", "rows.csv", "unreadable"],
        of_file("labels.yaml", damaged_yaml),
        [[*TRAIN_ON, *SHORT, "--label_map", "labels.yaml", "--dataset", "rows.csv"]],
        ENCODER,
    ),
    "card": Reader("cards", RUN, of_file("run/record.json", damaged_json), [CARD], needs="runs"),
    "standing": Reader(
        "cards",
        ["comparison"],
        of_file("comparison/results.json", damaged_json),
        [["card", CELL, "--comparison", "comparison", "--output", "out.md"]],
        needs="runs",
    ),
    "push": Reader(
        "records",
        RUN,
        one_of(
            of_file("run/record.json", damaged_json),
            of_file("run/export/onnx/export.json", damaged_json),
        ),
        [PUSH_DRY, [*PUSH_DRY, "--onnx"]],
        needs="runs",
    ),
    "report": Reader(
        "records",
        ["comparison"],
        one_of(
            of_file(f"{CELL}/record.json", damaged_json),
            of_file(f"{CELL}/record.json", damaged_json),
            of_file(f"{CELL}/record.json", damaged_json),
            of_file(f"{CELL}/predictions/test.parquet", damaged_parquet),
            of_file(f"{CELL}/history.json", damaged_json),
            of_file("comparison/runs/tfidf-svm/record.json", damaged_json),
            of_file("comparison/titles.json", damaged_json),
            of_file("comparison/failures.json", damaged_json),
            of_file("comparison/not_applicable.json", damaged_json),
        ),
        [REPORT],
        needs="runs",
    ),
    "compare": Reader(
        "records",
        ["comparison", "encoder", "rows.jsonl"],
        one_of(
            of_file("comparison/comparison.json", damaged_json),
            of_file(f"{CELL}/record.json", damaged_json),
            of_file(f"{CELL}/options.json", damaged_json),
        ),
        [COMPARE],
        needs="runs",
        at_most=60,
        works_on=True,
    ),
    "run folder": Reader(
        "records",
        ["run", "rows.jsonl", "encoder"],
        one_of(*(of_file(f"run/{name}.json", damaged_json) for name in ("options", "split", "seen_texts", "record"))),
        [
            ["evaluate", "--model", "run", "--output_dir", "out"],
            ["evaluate", "--model", "run", "--output_dir", "out", "--dataset", "rows.jsonl", "--remove_leaks"],
            [*TRAIN, "--pooling", "pooler", "--max_steps", "2", "--output_dir", "run"],
        ],
        needs="runs",
        at_most=60,
    ),
    "resume state": Reader(
        "checkpoints",
        ["stopped", "rows.jsonl", "encoder"],
        one_of(
            sealed_again("sealed.json", damaged_json),
            sealed_again("trainer_state.json", damaged_json),
            sealed_again("trainer_state.json", damaged_json),
            of_file("stopped/split.json", damaged_json),
        ),
        [[*TRAIN_STEPS, "--output_dir", "stopped", "--resume_from_checkpoint"]],
        needs="runs",
        at_most=60,
    ),
    "model config": Reader(
        "checkpoints", ["classifier"], of_file("classifier/config.json", damaged_json), MODEL_PREDICT
    ),
    "tokenizer": Reader(
        "checkpoints",
        ["classifier"],
        one_of(*(of_file(f"classifier/{name}.json", damaged_json) for name in ("tokenizer", "tokenizer_config"))),
        MODEL_PREDICT,
    ),
    "weights": Reader(
        "checkpoints", ["classifier"], of_file(f"classifier/{SAFETENSORS}", damaged_header), MODEL_PREDICT
    ),
    "described weights": Reader(
        "checkpoints",
        RUN,
        one_of(
            of_file("run/record.json", damaged_json),
            described_again("run/record.json", "model", f"run/model/{SAFETENSORS}", damaged_header),
        ),
        [["predict", "--model", "run", "a goal", "shares fell"]],
        needs="runs",
    ),
    "export": Reader(
        "checkpoints",
        RUN,
        one_of(
            of_file("run/export/onnx/export.json", damaged_json),
            *(
                described_again(f"{folder}/export.json", "exported", f"{folder}/config.json", damaged_json)
                for folder in ("run/export/onnx", "run/export/transformers")
            ),
        ),
        [["predict", "--model", f"run/export/{form}", "a goal", "shares fell"] for form in ("onnx", "transformers")],
        needs="runs",
    ),
    "encoder": Reader(
        "checkpoints",
        ["encoder", "rows.csv"],
        one_of(
            of_file("encoder/config.json", damaged_json),
            of_file("encoder/tokenizer.json", damaged_json),
            of_file("encoder/tokenizer_config.json", damaged_json),
            of_file(f"encoder/{SAFETENSORS}", damaged_header),
        ),
        [[*TRAIN, "--dataset", "rows.csv", "--max_steps", "1", "--output_dir", "out"]],
        at_most=60,
        works_on=True,
    ),
}

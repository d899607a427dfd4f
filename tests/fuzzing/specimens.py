"""Whole files of every kind that a command reads, made once by the commands themselves and then only copied."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from bbc_classifier.cli import main
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification
from bbc_classifier.records import write_json
from tests.data.stories import stories, write_csv
from tests.tiny import save_tiny_encoder, tiny_config, tiny_tokenizer

ROWS = stories("business", "sport", each=9)
QUICK = ["--max_length", "16", "--per_device_train_batch_size", "8", "--disable_tqdm", "true", "--use_cpu", "true"]
TRAIN = ["train", "--encoder", "encoder", "--dataset", "rows.jsonl", *QUICK]
TRAIN_STEPS = [*TRAIN, "--max_steps", "3", "--save_strategy", "steps", "--save_steps", "1", "--eval_strategy", "steps"]
TRAIN_STEPS += ["--eval_steps", "1"]
ANSWER = ["predict", "--model", "classifier", "--input", "rows.jsonl", "--output", "answers", "--shard_rows", "5"]
COMPARE = ["compare", "--encoders", "encoder", "--poolings", "mean", "--dataset", "rows.jsonl", *QUICK]
COMPARE += ["--max_steps", "2", "--output_dir", "comparison"]
CONFIG = """learning_rate: 2.0e-5
num_train_epochs: 1
max_length: 16
text_column: [text]
label_map: [sport=games]
pooling: mean
near_duplicates: true
lr_scheduler_kwargs: {a: 1}
report_to: none
seed: 7
"""


def make_tables(folder: Path) -> None:
    """Write eighteen short articles of two labels in every format, and as class folders."""
    write_csv(folder / "rows.csv", ROWS)
    (folder / "rows.tsv").write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS))
    records = [{"text": text, "label": label, "words": [1, 2], "more": {"id": 7}} for text, label in ROWS]
    write_json(folder / "rows.json", records)
    (folder / "rows.jsonl").write_text("".join(pa_line(record) for record in records))
    arrow_parquet.write_table(pa.Table.from_pylist(records), folder / "rows.parquet", compression="zstd")
    (folder / "rows.txt").write_text("".join(f"{text}\n" for text, _ in ROWS))
    for number, (text, label) in enumerate(ROWS):
        file = folder / "news" / label / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "labels.yaml").write_text("sport: games\nbusiness: money\n'1': one\n")


def pa_line(record: dict) -> str:
    import json

    return json.dumps(record) + "\n"


def make_models(folder: Path) -> None:
    """Write a tiny encoder, one that cannot be loaded, and a tiny classifier of business and sport."""
    save_tiny_encoder(folder / "encoder")
    unreadable = save_tiny_encoder(folder / "unreadable") / "model.safetensors"
    unreadable.write_bytes(unreadable.read_bytes()[:2000])
    labels = {"id2label": {0: "business", 1: "sport"}, "label2id": {"business": 0, "sport": 1}}
    config = PooledEncoderConfig(encoder_config=tiny_config(), max_input_tokens=16, **labels)
    PooledEncoderForSequenceClassification(config).save_pretrained(folder / "classifier")
    tiny_tokenizer().save_pretrained(folder / "classifier")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(ANSWER) == 0
    # What is planned and not yet answered.
    (folder / "answers" / "summary.json").unlink()
    shutil.rmtree(folder / "answers" / "shards")


def make_runs(folder: Path) -> None:
    """Train a run, one that stops on its way, and a comparison; export the first."""
    from bbc_classifier.training.non_finite_loss import StopOnNonFiniteLoss

    def stop(self: object, args: object, state: object, control: object, **kwargs: object) -> None:
        if state.global_step == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*TRAIN, "--pooling", "pooler", "--max_steps", "2", "--output_dir", "run"]) == 0
        assert main(["export", "run", "--format", "transformers", "--measure", "false"]) == 0
        assert main(["export", "run", "--format", "onnx", "--measure", "false"]) == 0
        assert main(COMPARE) == 0
        patch.setattr(StopOnNonFiniteLoss, "on_step_end", stop)
        assert main([*TRAIN_STEPS, "--output_dir", "stopped"]) == 130
    shutil.rmtree(folder / "comparison" / "figures", ignore_errors=True)


def make_all(folder: Path) -> Path:
    """Make everything; takes some ten seconds."""
    make_tables(folder)
    make_models(folder)
    make_runs(folder)
    return folder

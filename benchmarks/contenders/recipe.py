"""A recipe of this package, by the function that `bbc-classifier train` calls, on the rows the others are given."""

import json

from task import FORWARD, FORWARD_AND_BACKWARD, Rows, Task, Work, read_task
from transformers import AutoTokenizer

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.evaluation.predictions import read_given
from bbc_classifier.records import read_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments
from bbc_classifier.training.recipe_arguments import recipe_arguments
from bbc_classifier.training.run import train
from bbc_classifier.training.run_folder import RunFolder


def write_rows(task: Task, rows: Rows, name: str) -> str:
    """Write rows as JSON Lines; return the file's name."""
    file = task.model / f"{name}.jsonl"
    lines = [
        json.dumps({"text": text, "label": task.labels[label]})
        for text, label in zip(rows.texts, rows.labels, strict=True)
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def work_of(run: RunFolder, task: Task) -> Work:
    """Return the matrix work of a finished run: each text read for the probe, and trained on in every epoch."""
    record = read_json(run.record)
    data, config = record["options"]["data"], read_json(run.model / "config.json")["encoder_config"]
    encoded = encode_texts(
        AutoTokenizer.from_pretrained(run.model),
        task.train.texts,
        data["max_length"],
        data["truncation"],
        distinct=data["distinct_tokens"],
    )
    epochs = record["training"]["epochs"]
    return Work(
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        inner=config["intermediate_size"],
        lengths=[len(ids) for ids in encoded.input_ids] * max(1, round(epochs)),
        passes=FORWARD_AND_BACKWARD if epochs else FORWARD,
        seconds=record["seconds"]["train"],
    )


if __name__ == "__main__":
    task = read_task()
    files = {f"{side}_file": write_rows(task, getattr(task, side), side) for side in ("train", "validation", "test")}
    model, data, training = recipe_arguments(
        task.options["recipe"], seed=task.seed, encoder=task.encoder, **files, **task.options.get("overrides", {})
    )
    arguments = ClassifierTrainingArguments(**training, output_dir=str(task.model / "run"), disable_tqdm=True)
    run = train(model, data, arguments)
    # Evaluation comes after the model lies there whole.
    task.saved(max(file.stat().st_mtime for file in run.model.iterdir()))
    names = read_json(run.record)["model"]["labels"]
    given = read_given(run.path / "predictions" / "test.parquet", names)
    task.finish([task.labels.index(names[int(label)]) for label in given], work_of(run, task))

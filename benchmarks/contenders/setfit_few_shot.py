"""SetFit on a few articles of each class: contrastive pairs, then a head, its defaults but for a bound on the steps."""

import random
import time

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from task import FORWARD_AND_BACKWARD, Task, Work, read_task


def few_of_each(task: Task) -> Dataset:
    """Return as many training articles of each class as the task asks for, drawn by its seed."""
    rows = list(zip(task.train.texts, task.train.labels, strict=True))
    random.Random(task.seed).shuffle(rows)
    chosen = [
        row
        for label in range(len(task.labels))
        for row in [row for row in rows if row[1] == label][: task.options["per_class"]]
    ]
    texts, labels = zip(*chosen, strict=True)
    return Dataset.from_dict({"text": texts, "label": labels})


if __name__ == "__main__":
    task = read_task()
    rows = few_of_each(task)
    model = SetFitModel.from_pretrained(task.options["sentence_encoder"])
    arguments = TrainingArguments(
        output_dir=str(task.model / "steps"),
        max_steps=task.options["max_steps"],
        seed=task.seed,
        report_to="none",
        save_strategy="no",
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    model.save_pretrained(str(task.model / "model"))
    task.saved()
    encoder = model.model_body
    config = encoder[0].auto_model.config
    token_ids = encoder.tokenizer(rows["text"][:], truncation=True, max_length=encoder.max_seq_length)["input_ids"]
    # A step reads both texts of each pair of its batch; which texts those were is not told, so each counts as average.
    average = round(sum(map(len, token_ids)) / len(token_ids))
    steps = trainer.st_trainer.state.global_step
    work = Work(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=config.intermediate_size,
        lengths=[average] * (steps * 2 * arguments.embedding_batch_size),
        passes=FORWARD_AND_BACKWARD,
        seconds=seconds,
    )
    task.finish([int(label) for label in model.predict(task.test.texts)], work)

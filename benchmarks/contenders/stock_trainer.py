"""The stock recipe: `AutoModelForSequenceClassification` and the Trainer as they come, padded to 128 tokens.

The values are those of the library's own text classification example (128 tokens, 2e-5, 3 epochs) and of its guide
(batches of 16); everything else is the Trainer's default, fp32 included.
"""

import time

import numpy as np
from datasets import Dataset
from task import FORWARD_AND_BACKWARD, Rows, Work, read_task
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed

TOKENS, BATCH, EPOCHS, LEARNING_RATE = 128, 16, 3, 2e-5

if __name__ == "__main__":
    task = read_task()
    epochs, length = task.options.get("epochs", EPOCHS), task.options.get("tokens", TOKENS)
    set_seed(task.seed)
    tokenizer = AutoTokenizer.from_pretrained(task.encoder)
    model = AutoModelForSequenceClassification.from_pretrained(
        task.encoder, num_labels=len(task.labels), id2label=dict(enumerate(task.labels))
    )

    def encoded(rows: Rows) -> Dataset:
        """Return rows as the Trainer takes them."""
        tokens = tokenizer(rows.texts, truncation=True, max_length=length, padding="max_length")
        return Dataset.from_dict({**tokens, "labels": rows.labels})

    arguments = TrainingArguments(
        output_dir=str(task.model),
        per_device_train_batch_size=BATCH,
        num_train_epochs=epochs,
        learning_rate=LEARNING_RATE,
        seed=task.seed,
        report_to="none",
        save_strategy="no",
    )
    rows = encoded(task.train)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    trainer.save_model()
    task.saved()
    config = model.config
    work = Work(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=config.intermediate_size,
        lengths=[length] * round(len(rows) * arguments.num_train_epochs),
        passes=FORWARD_AND_BACKWARD,
        seconds=seconds,
    )
    task.finish(np.argmax(trainer.predict(encoded(task.test)).predictions, axis=1), work)

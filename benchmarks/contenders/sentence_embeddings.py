"""sentence-transformers as it comes: embeddings of the texts, and a logistic regression."""

import time

import joblib
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from task import FORWARD, Work, read_task

if __name__ == "__main__":
    task = read_task()
    encoder = SentenceTransformer(task.options["sentence_encoder"])
    started = time.perf_counter()
    vectors = encoder.encode(task.train.texts)
    regression = LogisticRegression(max_iter=1000).fit(vectors, task.train.labels)
    seconds = time.perf_counter() - started
    encoder.save(str(task.model / "encoder"))
    joblib.dump(regression, task.model / "regression.joblib")
    task.saved()
    config = encoder[0].auto_model.config
    token_ids = encoder.tokenizer(task.train.texts, truncation=True, max_length=encoder.max_seq_length)["input_ids"]
    work = Work(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=config.intermediate_size,
        lengths=[len(ids) for ids in token_ids],
        passes=FORWARD,
        seconds=seconds,
    )
    task.finish(regression.predict(encoder.encode(task.test.texts)), work)

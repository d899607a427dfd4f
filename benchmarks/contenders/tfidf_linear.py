"""TF-IDF of words and pairs of words, and a linear SVM: no encoder."""

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from task import read_task

if __name__ == "__main__":
    task = read_task()
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC())
    pipeline.fit(task.train.texts, task.train.labels)
    joblib.dump(pipeline, task.model / "pipeline.joblib")
    task.saved()
    task.finish(pipeline.predict(task.test.texts))

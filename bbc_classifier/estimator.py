"""A scikit-learn estimator over training, prediction, evaluation and publishing: `TextClassifier`."""

import dataclasses
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from bbc_classifier.config import DataArguments, ModelArguments, PushArguments, TrainArguments
from bbc_classifier.data.labels import read_label_map, read_labels
from bbc_classifier.data.loading import has_titles, labels_to_array
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.evaluate import length_report
from bbc_classifier.evaluation.metrics import classification_report
from bbc_classifier.hub.push import push
from bbc_classifier.inference.classifier import Prediction, Predictor
from bbc_classifier.inference.explain import Explanation, explain
from bbc_classifier.io import atomic_write, prepare_output_dir
from bbc_classifier.training.train import train

GROUPS = (ModelArguments, DataArguments, TrainArguments)
# Fields of the data options that say where rows come from; `fit` is given them.
NOT_PARAMETERS = frozenset(
    "dataset dataset_config dataset_revision train_file validation_file test_file text_column label_column "
    "label_separator delimiter encoding quoting folds fold push_to_hub hub_model_id hub_private_repo hub_revision "
    "hub_license hub_token resume_from_checkpoint trainer_kwargs".split()
)
# `fit` trains on every row but those that calibrate; rows to test with are the caller's.
DEFAULTS = {"test_fraction": 0.0}


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Fine-tunes an encoder on texts and classifies others; an estimator for scikit-learn's tools.

    `clone`, `cross_val_score`, `GridSearchCV` and `Pipeline` take it. Parameters are the options of
    `bbc-classifier train` (docs/options.md), such as `pooling`, `learning_rate`, `recipe` or `seed`; those that are not
    given come from the recipe. A run directory is kept if `output_dir` is given.

    Attributes:
        classes_: The labels, (labels,), in the order of the columns of `predict_proba`.
        predictor_: The `Predictor` that reads texts, after `fit` or `from_pretrained`.
        run_dir_: The run directory, or None.
    """

    predictor_: Predictor
    classes_: np.ndarray
    run_dir_: Path | None = None

    def __init__(self, encoder: str = "minilm", **options: Any):
        self.encoder, self.options = encoder, options
        self._validate(options)

    @classmethod
    def from_encoder(cls, encoder: str = "minilm", **options: Any) -> "TextClassifier":
        """Return a classifier to `fit`, from a short name, a directory or a Hub id of an encoder."""
        return cls(encoder, **options)

    @classmethod
    def from_pretrained(
        cls,
        path_or_hub_id: str | Path,
        revision: str | None = None,
        device: str | None = None,
        precision: str = "auto",
        adaptive: bool = False,
    ) -> "TextClassifier":
        """Load a run, model or export directory, or a Hub id; see `Predictor.from_pretrained`."""
        predictor = Predictor.from_pretrained(path_or_hub_id, revision, device, precision, adaptive)
        classifier = cls(str(path_or_hub_id))
        classifier._set_predictor(predictor, {name: name for name in predictor.label_names})
        if Path(path_or_hub_id, "record.json").is_file():
            classifier.run_dir_ = Path(path_or_hub_id)
        return classifier

    def fit(self, texts: Iterable[str], labels: Iterable[Any]) -> "TextClassifier":
        """Train on texts and their labels; 15 % of the rows (`validation_fraction`) are validation rows.

        Args:
            texts: Any sequence of str.
            labels: A label per text, of any type; or a list of labels per text (multi-label).

        Raises:
            UserError: An option or the data are not valid.
        """
        if isinstance(labels, np.ndarray) and labels.ndim > 1:
            raise UserError(f"labels: shape {labels.shape}; give a label, or a list of labels, for each text")
        texts, labels = list(texts), list(labels)
        values = {**DEFAULTS, **self.options, "encoder": self.encoder}
        if values.get("output_dir") is None:
            values["output_dir"] = tempfile.mkdtemp(prefix="bbc-classifier-")
            weakref.finalize(self, shutil.rmtree, values["output_dir"], ignore_errors=True)
        given = [{name: values[name] for name in _fields(group) if values.get(name) is not None} for group in GROUPS]
        names = _label_names(labels)
        named = [[names[name] for name in row] if _is_list(row) else names[row] for row in labels]
        model_args, data_args, training_args = (group(**part) for group, part in zip(GROUPS, given, strict=True))
        result = train(model_args, data_args, training_args, dataset=(texts, named))
        renamed = read_label_map(values.get("label_map"))
        distinct = {name: label for label, name in reversed(names.items())} | {name: name for name in renamed.values()}
        device, precision = "cpu" if values.get("use_cpu") else None, values.get("precision") or "auto"
        predictor = Predictor.from_pretrained(result.run_dir.path, device=device, precision=precision)
        self._set_predictor(predictor, distinct)
        self.run_dir_ = result.run_dir.path
        return self

    def predict(self, texts: Iterable[str]) -> Any:
        """Return the label of each text, (texts,); of a multi-label classifier a list of lists of labels."""
        predictions, columns = self.classify(texts), {name: column for column, name in enumerate(self._class_names)}
        if self._fitted().multi_label:
            return [[self.classes_[columns[name]] for name in prediction.labels] for prediction in predictions]
        return self.classes_[[columns[prediction.labels[0]] for prediction in predictions]]

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """Return the calibrated probabilities, (texts, labels) float64; columns in the order of `classes_`."""
        predictor = self._fitted()
        order = [predictor.label_names.index(name) for name in self._class_names]
        return predictor.predict_proba(texts)[:, order]

    def score(self, texts: Iterable[str], labels: Iterable[Any], sample_weight: np.ndarray | None = None) -> float:
        """Return the accuracy; of a multi-label classifier the share of texts of which all labels are correct."""
        pairs = zip(self.classify(texts), self._names_of(labels), strict=True)
        is_correct = [set(found.labels) == set(true if isinstance(true, list) else [true]) for found, true in pairs]
        return float(np.average(is_correct, weights=sample_weight))

    def classify(self, texts: Iterable[str], top_k: int | None = None, min_confidence: float = 0.0) -> list[Prediction]:
        """Return label, confidence and probabilities by name of each text; see `Predictor.classify`."""
        return self._fitted().classify(texts, top_k, min_confidence)

    def evaluate(self, texts: Sequence[str], labels: Iterable[Any]) -> dict[str, Any]:
        """Return metrics with 95 % intervals, per class and by length of the text, and the confusion matrix.

        The keys are those of `evaluation.test` in `record.json` (docs/run-directory.md).
        """
        texts, predictor = list(texts), self._fitted()
        rows = self._names_of(labels)
        if None in rows or any(_is_list(row) != predictor.multi_label for row in rows):
            raise UserError(f"labels: each text needs {'a list of labels' if predictor.multi_label else 'one label'}")
        names = sorted({name for row in rows for name in ([row] if isinstance(row, str) else row)})
        column = [names.index(row) if isinstance(row, str) else [names.index(name) for name in row] for row in rows]
        if len(texts) != len(rows):
            raise UserError(f"there are {len(texts)} texts and {len(rows)} labels")
        y_true = labels_to_array(column, names, predictor.label_names)
        probabilities = predictor.predict_proba(texts)
        report = classification_report(y_true, probabilities, predictor.label_names, predictor.thresholds)
        read = predictor.predict_proba, texts, has_titles(texts), predictor.thresholds
        report["by_length"], _ = length_report(y_true, probabilities, *read)
        return report

    def explain(self, text: str, label: str | None = None) -> Explanation:
        """Return how much each word of a text adds to its label, or to another one; see `inference.explain`."""
        return explain(self._fitted(), text, label)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model and its tokenizer to a directory that `from_pretrained` and transformers load."""
        predictor = self._fitted()
        if not hasattr(predictor.model, "save_pretrained"):
            raise UserError("save: an exported graph is a directory already; copy it")
        prepare_output_dir("path", Path(path), overwrite=overwrite, marker="model.safetensors")
        with atomic_write(Path(path), keep_others=True) as tmp_path:
            cast(Any, predictor.model).save_pretrained(tmp_path)
            predictor.tokenizer.save_pretrained(tmp_path)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Publish the run with its model card and return the address; `options` are those of `bbc-classifier push`."""
        self._fitted()
        if self.run_dir_ is None:
            raise UserError("push_to_hub needs a run: fit the classifier, or load a run directory")
        return push([self.run_dir_], PushArguments(repo_id=repo_id, **options))[0]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return every option by name; None if it comes from the recipe."""
        values = {name: self.options.get(name, value) for name, value in _parameters().items()}
        return {"encoder": self.encoder, **values}

    def set_params(self, **params: Any) -> "TextClassifier":
        """Set options by name."""
        self.encoder = params.pop("encoder", self.encoder)
        self._validate(params)
        self.options = {**self.options, **params}
        return self

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        given = {name: value for name, value in self.options.items() if value != _parameters()[name]}
        shown = ", ".join([repr(self.encoder), *(f"{name}={value!r}" for name, value in given.items())])
        return f"TextClassifier({shown})"

    def _validate(self, options: dict[str, Any]) -> None:
        if unknown := set(options) - set(_parameters()):
            raise TypeError(f"'{min(unknown)}' is not a parameter; docs/options.md lists the options of training")

    def _names_of(self, labels: Iterable[Any]) -> list[Any]:
        """Return the classifier's name of each label, or its list of names; None of one that is missing."""
        labels, renamed = list(labels), read_label_map(self.options.get("label_map"))
        final = {label: renamed.get(name, name) for label, name in _label_names(labels).items()}
        return [[final[label] for label in row] if _is_list(row) else final[row] for row in labels]

    def _set_predictor(self, predictor: Predictor, classes: dict[str, Any]) -> None:
        """Keep the predictor, and the caller's labels, sorted as scikit-learn expects them, with their names."""
        labels = np.array([classes[name] for name in predictor.label_names])
        order = np.argsort(labels.astype(str) if labels.dtype == object else labels, kind="stable")
        self.predictor_, self.classes_ = predictor, labels[order]
        self._class_names = [predictor.label_names[place] for place in order]

    def _fitted(self) -> Predictor:
        if not hasattr(self, "predictor_"):
            raise NotFittedError("call fit(texts, labels), or load a classifier with TextClassifier.from_pretrained")
        return self.predictor_


def _fields(group: type) -> dict[str, Any]:
    """Return the names and defaults of a class of options."""
    return {entry.name: getattr(group, entry.name, None) for entry in dataclasses.fields(group)}


def _parameters() -> dict[str, Any]:
    """Return the names and defaults of the parameters of a `TextClassifier`, without `encoder`."""
    values = {name: value for group in GROUPS for name, value in _fields(group).items()} | DEFAULTS
    return {name: value for name, value in values.items() if name not in NOT_PARAMETERS | {"encoder"}}


def _label_names(labels: Iterable[Any]) -> dict[Any, Any]:
    """Return the classifier's name of every distinct label; None of one that is missing."""
    distinct = list(dict.fromkeys(name for row in labels for name in (row if _is_list(row) else [row])))
    texts = pd.DataFrame({"label": [None if pd.isna(name) else str(name) for name in distinct]}, dtype=object)
    return dict(zip(distinct, read_labels("labels", texts, ["label"], None), strict=True))


def _is_list(labels: Any) -> bool:
    return isinstance(labels, (list, tuple, set, np.ndarray))

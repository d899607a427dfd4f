"""Whether the classifier loads as a stranger would load it, and still answers what its record says."""

import tempfile
from pathlib import Path

import numpy as np

from bbc_classifier.errors import InputError
from bbc_classifier.hub.contents import Contents, write_contents
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.inference.classifier import NewsClassifier

# Another machine rounds otherwise; other weights or another tokenizer differ by far more.
TOLERANCE = 0.01


def check_it_loads(run: FinishedRun, files: Contents) -> None:
    """Load the classifier from the files of its repository and ask it the examples of its record again.

    Raises:
        InputError: It does not load, has other labels, or gives other answers.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_contents({path: content for path, content in files.items() if "/" not in path}, Path(folder))
        classifier = NewsClassifier.from_pretrained(folder, device="cpu")
    if classifier.label_names != run.record["model"]["labels"]:
        raise InputError(f"'{run.folder}': the classifier and its record name different labels")
    examples = run.record.get("examples", [])
    if not examples:
        return
    expected = np.array([[row["probabilities"][label] for label in classifier.label_names] for row in examples])
    found, _ = classifier.probabilities([row["text"] for row in examples])
    difference = float(np.abs(found - expected).max())
    if difference > TOLERANCE:
        raise InputError(
            f"'{run.folder}': reloaded, the classifier differs by {difference:.3f} from the probabilities in its "
            "record; is its tokenizer the one it was trained with?"
        )

"""Short texts of our own with every run's predictions: a model card may show them, a data set's texts it may not."""

from typing import Any

from bbc_classifier.inference.classifier import Predictor

EXAMPLE_TEXTS = {
    "business": "Shares in the airline fell after it warned that fuel costs would halve its profit this year.",
    "entertainment": "The director's first film since her award opens on Friday, with a soundtrack by her old band.",
    "politics": "The prime minister told parliament that the bill would be put to a vote before the election.",
    "sport": "The striker scored twice in the second half and the visitors won the cup final with ten men.",
    "tech": "The company will fix a flaw in its web browser that let a program on the phone read passwords.",
}


def predict_examples(classifier: Predictor) -> list[dict[str, Any]]:
    """Return each `text` with its `probabilities` by label, none if the labels are not those of BBC News."""
    if set(classifier.label_names) != set(EXAMPLE_TEXTS):
        return []
    predictions = zip(EXAMPLE_TEXTS.values(), classifier.classify(list(EXAMPLE_TEXTS.values())), strict=True)
    return [{"text": text, "probabilities": prediction.probabilities} for text, prediction in predictions]

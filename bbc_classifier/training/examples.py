"""Short texts of our own with every run's predictions: a model card may show them, a data set's texts it may not."""

from typing import Any

from bbc_classifier.inference.classifier import TextClassifier

EXAMPLE_TEXTS = {
    "business": "Shares in the airline fell by six per cent after it warned that rising fuel costs would halve its "
    "profit this year. The board has put off the dividend.",
    "entertainment": "The director's first film since her award opens in cinemas on Friday, with a soundtrack by the "
    "band that she once played the drums for.",
    "politics": "The prime minister told members of parliament that the bill would come back to the house before the "
    "election. The opposition called for a vote on Monday.",
    "sport": "The striker scored twice in the second half and the visitors won the cup final, although their captain "
    "had been sent off.",
    "tech": "The company will mend a flaw in its web browser that let a program on the phone read passwords. Users are "
    "told to install the new software at once.",
}


def predict_examples(classifier: TextClassifier) -> list[dict[str, Any]]:
    """Return each `text` with its `probabilities` by label, none if the labels are not those of BBC News."""
    if set(classifier.label_names) != set(EXAMPLE_TEXTS):
        return []
    predictions = zip(EXAMPLE_TEXTS.values(), classifier.predict(list(EXAMPLE_TEXTS.values())), strict=True)
    return [{"text": text, "probabilities": prediction.probabilities} for text, prediction in predictions]

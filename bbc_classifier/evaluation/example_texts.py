"""A few texts of our own, and what a finished classifier answers to them: what a model card may show to everyone."""

from typing import Any

from bbc_classifier.inference.classifier import NewsClassifier

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


def answer_examples(classifier: NewsClassifier) -> list[dict[str, Any]]:
    """Return each example with the probability of every label, the most probable first.

    Args:
        classifier: The reloaded checkpoint.

    Returns:
        A `text` and its `probabilities` (label to float in [0, 1], six digits) per label; nothing where the classifier
        has other labels than the examples.
    """
    if set(classifier.label_names) != set(EXAMPLE_TEXTS):
        return []
    texts = list(EXAMPLE_TEXTS.values())
    answers = classifier.predict(texts)
    return [
        {"text": text, "probabilities": {label: round(value, 6) for label, value in answer.probabilities.items()}}
        for text, answer in zip(texts, answers, strict=True)
    ]

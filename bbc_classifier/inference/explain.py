"""Which words led to a prediction: integrated gradients over the word embeddings, summed to whole words."""

import html
import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from rich.text import Text

from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import OnnxModel, Predictor
from bbc_classifier.model import truncate

# Colors of words with a positive and a negative score; their opacity is its size.
FOR_COLOR, AGAINST_COLOR = (37, 99, 235), (217, 119, 6)
STEPS_PER_BATCH = 8


class WordScore(NamedTuple):
    """A word of the text and how much it adds to the logit of the label."""

    word: str
    score: float
    start: int  # its place in the text, in characters
    end: int


@dataclass(frozen=True)
class Explanation:
    """Why a text got a label. `words` are in the order of the text, those beyond what the classifier reads left out."""

    text: str
    label: str
    confidence: float  # the probability of `label`
    words: list[WordScore]
    # |sum of the scores - (logit of the text - logit of a text of padding)| / |the latter difference|: 0 is exact.
    completeness_error: float

    def top(self, number: int = 5) -> list[WordScore]:
        """Return the words with the highest scores, highest first."""
        return sorted(self.words, key=lambda word: -word.score)[:number]

    def to_html(self) -> str:
        """Return the text as an HTML fragment, escaped, with the words highlighted by their scores."""
        parts, position, largest = [], 0, self._largest()
        for word in self.words:
            color = ",".join(map(str, FOR_COLOR if word.score > 0 else AGAINST_COLOR))
            style = f"background:rgba({color},{abs(word.score) / largest * 0.6:.2f});border-radius:3px"
            parts.append(html.escape(self.text[position : word.start]))
            parts.append(f'<span style="{style}" title="{word.score:+.3f}">{html.escape(word.word)}</span>')
            position = word.end
        parts.append(html.escape(self.text[position:]))
        return f'<div style="white-space:pre-wrap">{"".join(parts)}</div>'

    def __rich__(self) -> Text:
        """Return the text for a terminal, the words highlighted in four strengths."""
        shown, position, largest = Text(), 0, self._largest()
        for word in self.words:
            strength = round(3 * abs(word.score) / largest)
            color = "blue" if word.score > 0 else "yellow"
            style = ("", color, f"bold {color}", f"bold reverse {color}")[strength]
            shown.append(self.text[position : word.start]).append(word.word, style)
            position = word.end
        return shown.append(self.text[position:])

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self.label)}</b> {self.confidence:.3f}</p>{self.to_html()}"

    def _largest(self) -> float:
        return max((abs(word.score) for word in self.words), default=0.0) or 1.0


def explain(predictor: Predictor, text: str, label: str | None = None, steps: int = 50) -> Explanation:
    """Explain the prediction for a text, or why it could be another `label`.

    Integrated gradients (M. Sundararajan, A. Taly and Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017) of
    the label's logit, from a text of padding tokens with the same special tokens to this one, over the output of the
    word embedding layer; `steps` is the number of points of the integral. The scores of a word's tokens are added.

    UserError: captum is not installed, the classifier is an exported graph, its tokenizer does not say where tokens
    are in the text, or it has no such label.
    """
    try:
        from captum.attr import IntegratedGradients
    except ModuleNotFoundError as error:
        raise UserError("explanations need captum: pip install captum") from error
    model, tokenizer, names = predictor.model, predictor.tokenizer, predictor.label_names
    if isinstance(model, OnnxModel) or not tokenizer.is_fast:
        raise UserError("an exported graph or a slow tokenizer cannot be explained; use the run that was exported")
    probabilities = predictor.predict_proba([text])[0]
    if label is not None and label not in names:
        raise UserError(f"there is no label '{label}'; the classifier has {', '.join(names)}")
    target = int(probabilities.argmax()) if label is None else names.index(label)
    encoded = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    kept, _ = truncate(list(range(len(encoded["input_ids"]))), predictor.config)
    ids = torch.tensor([[encoded["input_ids"][place] for place in kept]], device=model.device)
    is_special = torch.tensor([[bool(encoded["special_tokens_mask"][place]) for place in kept]], device=model.device)
    baseline = torch.where(is_special, ids, torch.full_like(ids, tokenizer.pad_token_id))

    def logits(embeddings: torch.Tensor) -> torch.Tensor:
        return model(inputs_embeds=embeddings).logits

    attributions, delta = IntegratedGradients(logits).attribute(
        *(model.get_input_embeddings()(tokens).detach() for tokens in (ids, baseline)),
        target=target,
        n_steps=steps,
        internal_batch_size=STEPS_PER_BATCH,
        return_convergence_delta=True,
    )
    per_token = attributions.detach().sum(-1)[0].cpu().double().numpy()
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    scores, is_read = np.zeros(len(words)), np.zeros(len(words), dtype=bool)
    starts = np.array([start for start, _ in words])
    for score, place in zip(per_token, kept, strict=True):
        start, end = encoded["offset_mapping"][place]
        word = int(np.searchsorted(starts, end - 1, side="right")) - 1
        if end > start and word >= 0:  # no special token, nor one of white space before the first word
            scores[word] += score
            is_read[word] = True
    shown = [WordScore(text[slice(*words[i])], float(scores[i]), *words[i]) for i in np.flatnonzero(is_read)]
    completeness_error = abs(float(delta)) / max(abs(float(per_token.sum()) - float(delta)), 1e-12)
    return Explanation(text, names[target], float(probabilities[target]), shown, completeness_error)

"""Everything training starts with: the articles, their tokens and targets, and the encoder with a fresh head."""

import logging
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase, enable_full_determinism, set_seed

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.encode import EncodedTexts, encode_texts
from bbc_classifier.data.options import DataArguments
from bbc_classifier.data.tokenizer_files import refuse_unknown_ids
from bbc_classifier.errors import InputError
from bbc_classifier.evaluation.problem import Problem, problem_of
from bbc_classifier.model import PooledEncoderForSequenceClassification
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments
from bbc_classifier.training.attention import choose_attention
from bbc_classifier.training.reuse import Reuse
from bbc_classifier.training.starting_point import balanced_weights, start_model, start_tokenizer

SIDES = ("train", "validation")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """Everything training starts with.

    Attributes:
        articles: The articles, split.
        problem: Which kind of classification they are for.
        model: The encoder with a fresh head.
        tokenizer: The encoder's tokenizer.
        encoded: Token ids of the train and the validation side.
        targets: What is true of the rows of these sides.
    """

    articles: Articles
    problem: Problem
    model: PooledEncoderForSequenceClassification
    tokenizer: PreTrainedTokenizerBase
    encoded: dict[str, EncodedTexts]
    targets: dict[str, np.ndarray]

    def rows(self, side: str) -> list[dict[str, object]]:
        """Return a side as the Trainer takes it."""
        return self.encoded[side].rows(self.targets[side])


def start_training(
    model_options: ModelArguments,
    data_options: DataArguments,
    arguments: ClassifierTrainingArguments,
    reuse: Reuse,
) -> Start:
    """Load the articles and the encoder, and encode the sides that training may look at.

    Raises:
        InputError: The data, the encoder or a pair of options is not legal.
        WorldError: The data or the encoder cannot be fetched.
    """
    articles = load_articles(data_options)
    _log_data(articles)
    problem = problem_of(articles.label_names, multi_label=articles.multi_label)
    _check_metric(arguments, problem)
    if model_options.lexical_head and articles.multi_label:
        raise InputError("--lexical_head is for one label per text; these rows have any number")
    targets = {side: problem.targets(articles.side(side)["label"][:], articles.label_names) for side in SIDES}
    balanced = model_options.class_weights == "balanced"
    # Before the model is built: its head is drawn from the global random state.
    (enable_full_determinism if arguments.full_determinism else set_seed)(arguments.seed)
    model = start_model(
        model_options,
        data_options,
        articles.label_names,
        problem_type=problem.problem_type,
        class_weights=balanced_weights(problem.label_totals(targets["train"])) if balanced else None,
        label_smoothing=arguments.label_smoothing_factor,
        attn_implementation=choose_attention(
            model_options.attn_implementation,
            arguments.device.type,
            arguments.precision,
            tokens=data_options.max_length,
            trains_encoder=arguments.trains,
        ),
    )
    if reuse.states is not None:
        reuse.states.attach(model)
    tokenizer = start_tokenizer(model_options)
    encoded = {
        side: encode_texts(
            tokenizer,
            list(articles.side(side)["text"]),
            data_options.max_length,
            data_options.truncation,
            distinct=data_options.distinct_tokens,
            keep_whole=model_options.lexical_head,
            memory=reuse.tokens,
        )
        for side in SIDES
    }
    for texts in encoded.values():
        refuse_unknown_ids(texts.input_ids, model.config.encoder_config)
    return Start(articles, problem, model, tokenizer, encoded, targets)


def _log_data(articles: Articles) -> None:
    counts = articles.counts()
    logger.info(
        "%s: %d articles, %d copies dropped, %d pairs of near duplicates; %d train, %d validation, %d test",
        articles.provenance["name"],
        counts["rows"],
        counts["exact_duplicates_dropped"],
        counts["near_duplicate_pairs"] or 0,
        *articles.sizes().values(),
    )


def _check_metric(arguments: ClassifierTrainingArguments, problem: Problem) -> None:
    """Check that the figure which chooses the checkpoint is one that this kind of classification has.

    Raises:
        InputError: It is not.
    """
    if arguments.metric_for_best_model not in ("loss", *problem.validated):
        raise InputError(
            f"--metric_for_best_model: '{arguments.metric_for_best_model}' is no figure of a {problem.problem_type}; "
            f"it has loss, {', '.join(problem.validated)}"
        )

"""The model card: front matter for the Hub, and a page for people, both read from the record."""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bbc_classifier.comparison.reproduction import run_command
from bbc_classifier.hub import card_sentences, card_tables
from bbc_classifier.hub.card_metadata import BBC_TERMS, card_metadata, data_revision, is_bbc_news
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.standing import Standing
from bbc_classifier.markdown import escape_markdown, fence

TEMPLATES = Path(__file__).parent / "templates"


def model_card(
    record: Mapping[str, Any],
    repo_id: str,
    options: CardArguments,
    *,
    standing: Standing | None = None,
    figures: Collection[str] = (),
    graphs: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Return the card of a run, as the README.md of its repository.

    Args:
        record: The run's record; every number comes from it, or from `standing`.
        repo_id: Hub id that the examples load.
        options: What no record knows.
        standing: Where the configuration stands in a comparison.
        figures: Names of the pictures in the repository's folder `figures`.
        graphs: The record of each ONNX export that is published with it, by the path of its graph.

    Raises:
        ValueError: The front matter is not valid.
    """
    metadata = card_metadata(
        record, repo_id.rpartition("/")[2], license=options.license, language=options.language, tags=options.tag
    )
    card = (
        f"---\n{metadata.to_yaml().strip()}\n---\n\n{_body(record, repo_id, options, standing, figures, graphs or {})}"
    )
    ModelCard(card)  # parses the front matter, model-index included
    return card


def _comment(text: object) -> str:
    """Return a name as it may stand in a comment in a block of code, which it must not end."""
    return " ".join(str(text).replace("`", "'").split())


def _literal(text: object) -> str:
    """Return a text as Python writes it, in a block of code, which it must not end."""
    return json.dumps(str(text), ensure_ascii=False).replace("`", "\\x60")


def _body(
    record: Mapping[str, Any],
    repo_id: str,
    options: CardArguments,
    standing: Standing | None,
    figures: Collection[str],
    graphs: Mapping[str, Mapping[str, Any]],
) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {"md": escape_markdown, "comment": _comment, "literal": _literal, "fence": fence}
    test = record["evaluation"]["test"]
    text = environment.get_template("card.md.j2").render(
        record=record,
        repo_id=repo_id,
        examples=record.get("examples", []),
        name=repo_id.rpartition("/")[2],
        test=test,
        is_bbc_news=is_bbc_news(record["data"]),
        terms_link=BBC_TERMS["license_link"],
        license=options.license,
        multi_label=record["problem_type"] == "multi_label_classification",
        hub_id=record["encoder"].get("hub_id"),
        data_revision=data_revision(record["data"]),
        say=card_sentences,
        metrics=card_tables.metrics_table(test),
        classes=card_tables.class_table(test),
        confusion=card_tables.confusion_table(test),
        data=card_tables.data_table(record),
        near_together=card_tables.keeps_near_duplicates_together(record),
        options=card_tables.options_table(record["options"]),
        command=run_command(repo_id.rpartition("/")[2], record["options"]),
        standing=standing,
        standing_rows=card_tables.standing_table(standing) if standing else [],
        figures=figures,
        graphs=card_tables.graphs_table(graphs),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"

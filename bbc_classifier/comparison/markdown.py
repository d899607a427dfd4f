"""The comparison as Markdown, for places that show no page."""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader

from bbc_classifier.comparison.page import TEMPLATES, table_caption
from bbc_classifier.comparison.sentences import opening, p_value, pairs_method, title
from bbc_classifier.comparison.tables import effects_table, mcnemar_text, performance_table
from bbc_classifier.markdown import escape_markdown, fence


def markdown(results: Mapping[str, Any]) -> str:
    """Return the report as Markdown.

    Args:
        results: What `results` returns.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"md": escape_markdown, "fence": fence, "p_value": p_value, "mcnemar": mcnemar_text}
    effects = (("Which pooling?", results["pooling_effects"]), ("Which encoder?", results["encoder_effects"]))
    text = environment.get_template("report.md.j2").render(
        title=title(results),
        opening=opening(results),
        performance=performance_table(results["configurations"]),
        caption=table_caption(results["configurations"]),
        accuracy_alt="Accuracy of each configuration with its interval",
        method=pairs_method(results),
        pairs=results["pairs"],
        effects=[(heading, effects_table(rows)) for heading, rows in effects if rows],
        curves=results["learning_curves"],
        not_applicable=results["not_applicable"],
        failed=results["failed"],
        incomplete=results["incomplete"],
        reproduce=results["reproduce"],
    )
    return re.sub(r"\n{3,}", "\n\n", text)

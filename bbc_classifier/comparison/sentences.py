"""What a comparison says, in sentences: the same in the page, in Markdown and at the end of the command."""

from collections.abc import Mapping, Sequence
from typing import Any


def title(results: Mapping[str, Any]) -> str:
    """Return the report's title."""
    return f"{results['data']['name']}: encoders and poolings compared"


def opening(results: Mapping[str, Any]) -> list[str]:
    """Return the first sentences: whether an encoder beats words alone, which configurations lead, and on what."""
    return [sentence for sentence in (verdict(results), _leaders(results), _protocol(results)) if sentence]


def verdict(results: Mapping[str, Any]) -> str:
    """Return whether any configuration is significantly better than TF-IDF."""
    found, rows = results["verdict"], {row["name"]: row for row in results["configurations"]}
    trained = [name for name, row in rows.items() if not row["baseline"]]
    if found["baseline"] is None or not trained:
        return "Nothing says here whether an encoder is better than words alone: one of the two is missing."
    words = f"{found['baseline']} ({_percent(rows[found['baseline']]['mean']['accuracy'])})"
    if found["better"]:
        text = f"Significantly better than TF-IDF with a linear model, {words}: {_listed(found['better'])}."
    else:
        text = f"No encoder is significantly better here than TF-IDF with a linear model, {words}."
    if found["worse"]:
        text += f" Significantly worse: {_listed(found['worse'])}."
    return text


def _leaders(results: Mapping[str, Any]) -> str:
    best = results["configurations"][0]
    group = [row["name"] for row in results["configurations"] if set(row["letters"]) & set(best["letters"])]
    text = f"The most accurate is {best['name']} with {_percent(best['mean']['accuracy'])}"
    if len(group) == 1:
        return f"{text}, significantly better than every other."
    others = [name for name in group if name != best["name"]]
    return f"{text}; the tests do not tell it apart from {_listed(others)}."


def _protocol(results: Mapping[str, Any]) -> str:
    protocol = results["protocol"]
    how = "on the test side of the fixed split" if protocol["folds"] is None else f"out of {protocol['folds']} folds"
    text = f"{protocol['articles']:,} articles, each predicted {how}, with {seeds_text(results['configurations'])}."
    if protocol["folds"] is None:
        text += f" One article is {100 / protocol['articles']:.2f} points."
    return f"{text} {protocol['dependence']}" if protocol["dependence"] else text


def seeds_text(configurations: Sequence[Mapping[str, Any]]) -> str:
    """Return how many seeds the trained configurations have, from the fewest to the most."""
    counts = [len(row["seeds"]) for row in configurations if not row["baseline"]] or [1]
    fewest, most = min(counts), max(counts)
    return f"{fewest} seed{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} seeds"


def pairs_method(results: Mapping[str, Any]) -> str:
    """Return how pairs were tested."""
    return (
        "Exact paired sign-flip test over articles on mean correctness across seeds, adjusted by Holm's method for the "
        f"{len(results['pairs'])} pairs; significant below {results['significance']:g}. Configurations that share a "
        "letter are not told apart. McNemar's exact test stands beside it seed by seed, unadjusted."
    )


def p_value(value: float | None) -> str:
    """Return a p-value to read."""
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

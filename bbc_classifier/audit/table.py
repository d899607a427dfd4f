"""The findings in a few lines, for a terminal."""

from typing import Any

LABELS_SHOWN = 8


def audit_table(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (what, how much) of everything a person should see first of what `audit.json` holds."""
    return [
        ("rows", _rows(found)),
        ("distinct texts", f"{found['distinct']:,}"),
        (
            "groups of exact and near duplicates",
            "not looked for" if found["groups"] is None else f"{found['groups']:,}",
        ),
        ("labels", _labels(found["labels"]["rows"])),
        *((f"words per text{of}", value) for of, value in _lengths(found["lengths"]["words"]["all"])),
        *_token_lines(found["lengths"]),
        ("rows without a text", f"{found['empty']['count']:,}"),
        ("rows without a label", f"{found['unlabelled']['count']:,}"),
        ("rows with broken characters", f"{found['broken']['count']:,}"),
        *_duplicate_lines(found),
        *_leak_lines(found),
    ]


def _rows(found: dict[str, Any]) -> str:
    sides = ", ".join(f"{side} {rows:,}" for side, rows in (found["sides"] or {}).items())
    return f"{found['rows']:,}" + (f" ({sides})" if sides else "")


def _labels(rows: dict[str, int]) -> str:
    """Return the most frequent labels and how many rows each has."""
    ordered = sorted(rows, key=lambda name: -rows[name])
    shown = [f"{name} {rows[name]:,}" for name in ordered[:LABELS_SHOWN]]
    more = len(ordered) - len(shown)
    return f"{len(rows)}: " + ", ".join([*shown, *([f"and {more} more"] if more else [])])


def _lengths(summary: dict[str, float] | None) -> list[tuple[str, str]]:
    if summary is None:
        return []
    return [
        (", median (99th percentile, most)", f"{summary['median']:,.0f} ({summary['p99']:,.0f}, {summary['max']:,.0f})")
    ]


def _token_lines(lengths: dict[str, Any]) -> list[tuple[str, str]]:
    tokens = lengths["tokens"]
    if tokens is None:
        return [("tokens per text", f"not counted: {lengths['tokens_missing_because']}")]
    lines = [(f"tokens per text{of}", value) for of, value in _lengths(tokens["all"])]
    for limit, share in (tokens["share_longer_than"] or {}).items():
        lines.append((f"longer than {limit} tokens", f"{share:.1%}"))
    return lines


def _duplicate_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    exact, near, conflicts = found["exact_duplicates"], found["near_duplicates"], found["conflicting_labels"]
    lines = [("rows that repeat an earlier text", f"{exact['surplus_rows']:,}")]
    if near is not None:
        lines.append(("pairs of near-duplicate texts", f"{near['text_pairs']:,}"))
    disagreeing = f"{conflicts['exact']['texts']:,}"
    if near is not None:
        disagreeing += f", and {conflicts['near']['text_pairs']:,} near-duplicate pairs"
    return [*lines, ("texts whose copies disagree on the label", disagreeing)]


def _leak_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the leaked share of each held-out side or, where there is none, of the splits we could make."""
    if found["leaked"] is not None:
        return [(f"{side} rows that leaked", _leak(leak["from_any"])) for side, leak in found["leaked"].items()]
    random, grouped = found["own_split"]["random"], found["own_split"]["grouped"]
    lines = []
    if random is not None:
        shares = {key: share and share["mean"] for key, share in random.items() if key.endswith("share")}
        lines.append(("a random split would leak", _leak(shares)))
    return [*lines, ("our split by group leaks", grouped.get("missing_because") or _leak(grouped))]


def _leak(leak: dict[str, Any]) -> str:
    near = leak["exact_or_near_share"]
    return f"{leak['exact_share']:.1%} exact" + ("" if near is None else f", {near:.1%} exact or near")

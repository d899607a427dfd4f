"""Short forms of a text: people classify headlines and openings too, on which a classifier of whole texts is worse."""

import re
from collections.abc import Sequence

EXCERPT_WORDS = 30
# A first line is a title if it is short, more text follows, and that is so in nearly all texts.
MAX_TITLE_WORDS = 20
MIN_TITLE_SHARE = 0.9
SENTENCE_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["'”’)\]]))\s+(?=["'“‘(\[]?[A-Z0-9])|\n\s*\n""")


def has_titles(texts: Sequence[str]) -> bool:
    """Return whether the first line of these texts is a title, as in BBC News or with --text_column title body."""
    splits = [text.strip().partition("\n") for text in texts]
    titled = sum(len(first.split()) <= MAX_TITLE_WORDS and bool(rest.strip()) for first, _, rest in splits)
    return titled >= MIN_TITLE_SHARE * len(splits) > 0


def excerpts(text: str, titled: bool) -> dict[str, str]:
    """Return the `title` of a text (if `titled`), the `first_sentence` after it, and the `first_30_words` of all.

    Sentences end at ".", "!" or "?" before a capital letter or digit, and at an empty line; no abbreviations are known.
    """
    title, _, body = text.strip().partition("\n") if titled else ("", "", text.strip())
    parts = {"title": title.strip()} if titled else {}
    parts["first_sentence"] = SENTENCE_END.split(body.strip() or title.strip(), maxsplit=1)[0].strip()
    parts[f"first_{EXCERPT_WORDS}_words"] = " ".join(text.split()[:EXCERPT_WORDS])
    return parts


def with_excerpts(texts: Sequence[str], titled: bool) -> tuple[list[str], list[int]]:
    """Return the texts followed by their excerpts, unless as long as the text, and the number of the text of each."""
    parts, numbers = list(texts), list(range(len(texts)))
    for number, text in enumerate(texts):
        for part in dict.fromkeys(excerpts(text, titled).values()):
            if 0 < len(part.split()) < len(text.split()):
                parts.append(part)
                numbers.append(number)
    return parts, numbers

"""Texts of our own that an export is tried on before it is kept: short and long, plain and odd."""

_SENTENCES = (
    "Shares fell in early trading after the bank said that its profits would be lower this year.",
    "The striker scored twice in the second half as the home team won the cup final.",
    "The minister told parliament that the vote on the new law would be held in the spring.",
    "A film about a forgotten painter took the prize for the best picture of the festival.",
    "The new phone runs the same software as last year's, but its battery lasts twice as long.",
    "Voters in the north turned out in larger numbers than at the last election.",
    "The singer's second album went straight to number one in the charts.",
    "Engineers found a flaw in the web browser that lets strangers read a user's files.",
    "Rising oil prices pushed the cost of transport up for the third month in a row.",
    "The runner will miss the championships after she hurt her knee in training.",
)

TRIAL_TEXTS = (
    *_SENTENCES,
    "Goal!",
    "£3.5m — naïve café owners, 10% up?",
    " ".join(_SENTENCES),
    # Longer than any encoder of this kind reads.
    " ".join(_SENTENCES[::-1] * 12),
)

"""The committed cards are those of the committed records, byte for byte."""

import runpy
from pathlib import Path

import pytest

from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.standing import standing
from bbc_classifier.records import read_json

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "model_cards.py"))
PUBLISHED, CARDS, RESULTS = SCRIPT["PUBLISHED"], ROOT / "model_cards", ROOT / "results"


def test_there_is_a_card_of_every_published_configuration_and_of_no_other():
    assert {path.stem for path in CARDS.glob("*.md")} == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_committed_card_is_that_of_its_record(name):
    file, comparison = PUBLISHED[name]
    record = read_json(RESULTS / file)
    stands = standing(read_json(RESULTS / "comparisons" / comparison / "results.json"), record)
    # Of each one it is known where it stands, and that it was trained from a real encoder on a commit of ours.
    assert stands is not None
    assert record["encoder"]["hub_id"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert "+" not in record["provenance"]["commit"]
    card = model_card(record, f"your-name/{name}", CardArguments(), standing=stands, figures=SCRIPT["FIGURES"])
    assert (CARDS / f"{name}.md").read_bytes() == card.encode()

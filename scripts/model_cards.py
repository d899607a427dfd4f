"""Write the cards of the published configurations from the committed records: `python scripts/model_cards.py`."""

from pathlib import Path

from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.standing import standing
from bbc_classifier.records import read_json, write_text

RESULTS = Path("results")
CARDS = Path("model_cards")
OWNER = "your-name"
FIGURES = ("confusion_matrix.png", "confusion_matrix_normalized.png")
# Of each repository the record of its run, and the comparison that says where the configuration stands.
PUBLISHED = {
    "bbc-news-minilm-mean": ("minilm-mean-seed42.json", "minilm-poolings-probe"),
    "bbc-news-minilm-accurate": ("minilm-accurate-seed42.json", "minilm-accurate"),
    "bbc-news-minilm-pooler-finetuned": ("minilm-pooler-finetuned-seed42.json", "minilm-poolings"),
}

if __name__ == "__main__":
    for name, (record, comparison) in PUBLISHED.items():
        if not (RESULTS / record).is_file():
            continue
        content = read_json(RESULTS / record)
        results = RESULTS / "comparisons" / comparison / "results.json"
        stands = standing(read_json(results), content) if results.is_file() else None
        card = model_card(content, f"{OWNER}/{name}", CardArguments(), standing=stands, figures=FIGURES)
        write_text(CARDS / f"{name}.md", card)
        print(f"Written: {CARDS / name}.md")

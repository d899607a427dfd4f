"""Write `model_cards/<name>.md` from the committed records: `python scripts/model_cards.py`."""

import shutil
import tempfile
from pathlib import Path

from bbc_classifier.config import CardFileArguments
from bbc_classifier.hub.model_card import write_card

RECORDS = {
    "bbc-news-minilm-default": Path("results/default-seed42.json"),
    "bbc-news-mpnet-accurate": Path("results/accurate-seed42.json"),
}


def main() -> None:
    """Write the card of every record that exists."""
    for name, record in RECORDS.items():
        if record.is_file():
            card = Path("model_cards") / f"{name}.md"
            with tempfile.TemporaryDirectory() as run_dir:
                shutil.copyfile(record, Path(run_dir) / "record.json")
                args = CardFileArguments(repo_id=f"your-name/{name}", output_file=str(card), overwrite=True)
                print(f"Written: {write_card(run_dir, args)}")


if __name__ == "__main__":
    main()

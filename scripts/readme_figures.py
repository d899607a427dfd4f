"""Write the README's figures from the committed records: `python scripts/readme_figures.py`."""

from pathlib import Path

from bbc_classifier.evaluation.readme_section import read_records, write_readme_section

README = Path("README.md")
RESULTS = Path("results")

if __name__ == "__main__":
    write_readme_section(README, read_records(RESULTS))
    print(f"Written: {README}")

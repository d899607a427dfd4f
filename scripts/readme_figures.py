"""Write the README's figures from the committed records: `python scripts/readme_figures.py`."""

from pathlib import Path

from bbc_classifier.comparison.readme_section import comparison_section, read_comparisons
from bbc_classifier.evaluation.readme_section import read_records, readme_section
from bbc_classifier.marked_section import write_marked_section

README = Path("README.md")
RESULTS = Path("results")
SCRIPT = "scripts/readme_figures.py"

if __name__ == "__main__":
    write_marked_section(README, "figures", SCRIPT, readme_section(read_records(RESULTS)))
    write_marked_section(README, "comparison", SCRIPT, comparison_section(read_comparisons(RESULTS)))
    print(f"Written: {README}")

"""Write the README's figures from the committed records: `python scripts/readme_figures.py`."""

from pathlib import Path

from bbc_classifier.evaluation.readme_section import write_readme_section

README = Path("README.md")
RUN_RECORD = Path("results") / "minilm-mean-seed42.json"
FOLDS_RECORD = Path("results") / "minilm-mean-5-folds.json"
REFERENCE_RECORD = Path("results") / "reference-seed42-5-folds.json"
BASELINE_RECORD = Path("results") / "tfidf-5-folds.json"
AUDIT_RECORD = Path("results") / "audit_scale.json"

if __name__ == "__main__":
    write_readme_section(README, RUN_RECORD, FOLDS_RECORD, REFERENCE_RECORD, BASELINE_RECORD, AUDIT_RECORD)
    print(f"Written: {README}")

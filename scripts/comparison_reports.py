"""Write the reports of the committed comparisons from their records: `python scripts/comparison_reports.py`.

The titles of articles are the BBC's and are not among the records, so a report made here names articles by their ids.
"""

from pathlib import Path

from bbc_classifier.comparison.report import write_report

COMPARISONS = Path("results/comparisons")
POOLINGS = "cls,mean,max,pooler,attention,cls+mean"
COMMANDS = {
    "minilm-poolings": f"bbc-classifier compare --encoders minilm --poolings {POOLINGS} --folds 5",
    "minilm-accurate": "bbc-classifier compare --encoders minilm --poolings mean --recipe accurate --folds 5",
    "minilm-poolings-probe": f"bbc-classifier compare --encoders minilm --poolings {POOLINGS} --folds 5 --mode probe",
}

if __name__ == "__main__":
    for name, command in COMMANDS.items():
        if (COMPARISONS / name).is_dir():
            write_report([COMPARISONS / name], COMPARISONS / name, reproduce=command)
            print(f"Written: {COMPARISONS / name / 'report.html'}")

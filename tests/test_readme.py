"""The README: its commands exist, its files exist, and its figures are those of the committed records."""

import re
import shlex
from pathlib import Path

import pytest

from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.cli import COMMANDS
from bbc_classifier.data.options import ColumnArguments, DataArguments
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.evaluation.readme_section import BEGIN, END, readme_section, write_readme_section
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.option_parser import OptionParser
from bbc_classifier.records import read_json
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORDS = [ROOT / "results" / f"minilm-mean-{name}.json" for name in ("seed42", "5-folds")]
RECORDS += [ROOT / "results" / f"{name}.json" for name in ("reference-seed42-5-folds", "tfidf-5-folds", "audit_scale")]
GROUPS = {
    "train": (ModelArguments, DataArguments, ClassifierTrainingArguments),
    "evaluate": (EvaluateArguments, DataArguments),
    "predict": (PredictArguments, ColumnArguments),
    "audit": (AuditArguments, DataArguments),
}
COMMAND = re.compile(r"(?:bbc-classifier|-m bbc_classifier|scripts/train\.py)( .*)?$")


def shell_commands() -> list[list[str]]:
    """Return the arguments of every call of ours in the README's shell blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    calls = [part for block in blocks for line in block.splitlines() for part in re.split(r"&&|\|", line)]
    found = [(call, COMMAND.search(call.strip())) for call in calls]
    arguments = [
        ("train" if "scripts/train.py" in call else "", match.group(1) or "") for call, match in found if match
    ]
    return [shlex.split(f"{door} {rest}") for door, rest in arguments]


@pytest.mark.parametrize("arguments", shell_commands(), ids=" ".join)
def test_every_command_in_the_readme_is_understood(arguments):
    command, *flags = arguments
    assert command in COMMANDS
    parser = OptionParser(GROUPS[command], prog=command)
    if command == "predict":
        parser.add_argument("texts", nargs="*")
    assert parser.parse(flags)


def test_the_readme_names_only_options_and_files_that_exist():
    known = {f"--{field}" for groups in GROUPS.values() for group in groups for field in group.__dataclass_fields__}
    known |= {"--config", "--help", "--cpu", "--num_processes", "--nproc_per_node", "--standalone"}
    assert set(re.findall(r"--[a-z_]+", README)) - known == set()
    files = [*re.findall(r"\]\((docs/[^)]+)\)", README), "constraints.txt", ".ci/run", "scripts/cross_validate.py"]
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_the_figures_in_the_readme_are_those_of_the_records(tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text(README, encoding="utf-8")
    write_readme_section(copy, *RECORDS)
    assert copy.read_text(encoding="utf-8") == README
    assert readme_section(*map(read_json, RECORDS)) in README


def test_the_readme_claims_to_beat_the_baseline_only_where_the_intervals_say_so():
    run, folds, reference, baseline, audit = map(read_json, RECORDS)
    baseline["out_of_fold"]["intervals"]["accuracy"] = [0.5, folds["out_of_fold"]["intervals"]["accuracy"][0]]
    assert "overlap" in readme_section(run, folds, reference, baseline, audit)
    baseline["out_of_fold"]["intervals"]["accuracy"] = [0.5, 0.6]
    assert "is more accurate than the baseline" in readme_section(run, folds, reference, baseline, audit)
    baseline["folds"][0]["split_fingerprint"] = "other rows"
    with pytest.raises(ValueError, match="of different folds"):
        readme_section(run, folds, reference, baseline, audit)


@pytest.mark.parametrize("marker", [BEGIN, END])
def test_a_readme_without_a_marker_is_refused(tmp_path, marker):
    copy = tmp_path / "README.md"
    copy.write_text(README.replace(marker, ""), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marker"):
        write_readme_section(copy, *RECORDS)


def test_the_records_are_of_one_recipe_and_name_no_path_or_host():
    run, folds, _, _, _ = map(read_json, RECORDS)
    assert run["options"]["model"] == folds["options"]["model"]
    assert run["options"]["training"] == folds["options"]["training"]
    for path in RECORDS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'"/[a-z]+/|[A-Z]:\\\\', text)


def test_an_audit_that_missed_a_copy_would_say_so():
    audit = read_json(RECORDS[4])
    next(iter(audit["cases"].values()))["exact"]["found"] -= 1
    planted = sum(
        copies["planted"] for case in audit["cases"].values() for copies in (case["exact"], case["near"]) if copies
    )
    assert f"{planted - 1:,} of {planted:,} planted copies were found" in readme_section(
        *map(read_json, RECORDS[:4]), audit
    )

"""The README: its commands exist, its files exist, and its figures are those of the committed records."""

import re
import shlex
from pathlib import Path

import pytest

from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.cli import COMMANDS
from bbc_classifier.comparison.options import CompareArguments
from bbc_classifier.comparison.readme_section import comparison_section, read_comparisons
from bbc_classifier.comparison.report_options import ReportArguments
from bbc_classifier.data.options import ColumnArguments, DataArguments
from bbc_classifier.evaluation.options import EvaluateArguments
from bbc_classifier.evaluation.readme_section import (
    RECORDS,
    read_records,
    readme_section,
)
from bbc_classifier.export.options import ExportArguments
from bbc_classifier.hub.options import CardFileArguments, PushArguments
from bbc_classifier.inference.options import PredictArguments
from bbc_classifier.marked_section import markers, write_marked_section
from bbc_classifier.option_parser import OptionParser
from bbc_classifier.training.arguments import ClassifierTrainingArguments, ModelArguments

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "results"
GROUPS = {
    "train": (ModelArguments, DataArguments, ClassifierTrainingArguments),
    "evaluate": (EvaluateArguments, DataArguments),
    "predict": (PredictArguments, ColumnArguments),
    "export": (ExportArguments,),
    "audit": (AuditArguments, DataArguments),
    "compare": (CompareArguments, ModelArguments, DataArguments, ClassifierTrainingArguments),
    "report": (ReportArguments,),
    "card": (CardFileArguments,),
    "push": (PushArguments,),
}
POSITIONAL = {"predict": "texts", "report": "runs", "card": "run", "push": "runs", "export": "run"}
SCRIPT = "scripts/readme_figures.py"
COMMAND = re.compile(r"(?:bbc-classifier|-m bbc_classifier|scripts/train\.py)( .*)?$")


def sections() -> dict[str, str]:
    """Return what a script writes into the README."""
    return {
        "figures": readme_section(read_records(RESULTS)),
        "comparison": comparison_section(read_comparisons(RESULTS)),
    }


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
    if command in POSITIONAL:
        parser.add_argument(POSITIONAL[command], nargs="*")
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
    for name, text in sections().items():
        write_marked_section(copy, name, SCRIPT, text)
        assert text in README
    assert copy.read_text(encoding="utf-8") == README


def test_the_readme_claims_a_difference_only_where_every_seed_is_significant():
    records = read_records(RESULTS)
    pair = records["recipes"]["pairs"][0]
    pair["mcnemar"] = [{"only_first": 20, "only_second": 2, "p_value": 0.0001}] * 3
    assert "p = <0.001, <0.001, <0.001: significant." in readme_section(records)
    pair["mcnemar"] = [*pair["mcnemar"][:2], {"only_first": 9, "only_second": 8, "p_value": 1.0}]
    assert "p = <0.001, <0.001, 1.000: these folds do not tell them apart." in readme_section(records)


@pytest.mark.parametrize(("bound", "verdict"), [(-0.001, "is not inferior"), (-0.006, "may be inferior")])
def test_the_readme_calls_the_default_recipe_no_worse_only_within_the_margin(bound, verdict):
    records = read_records(RESULTS)
    records["recipes"]["pairs"][0] |= {"difference": 0.002, "lower_bound": bound}
    assert f"`default` {verdict}." in readme_section(records)


def test_records_of_other_folds_are_refused():
    records = read_records(RESULTS)
    records["baseline"]["folds"][0]["split_fingerprint"] = "other rows"
    with pytest.raises(ValueError, match="of different folds"):
        readme_section(records)


def test_the_comparison_is_of_the_committed_records():
    recipes, records = read_records(RESULTS)["recipes"], read_records(RESULTS)
    for pair in recipes["pairs"]:
        for side in ("first", "second"):
            content = records["baseline" if pair[side] == "TF-IDF" else pair[side]]
            reports = [record["out_of_fold"] for record in (content if isinstance(content, list) else [content])]
            errors = sum(report["n"] - report["correct"] for report in reports) / len(reports)
            assert pair[f"{side}_errors"] == pytest.approx(errors)


@pytest.mark.parametrize("marker", markers("figures", SCRIPT))
def test_a_readme_without_a_marker_is_refused(tmp_path, marker):
    copy = tmp_path / "README.md"
    copy.write_text(README.replace(marker, ""), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marker"):
        write_marked_section(copy, "figures", SCRIPT, "text")


def test_the_records_are_of_one_recipe_and_name_no_path_or_host():
    records = read_records(RESULTS)
    assert records["run"]["options"]["model"] == records["default"]["options"]["model"]
    assert records["run"]["options"]["training"] == records["default"]["options"]["training"]
    for files in RECORDS.values():
        for file in files if isinstance(files, list) else [files]:
            assert not re.search(r'"/[a-z]+/|[A-Z]:\\\\', (RESULTS / file).read_text(encoding="utf-8"))


def test_an_audit_that_missed_a_copy_would_say_so():
    records = read_records(RESULTS)
    cases = records["audit"]["cases"].values()
    next(iter(cases))["exact"]["found"] -= 1
    planted = sum(copies["planted"] for case in cases for copies in (case["exact"], case["near"]) if copies)
    assert f"{planted - 1:,} of {planted:,} planted copies were found" in readme_section(records)

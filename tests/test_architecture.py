"""Who may import whom, and who may do what, stated as tables and checked over the syntax tree."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bbc_classifier"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))

RECORDS = {
    *("records", "shapes", "spreadsheet", "full_disk", "memory", "folders", "folder_lock", "figure_file", "provenance"),
    "described_files",
    "errors",
}
# Each part of the package, and the parts it may import besides itself. A new part needs a line here.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "cli": {
        "__init__",
        "option_parser",
        "hub",
        "comparison",
        "training",
        "evaluation",
        "inference",
        "export",
        "audit",
        "data",
        *RECORDS,
    },
    "option_parser": {"yaml_file", "errors"},
    "hub": {"comparison", "inference", "export", "markdown", *RECORDS},
    "comparison": {"ray_cluster", "markdown", "training", "evaluation", "inference", "data", "model", *RECORDS},
    "training": {"yaml_file", "evaluation", "inference", "data", "model", "device", *RECORDS},
    "evaluation": {"inference", "export", "data", "device", *RECORDS},
    "inference": {"ray_cluster", "export", "data", "model", "device", *RECORDS},
    "export": {"data", "model", *RECORDS},
    "audit": {"inference", "data", "model", *RECORDS},
    "data": {"yaml_file", "model", *RECORDS},
    "model": set(),
    "ray_cluster": {"errors"},
    "device": set(),
    "full_disk": {"errors"},
    "memory": {"errors"},
    "records": {"errors", "full_disk"},
    "shapes": {"errors"},
    "described_files": {"errors", "provenance", "records", "shapes"},
    "spreadsheet": set(),
    "yaml_file": {"errors"},
    "markdown": set(),
    "marked_section": {"records"},
    "folders": {"errors", "full_disk", "records"},
    "folder_lock": {"errors", "folders"},
    "figure_file": {"records"},
    "provenance": set(),
    "errors": set(),
}
# The folder is copied to the Hub as it lies: besides itself it may use these and the standard library.
SHIPPED_MODEL_NEEDS = {"torch", "transformers"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
# What only the test side's owner may say, and who else says it without opening the side.
SAYS_TEST = {
    "cli/train.py": "prints the figures of the record that evaluation wrote",
    "cli/evaluate.py": "the same",
    "training/run.py": "copies evaluation's report and the sides' sizes into the record",
    "comparison/finished.py": "reads the predictions that evaluation wrote",
    "comparison/baseline_run.py": "puts evaluation's report into the record",
    "comparison/configurations.py": "reads the seconds of evaluation's report",
    "comparison/page.py": "says how many rows of it leak",
    "comparison/duplicates_worth.py": "scores the answers that evaluation wrote, leaked and clean ones apart",
    "comparison/record_shape.py": "says what a record must hold of the report that evaluation wrote",
    "hub/record_shape.py": "the same",
    "hub/card.py": "reads the report that evaluation wrote",
    "hub/card_metadata.py": "the same",
    "hub/card_sentences.py": "the same",
    "hub/card_tables.py": "the same",
    "training/cross_validation.py": "pools the predictions that evaluation wrote for each fold",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the absolute name of every module imported anywhere in a file, inside functions too."""
    package = ("bbc_classifier", *path.relative_to(PACKAGE).parent.parts) if path.is_relative_to(PACKAGE) else ()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            # `from bbc_classifier import data` imports a part, not a name of the package.
            yield from (f"{module}.{alias.name}" if module == "bbc_classifier" else module for alias in node.names)


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for module in imported_modules(path):
        root, _, rest = module.partition(".")
        if root == "bbc_classifier":
            part = rest.partition(".")[0]
            parts.add(part if part in MAY_IMPORT or (PACKAGE / part).is_dir() else "__init__")
    return parts


def imported_roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imported_modules(path)}


def calls_of(path: Path, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) == name or ast.unparse(call.func).endswith(f".{name}")]


def test_every_part_of_the_package_has_a_line_in_the_table():
    assert {part_of(path) for path in MODULES} == set(MAY_IMPORT)


def test_the_table_itself_has_no_circle():
    order: list[str] = []
    rest = dict(MAY_IMPORT)
    while rest:
        free = [part for part, needs in rest.items() if needs <= set(order)]
        assert free, f"a circle among {sorted(rest)}"
        order += free
        rest = {part: needs for part, needs in rest.items() if part not in free}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_part_may(path):
    part = part_of(path)
    assert imported_parts(path) - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_a_recipe_over_the_package(path):
    assert imported_roots(path) - set(sys.stdlib_module_names) == {"bbc_classifier"}
    assert not [node for node in ast.walk(tree_of(path)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


@pytest.mark.parametrize("path", sorted((PACKAGE / "model").glob("*.py")), ids=name_of)
def test_a_shipped_module_needs_its_siblings_and_the_libraries_and_nothing_else(path):
    outside = {
        root for root in imported_roots(path) if root not in sys.stdlib_module_names and root != "bbc_classifier"
    }
    assert outside <= SHIPPED_MODEL_NEEDS
    relative = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom) and node.level]
    # The library's copier misses `from . import x` and breaks on two dots.
    assert all(node.level == 1 and node.module for node in relative)
    assert "bbc_classifier" not in {
        module.partition(".")[0] for module in re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
    }
    # It also searches the text, docstrings included, for siblings to copy.
    siblings = set(re.findall(r"from \.(\w+) import", path.read_text(encoding="utf-8")))
    assert siblings == {node.module for node in relative}


@pytest.mark.parametrize("name", ["records", "provenance", "errors", "hub.card", "hub.standing"])
def test_records_and_cards_load_without_torch_transformers_or_datasets(name):
    heavy = "{'torch', 'transformers', 'datasets', 'sklearn'}"
    code = f"import sys, bbc_classifier.{name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) not in ("cli", "__main__")], ids=name_of)
def test_library_code_never_prints_exits_or_reads_the_command_line(path):
    assert not calls_of(path, "print")
    words = {ast.unparse(node) for node in ast.walk(tree_of(path)) if isinstance(node, (ast.Attribute, ast.Name))}
    assert not words & {"sys.argv", "sys.exit", "SystemExit", "sys.stdout", "exit", "quit"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_evaluation_opens_the_test_side(path):
    if part_of(path) in ("data", "evaluation"):
        return
    for call in calls_of(path, "side"):
        assert "test" not in ast.unparse(call)
    attributes = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
    assert "test" not in attributes
    says_test = any(isinstance(node, ast.Constant) and node.value == "test" for node in ast.walk(tree_of(path)))
    assert not says_test or name_of(path) in SAYS_TEST


def test_every_exception_is_still_needed():
    saying = {
        name_of(path)
        for path in MODULES
        if any(isinstance(node, ast.Constant) and node.value == "test" for node in ast.walk(tree_of(path)))
    }
    assert set(SAYS_TEST) <= saying


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_files_name_says_what_is_in_it(path):
    assert not set(path.relative_to(ROOT).with_suffix("").parts) & FORBIDDEN_NAMES


def test_no_file_is_longer_than_three_hundred_lines():
    files = [*MODULES, *SCRIPTS, *(ROOT / "tests").rglob("*.py")]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_exception_is_swallowed(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            assert not all(isinstance(statement, ast.Pass) for statement in node.body)

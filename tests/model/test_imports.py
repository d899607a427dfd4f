"""What the model's files may import: the folder must load where this package does not exist."""

import ast
import sys
from pathlib import Path

import pytest

import bbc_classifier.model

FILES = sorted(Path(bbc_classifier.model.__file__).parent.glob("*.py"))
ALLOWED = {*sys.stdlib_module_names, "torch", "transformers"}


def forbidden_imports(tree: ast.AST, siblings: set[str]) -> list[str]:
    """Return every import that the library's copier would miss, or that a bare process could not resolve."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] not in ALLOWED]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            legal = module.partition(".")[0] in ALLOWED if node.level == 0 else node.level == 1 and module in siblings
            if not legal:
                found.append("." * node.level + module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_model_file_imports_only_the_library_and_its_siblings(file):
    siblings = {sibling.stem for sibling in FILES}
    assert forbidden_imports(ast.parse(file.read_text(encoding="utf-8")), siblings) == []


@pytest.mark.parametrize(
    "line",
    ["import numpy", "from . import pooling", "from ..data import encode", "from bbc_classifier.model import pooling"],
)
def test_the_check_finds_what_would_break(line):
    assert forbidden_imports(ast.parse(line), {"pooling"})


def test_every_file_is_imported_by_one_of_the_two_that_the_library_is_told_of():
    # transformers 5.0 copies from a folder what the entry files import, and not what those import in turn.
    entries = {"configuration_pooled_encoder", "modeling_pooled_encoder"}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES if file.stem in entries]
    direct = {
        node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    }
    assert {file.stem for file in FILES} - {"__init__"} == direct | entries

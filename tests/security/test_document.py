"""docs/security.md: every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there():
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))
    assert len(named) > 12 and not {name for name in named if not (ROOT / name).is_file()}


def test_every_security_test_is_named():
    own = {path.relative_to(ROOT).as_posix() for path in Path(__file__).parent.glob("test_*.py")}
    assert own - {"tests/security/test_document.py"} <= set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))


def test_every_row_of_claims_names_a_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
    assert len(rows) > 15 and all("`tests/" in row for row in rows)

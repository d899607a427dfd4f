"""The package as a whole: layers, public names, files of the distribution."""

import subprocess
import sys
from pathlib import Path

import bbc_classifier

ROOT = Path(__file__).resolve().parent.parent


def test_each_layer_imports_only_the_layers_below_it() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_transformers_knows_the_model_once_the_package_is_imported() -> None:
    code = (
        "import bbc_classifier\nfrom transformers import AutoConfig, AutoModelForSequenceClassification as Auto\n"
        "config = AutoConfig.for_model('pooled_encoder')\nassert type(config) in Auto._model_mapping"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_has_a_docstring_and_a_type(tmp_path: Path) -> None:
    """Names behind a module-level `__getattr__` are Any to a type checker unless they are imported for it."""
    names = [name for name in bbc_classifier.__all__ if not name.startswith("_")]
    assert all(getattr(bbc_classifier, name).__doc__ for name in names)
    file = tmp_path / "user.py"
    file.write_text("\n".join(["import bbc_classifier", *(f"reveal_type(bbc_classifier.{name})" for name in names)]))
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    revealed = [line for line in result.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(names) and not [line for line in revealed if '"Any"' in line], result.stdout


def test_the_package_holds_no_article_text() -> None:
    files = [path for path in (ROOT / "bbc_classifier").rglob("*") if "__pycache__" not in path.parts]
    assert max(path.stat().st_size for path in files) < 100_000

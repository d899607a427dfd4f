"""The package as a whole: layers, public names, files of the distribution."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", [name for name in bbc_classifier.__all__ if not name.startswith("_")])
def test_every_public_name_exists_and_has_a_docstring(name: str) -> None:
    assert getattr(bbc_classifier, name).__doc__


def test_public_names_have_types(tmp_path: Path) -> None:
    """Names behind a module-level `__getattr__` are Any to a type checker unless they are imported for it."""
    file = tmp_path / "user.py"
    names = [name for name in bbc_classifier.__all__ if not name.startswith("_")]
    lines = ["import bbc_classifier", *(f"reveal_type(bbc_classifier.{name})" for name in names)]
    file.write_text("\n".join(lines))
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    revealed = [line for line in result.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(names), result.stdout
    assert not [line for line in revealed if '"Any"' in line]


def test_no_file_of_the_package_reads_a_private_name_of_a_library() -> None:
    """Two files may: the model, whose base class asks for it, and the Trainer's subclass, which says why."""
    allowed = {"model/configuration_pooled_encoder.py", "model/modeling_pooled_encoder.py", "training/trainer.py"}
    package = ROOT / "bbc_classifier"
    for path in package.rglob("*.py"):
        if path.relative_to(package).as_posix() in allowed:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for library in ("torch", "transformers", "accelerate", "datasets", "evaluate", "huggingface_hub"):
                assert f"{library}._" not in line, f"{path}:{number}"


def test_the_package_holds_no_article_text() -> None:
    package = ROOT / "bbc_classifier"
    sizes = [path.stat().st_size for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert max(sizes) < 100_000

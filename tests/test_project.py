"""The project as a whole: layers, public names, no texts of others; README, docs and the notebook run and are true."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

import bbc_classifier
from bbc_classifier.cli import COMMANDS, OptionParser
from bbc_classifier.io import read_json
from bbc_classifier.model.configuration_pooled_encoder import NAMED_ENCODERS
from tests.hub_server import TOKEN, HubServer
from tests.tiny import run_python, save_tiny_encoder

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
IDS = [page.name for page in PAGES]
NOTEBOOK = ROOT / "notebooks" / "bbc_bert_finetuning.ipynb"


def test_transformers_knows_the_model_once_the_package_is_imported():
    code = (
        "import bbc_classifier\nfrom transformers import AutoConfig, AutoModelForSequenceClassification as Auto\n"
        "config = AutoConfig.for_model('pooled_encoder')\nassert type(config) in Auto._model_mapping"
    )
    run_python("-c", code)


def test_every_public_name_has_a_docstring_and_a_type(tmp_path):
    """Names behind a module-level `__getattr__` are Any to a type checker unless they are imported for it."""
    names = [name for name in bbc_classifier.__all__ if not name.startswith("_")]
    assert all(getattr(bbc_classifier, name).__doc__ for name in names)
    file = tmp_path / "user.py"
    file.write_text("\n".join(["import bbc_classifier", *(f"reveal_type(bbc_classifier.{name})" for name in names)]))
    result = run_python("-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file), cwd=ROOT)
    revealed = [line for line in result.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(names) and not [line for line in revealed if '"Any"' in line], result.stdout


def test_published_figures_are_those_of_the_records(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "results", tmp_path / "results")
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    for script in ("update_readme", "model_cards"):
        runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
    for page in ("README.md", *(f"model_cards/{path.name}" for path in (ROOT / "model_cards").glob("*.md"))):
        assert (tmp_path / page).read_text("utf-8") == (ROOT / page).read_text("utf-8"), page


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_have_options_that_exist(page):
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    for line in "".join(blocks).splitlines() + re.findall(r"`(bbc-classifier [a-z]+ [^`…]*)`", text):
        words = shlex.split(line, comments=True)
        if "bbc-classifier" not in words[:1] and "bbc_classifier" not in words:
            continue
        name, *argv = words[words.index("bbc-classifier" if "bbc-classifier" in words else "bbc_classifier") + 1 :]
        if name in COMMANDS and "--help" not in argv and "--help-all" not in argv:
            OptionParser(name, COMMANDS[name]).parse([word for word in argv if word != "…"])


@pytest.mark.slow
def test_code_blocks_run(tmp_path):
    """Run them as a user would, in one directory; the encoders of the Hub are tiny ones on the loopback."""
    (tmp_path / "work").mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "work" / "scripts")
    with HubServer() as hub:
        for name, hub_id in NAMED_ENCODERS.items():
            family = {"distilbert": "distilbert", "mpnet": "mpnet"}.get(name, "bert")
            files = save_tiny_encoder(tmp_path / name, family)
            hub.add_repository(hub_id, {path.name: path.read_bytes() for path in files.iterdir()})
        environment = hub.environment(tmp_path / "home", HF_TOKEN=TOKEN, PYTHONPATH=str(ROOT))
        command = [sys.executable, "-m", "tests.docs_blocks", *map(str, PAGES)]
        subprocess.run(command, cwd=tmp_path / "work", env=environment, check=True)


def test_the_picture_has_the_parameters_of_the_default():
    picture = (ROOT / "docs" / "pipeline.svg").read_text("utf-8")
    counts = [int(count.replace(",", "")) for count in re.findall(r"([\d,]+) parameters<", picture)]
    assert sum(counts) == read_json(ROOT / "results" / "default-seed42.json")["model"]["num_parameters"]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_resolve(page):
    for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if path.startswith("http"):
            continue
        linked = (page.parent / path) if path else page
        assert linked.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_architecture_page_names_every_file():
    package = ROOT / "bbc_classifier"
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w./]+)/` \| (.*) \|$", page, flags=re.MULTILINE)
    listed = [(Path(folder) / name).as_posix() for folder, row in rows for name in re.findall(r"`(\w+\.py)`: ", row)]
    files = [path for path in package.rglob("*.py") if path.name != "__init__.py" or path.parent == package]
    assert sorted(listed) == sorted(path.relative_to(package).as_posix() for path in files)


def test_no_output_of_the_notebook_is_committed():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells and not [cell for cell in cells if cell["outputs"] or cell["execution_count"]]


@pytest.mark.slow
def test_every_cell_of_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BBC_NOTEBOOK_SMALL", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook, resources = nbformat.read(NOTEBOOK, as_version=4), {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert "it/s]" not in str(outputs) and str(tmp_path) not in str(outputs)

"""The notebook runs from top to bottom, on few rows and steps."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "bbc_bert_finetuning.ipynb"
nbformat = pytest.importorskip("nbformat")


def test_no_output_is_committed():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []


@pytest.mark.slow
def test_every_cell_runs(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("BBC_NOTEBOOK_SMALL", "1")
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert "it/s]" not in str(outputs) and str(tmp_path) not in str(outputs)

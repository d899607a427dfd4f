"""Paths stay where they belong: links in a run that is published, names in records, names that are no UTF-8."""

import os
from pathlib import Path

import onnx
import pytest

from bbc_classifier.cli import main
from bbc_classifier.comparison.reproduction import script
from bbc_classifier.errors import InputError
from bbc_classifier.export.onnx_runtime import OnnxGraph
from bbc_classifier.hub.contents import contents
from bbc_classifier.hub.finished_run import open_finished_run
from bbc_classifier.records import read_json, write_json
from tests.data.stories import stories, write_csv
from tests.refusals import assert_refused

PUSH = ["push", "tiny-run", "--repo_id", "ann/news", "--license", "mit", "--dry_run"]


@pytest.fixture
def work(run, monkeypatch, tmp_path) -> Path:
    """The folder around a finished run, with a secret outside of the run."""
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text("the key")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["model/vocab.txt", "model/evil.py", "figures/more.png", "model/tokenizer_config.json"]
)
@pytest.mark.parametrize("target", ["../../secret", "/etc/hostname"])
def test_a_link_out_of_the_run_is_not_published(name, target, work, capsys):
    link = Path("tiny-run") / name
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    record = read_json(Path("tiny-run/record.json"))
    # Whoever puts a link there may forge the record too.
    del record["model"]["settings_sha256"]
    write_json(Path("tiny-run/record.json"), record)
    assert_refused(PUSH, f"'tiny-run/{name}' is a link that leads out of the run's folder", capsys)


def test_a_folder_that_leads_out_is_not_published(work, capsys):
    Path("tiny-run/model").rename("elsewhere")
    Path("tiny-run/model").symlink_to("../elsewhere")
    assert_refused(PUSH, "is a link that leads out of the run's folder; only what lies in it is published", capsys)


def test_a_link_inside_of_the_run_and_a_run_behind_a_link_are_published(work):
    Path("tiny-run/model/vocab.txt").symlink_to("tokenizer.json")
    Path("linked").symlink_to("tiny-run")
    files = contents(open_finished_run("linked"), "card")
    assert {"vocab.txt", "model.safetensors", "figures/confusion_matrix.png"} <= set(files)


def test_what_is_no_file_is_not_published(work, capsys):
    Path("tiny-run/model/vocab.txt").mkdir()
    assert_refused(PUSH, "'tiny-run/model/vocab.txt' is no file; only what `train` wrote is published", capsys)


def test_the_record_of_an_export_names_no_other_folder(work, capsys):
    file = Path("tiny-run/export/onnx/export.json")
    sha256 = "0" * 64
    record = {
        "format": "../../../secret",
        "original": {"weights_sha256": sha256},
        "exported": {"weights_sha256": sha256, "weights_bytes": 1},
        "measured": {"n": 1, "agreement": 1.0},
    }
    write_json(file, record)
    assert_refused([*PUSH, "--onnx"], f"'{file}' is damaged: format is '../../../secret' where one of onnx is", capsys)


@pytest.mark.parametrize("name", ["../../outside", "/outside", "..", "a/../../outside", ".hidden/x"])
def test_the_name_of_data_is_no_path_for_results(name, work, capsys):
    record = read_json(Path("tiny-run/record.json"))
    record["data"]["name"] = name
    write_json(Path("tiny-run/record.json"), record)
    before = {path for path in work.iterdir()}
    assert main([*PUSH[:2], "--namespace", "ann", *PUSH[4:]]) == 0
    assert {path.name for path in set(work.iterdir()) - before} == {"publish"}
    (repository,) = Path("publish").iterdir()
    assert repository.name.endswith("tiny-run") and not repository.is_symlink()


def test_a_downloaded_script_holds_nothing_but_the_configuration():
    evil = '"""\nimport os\nos.system("touch executed")\n"""{x}'
    options = {"model": {"encoder": evil}, "data": {"dataset": evil}, "training": {"seed": 7}}
    code = script(evil, options)
    module = compile(code, "script.py", "exec")
    assert "os" not in module.co_names and code.startswith('"""')


def test_a_name_that_is_no_utf8_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_csv(Path(os.fsdecode(b"mine\xff.csv")), stories("business", "sport"))
    name = os.fsdecode(b"mine\xff.csv")
    assert_refused(["audit", "--dataset", name], r"the name 'mine\\udcff.csv' is not UTF-8; rename the file", capsys)
    folder = Path(os.fsdecode(b"news/sport\xff"))
    folder.mkdir(parents=True)
    (folder / "1.txt").write_text("a goal")
    assert_refused(["audit", "--dataset", "news"], r"sport\\udcff/1.txt' is not UTF-8; rename the file", capsys)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname"])
def test_a_graph_reads_no_data_outside_of_its_folder(location, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    weights = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4])
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "16"}.items():
        weights.external_data.add(key=key, value=value)
    shown = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [4])
    node = onnx.helper.make_node("Identity", ["w"], ["logits"])
    graph = onnx.helper.make_graph([node], "graph", [], [shown], [weights])
    (tmp_path / "model").mkdir()
    file = tmp_path / "model" / "model.onnx"
    file.write_bytes(onnx.helper.make_model(graph, ir_version=8).SerializeToString())
    with pytest.raises(InputError, match=r"is no ONNX graph that onnxruntime can run: .*xternal data"):
        OnnxGraph(file)

"""The demo page in Chromium, as the exported Space serves it: a label, its reasons, a file, limits; nothing foreign."""

import os
import socket
import subprocess
import sys

import gradio
import pandas as pd
import pytest
import yaml

from bbc_classifier.config import DemoArguments, ExportArguments
from bbc_classifier.errors import UserError
from bbc_classifier.export.export import export
from bbc_classifier.io import read_json

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def space(tiny_model_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "news"
    return export(ExportArguments(model=str(tiny_model_dir), format="space", output_dir=str(path)))


@pytest.fixture
def page(space, port, chromium):
    """The page of the Space's app.py, started in its directory as on the Hub: nothing else is on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"GRADIO_SERVER_PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    options = {"cwd": space, "env": environment, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "app.py"], **options) as app:
        url = f"http://127.0.0.1:{port}"
        assert app.stdout.readline() == f"Open {url} (Ctrl-C ends it)\n"
        page = chromium.new_page()
        page.foreign = []
        page.on("request", lambda request: page.foreign.append(request.url) if "127.0.0.1" not in request.url else None)
        page.goto(url)
        page.get_by_label("Text", exact=True).wait_for()
        yield page
        page.close()
        app.terminate()


def classify_rows(page, path, texts):
    page.get_by_role("tab", name="File").click()
    pd.DataFrame({"text": texts}).to_csv(path, index=False)
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_role("button", name="Classify the rows").click()


def test_text_reasons_file_and_limits(page, tmp_path):
    page.get_by_label("Text", exact=True).fill("The team scored <img src=x onerror=alert(1)> twice.")
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_role("heading", name="sport").or_(page.get_by_role("heading", name="business")).wait_for()
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("Words for").wait_for()
    classify_rows(page, tmp_path / "rows.csv", ["A goal.", "=1+1", "The <img src=x onerror=alert(1)> budget."])
    page.get_by_text("3 rows:").wait_for()
    page.get_by_role("cell", name="budget.").wait_for()
    with page.expect_download() as download:
        page.locator("a[download]").last.click()
    table = pd.read_csv(download.value.path())
    assert len(table) == 3 and table["text"][1] == "'=1+1" and "prediction" in table
    assert page.locator("img[src='x']").count() == 0
    page.reload()
    classify_rows(page, tmp_path / "rows.csv", ["A goal."] * 1001)
    page.get_by_text("at most 1,000 are accepted").wait_for()
    page.get_by_role("tab", name="Text").click()
    page.get_by_label("Text", exact=True).fill("goal " * 5000)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("longer than 20,000 characters").wait_for()
    assert [url for url in page.foreign if url.startswith("http")] == []


def test_a_space_has_what_the_hub_asks_for_and_no_local_path(space, tiny_model_dir):
    header = yaml.safe_load((space / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert header["sdk"] == "gradio" and header["sdk_version"] == gradio.__version__
    assert header["title"] == tiny_model_dir.name and (space / header["app_file"]).is_file()
    requirements = (space / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert f"gradio=={gradio.__version__}" in requirements and "bbc" not in " ".join(requirements)
    record = read_json(space / "export.json")
    assert record["original"] == record["exported"] and record["agreement"]["equal_predictions"] == 1
    texts = [path.read_bytes() for path in space.rglob("*") if path.is_file()]
    assert not any(str(tiny_model_dir.parent).encode() in text for text in texts)


def test_requests_of_an_address_are_limited_and_a_taken_port_is_a_sentence(tiny_model_dir, port):
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    from bbc_classifier.demo import build_page, launch

    page = build_page(DemoArguments(model=str(tiny_model_dir), max_requests_per_minute=2, min_confidence=1.0))
    _, url, _ = page.launch(server_port=port, prevent_thread_lock=True, quiet=True)
    client = Client(url, verbose=False)
    answers, note = client.predict("A goal.", api_name="/classify")
    assert "Unsure" in note and {row["label"] for row in answers["confidences"]} == {"business", "sport"}
    with pytest.raises(AppError, match="More than 2 requests"):
        for _ in range(5):  # one more minute may begin
            client.predict("A goal.", api_name="/classify")
    with pytest.raises(UserError, match=f"--port: .*{port}"):
        launch(DemoArguments(model=str(tiny_model_dir), port=port))
    page.close()

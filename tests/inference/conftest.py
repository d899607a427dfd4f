from pathlib import Path

import pytest

from tests.tiny import tiny_tokenizer


@pytest.fixture
def model_folder(tiny_classifier, tmp_path) -> Path:
    """A tiny classifier with its tokenizer, as training saves them; a folder of the test's own."""
    folder = tmp_path / "run" / "model"
    tiny_classifier(max_input_tokens=16).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder

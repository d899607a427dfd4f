"""The eight reference shapes on a GPU: `pytest -m gpu`. Random weights in the real sizes; nothing is fetched."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from bbc_classifier.errors import OutOfMemory
from bbc_classifier.inference.classifier import NewsClassifier
from bbc_classifier.records import read_json
from bbc_classifier.training.trainer import StopOnNonFiniteLoss
from tests.tiny import tiny_tokenizer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: these check what only a GPU can show"),
]

ENCODERS = {
    "bert-base": ("bert", {}),
    "distilbert": ("distilbert", {}),
    "tinybert": (
        "bert",
        {"hidden_size": 312, "num_hidden_layers": 4, "intermediate_size": 1200, "num_attention_heads": 12},
    ),
}
SHAPES = [
    (encoder, pooling)
    for encoder in ENCODERS
    for pooling in ("cls", "mean", "pooler")
    if (encoder, pooling) != ("distilbert", "pooler")
]


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    """Return a maker of encoder folders in the real sizes."""
    made = {}

    def make(name: str) -> str:
        if name not in made:
            family, sizes = ENCODERS[name]
            folder = tmp_path_factory.mktemp(name)
            torch.manual_seed(0)
            AutoModel.from_config(AutoConfig.for_model(family, **sizes)).save_pretrained(folder)
            tiny_tokenizer().save_pretrained(folder)
            made[name] = str(folder)
        return made[name]

    return make


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize(("encoder", "pooling"), SHAPES)
def test_every_shape_trains_saves_and_loads(run_training, encoder_folder, encoder, pooling, precision):
    options = {"max_steps": 50, "learning_rate": 1e-4, "precision": precision}
    folder = run_training(encoder=encoder_folder(encoder), pooling=pooling, **options)
    record = read_json(folder.record)
    assert (record["training"]["precision"], record["training"]["steps"]) == (precision, 50)
    assert record["peak_memory_mib"]["gpu"] > 0
    assert NewsClassifier.from_pretrained(str(folder.path)).predict(["the goal match"])[0].confidence > 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_uninterrupted_run(run_training, encoder_folder, monkeypatch, precision):
    options = {"encoder": encoder_folder("tinybert"), "precision": precision, "num_train_epochs": 3}
    options |= {"save_strategy": "steps", "save_steps": 5, "eval_strategy": "steps", "eval_steps": 5}

    def interrupt(self, args, state, control, **kwargs):
        if state.global_step == 12:
            raise KeyboardInterrupt

    whole = run_training("whole", **options)
    with monkeypatch.context() as patch:
        patch.setattr(StopOnNonFiniteLoss, "on_step_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_training("broken", **options)
    resumed = run_training("broken", resume_from_checkpoint="last", **options)
    name = "model.safetensors"
    assert (whole.model / name).read_bytes() == (resumed.model / name).read_bytes()


def test_a_batch_that_does_not_fit_names_the_options(run_training, encoder_folder):
    torch.cuda.empty_cache()
    # What the driver and other tests hold is not counted: this process may take 2 GiB.
    torch.cuda.set_per_process_memory_fraction(2 * 2**30 / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(OutOfMemory, match=r"out of memory for (step 1|training).*--gradient_accumulation_steps"):
            run_training(encoder=encoder_folder("bert-base"), max_steps=1, per_device_train_batch_size=64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()

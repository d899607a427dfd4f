"""The eight reference configurations on a GPU, with random weights in the real sizes: `pytest -m gpu`."""

import gc

import pytest
import torch
from transformers import AutoConfig, AutoModel

from bbc_classifier import DataArguments, ModelArguments, TextClassifier, TrainArguments, train
from bbc_classifier.errors import EnvironmentFailure
from tests.tiny import articles, tiny_tokenizer
from tests.training.conftest import weights
from tests.training.test_resume import StopAt

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: these check what only a GPU can show"),
]
TINYBERT = {"hidden_size": 312, "num_hidden_layers": 4, "intermediate_size": 1200, "num_attention_heads": 12}
ENCODERS = {"bert-base": ("bert", {}), "distilbert": ("distilbert", {}), "tinybert": ("bert", TINYBERT)}
POOLINGS = ("cls", "mean", "pooler")
CONFIGURATIONS = [pair for pair in ((e, p) for e in ENCODERS for p in POOLINGS) if pair != ("distilbert", "pooler")]


@pytest.fixture(scope="module")
def encoder_dirs(tmp_path_factory):
    paths = {name: tmp_path_factory.mktemp(name) for name in ENCODERS}
    for name, (family, sizes) in ENCODERS.items():
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(family, **sizes)).save_pretrained(paths[name])
        tiny_tokenizer().save_pretrained(paths[name])
    return paths


@pytest.fixture
def run(tmp_path, encoder_dirs):
    def start(name="run", encoder="tinybert", pooling="mean", callbacks=(), **options):
        texts, labels = zip(*articles("sport", "business", "tech", each=30), strict=True)
        return train(
            ModelArguments(encoder=str(encoder_dirs[encoder]), pooling=pooling),
            DataArguments(max_length=64),
            TrainArguments(output_dir=str(tmp_path / name), disable_tqdm=True, early_stopping_patience=0, **options),
            dataset=(texts, labels),
            callbacks=callbacks,
        )

    return start


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize(("encoder", "pooling"), CONFIGURATIONS)
def test_every_configuration_trains_saves_and_loads(run, encoder, pooling, precision):
    result = run(encoder=encoder, pooling=pooling, precision=precision, max_steps=50, learning_rate=1e-4)
    training = result.record["training"]
    assert (training["precision"], training["global_step"], training["device"]) == (precision, 50, "cuda")
    assert result.record["peak_memory_mb"]["cuda"] > 0
    on_gpu, on_cpu = (TextClassifier.from_pretrained(result.run_dir, device=device) for device in ("cuda", "cpu"))
    texts = ["the goal match", "shares fell"]
    assert on_gpu.predict_proba(texts) == pytest.approx(on_cpu.predict_proba(texts), abs=1e-2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_training_resumes_to_the_same_weights(run, precision):
    options = {"precision": precision, "num_train_epochs": 3, "eval_strategy": "steps", "save_strategy": "steps"}
    options |= {"trainer_kwargs": {"save_steps": 3, "eval_steps": 3}}
    whole = run("whole", **options)
    with pytest.raises(SystemExit):
        run("killed", callbacks=[StopAt(7)], **options)
    resumed = run("killed", resume_from_checkpoint="last", **options)
    assert weights(whole) == weights(resumed)


def test_a_batch_that_does_not_fit_names_the_options(run):
    gc.collect()  # the models of the tests before
    torch.cuda.empty_cache()
    # The limit counts this process only: it may take 2 GiB.
    torch.cuda.set_per_process_memory_fraction(2 * 2**30 / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(EnvironmentFailure, match="--per_device_train_batch_size"):
            run(encoder="bert-base", max_steps=1, per_device_train_batch_size=64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()

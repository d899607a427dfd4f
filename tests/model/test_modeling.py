"""The model: what may not change an answer, starting from encoders and classifiers, the loss, and library features."""

import json
import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertForPreTraining, BertForSequenceClassification, DistilBertForMaskedLM

import bbc_classifier.model
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification, legal_poolings, truncate
from bbc_classifier.model.modeling_pooled_encoder import sequence_loss
from tests.model import remote_code
from tests.model.conftest import loud_classifier, ragged_batch, random_ids
from tests.tiny import FAMILIES, LABELS, run_python, save_tiny_encoder, tiny_classifier, tiny_config

from_encoder = PooledEncoderForSequenceClassification.from_encoder
from_pretrained = PooledEncoderForSequenceClassification.from_pretrained
close = torch.testing.assert_close
MULTI_LABEL = "multi_label_classification"
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}
READING = {"max_input_tokens": 6, "truncation": "tail"}
THRESHOLDS = {"problem_type": MULTI_LABEL, "label_thresholds": [0.2, 0.3, 0.4, 0.5, 0.6]}
READERS = {kept: loud_classifier(max_input_tokens=8, truncation=kept) for kept in ("head", "tail", "head+tail")}
READERS |= {"windows": loud_classifier(max_input_tokens=12, window_length=5)}
HEAD = {"encoder", "pooling", "classifier"}
SOURCES = [(BertForPreTraining, "pooler"), (BertForSequenceClassification, "mean"), (DistilBertForMaskedLM, "mean")]
PAIRS = [("bert", pooling) for pooling in legal_poolings("bert")] + [
    (family, "pooler" if "pooler" in legal_poolings(family) else "mean") for family in FAMILIES if family != "bert"
]


def padded(rows, width, side):
    """Return a batch whose padding holds random tokens, hidden by the mask."""
    ids = random_ids(len(rows), width, seed=width)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        start = {"right": 0, "left": width - len(tokens), "both": (width - len(tokens)) // 2}[side]
        ids[row, start : start + len(tokens)], mask[row, start : start + len(tokens)] = tokens, 1
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("window_length", [None, 5])
@pytest.mark.parametrize(("family", "pooling"), PAIRS)
@torch.inference_mode()
def test_padding_batch_order_and_saving_change_no_answer(family, pooling, window_length, tmp_path):
    model = loud_classifier(family, pooling, window_length=window_length)
    rows = [random_ids(1, length, seed=length)[0] for length in (7, 2, 12)]
    alone = torch.cat([model(row.unsqueeze(0)).logits for row in rows])
    assert alone.std(0).min() > 1e-3  # mixing the rows up would show
    for side, width in (("right", 12), ("right", 31), ("left", 12), ("both", 31)):
        close(model(**padded(rows, width, side)).logits, alone, **TOLERANCE)
    close(model(**padded(rows[::-1], 12, "right")).logits, alone.flip(0), **TOLERANCE)
    model.save_pretrained(tmp_path)
    loaded, report = from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    assert torch.equal(loaded(**ragged_batch()).logits, model(**ragged_batch()).logits)


@pytest.mark.parametrize(
    ("options", "ids", "read"),
    [
        ({"max_input_tokens": 6}, [2, 5, 6, 7, 8, 9, 3], [2, 5, 6, 7, 8, 3]),
        ({"max_input_tokens": 6, "truncation": "tail"}, [2, 5, 6, 7, 8, 9, 3], [2, 6, 7, 8, 9, 3]),
        ({"max_input_tokens": 6, "truncation": "head+tail"}, [2, 5, 6, 7, 8, 9, 3], [2, 5, 7, 8, 9, 3]),
        ({}, [2, 5, 6, 3], [2, 5, 6, 3]),
        ({}, [], []),
    ],
)
def test_truncate(options, ids, read):
    config = PooledEncoderConfig(tiny_config(), **options)
    assert truncate(ids, config) == (read, "max_input_tokens" in options)


@settings(deadline=None, max_examples=60)
@given(
    bodies=st.lists(st.lists(st.integers(5, 14), max_size=20), min_size=1, max_size=3),
    reader=st.sampled_from(sorted(READERS)),
    side=st.sampled_from(["right", "left", "both"]),
    extra=st.integers(0, 5),
)
@torch.inference_mode()
def test_the_model_reads_of_whole_texts_what_truncate_returns(bodies, reader, side, extra):
    model, rows = READERS[reader], [[2, *body, 3] for body in bodies]
    expected = torch.cat([model(torch.tensor([truncate(row, model.config)[0]])).logits for row in rows])
    batch = padded([torch.tensor(row) for row in rows], max(map(len, rows)) + extra, side)
    close(model(**batch).logits, expected, **TOLERANCE)
    embeds = model.get_input_embeddings()(batch["input_ids"])
    close(model(**batch, inputs_embeds=embeds).logits, expected, **TOLERANCE)
    close(model(inputs_embeds=embeds, attention_mask=batch["attention_mask"]).logits, expected, **TOLERANCE)


@pytest.mark.parametrize("pooling", legal_poolings("bert"))
@torch.inference_mode()
def test_windows_begin_with_the_first_token_and_count_by_the_tokens_they_add(pooling):
    model = loud_classifier(pooling=pooling, window_length=4)
    windows = {4 / 8: [2, 5, 6, 7], 3 / 8: [2, 8, 9, 10], 1 / 8: [2, 3]}
    expected = sum(share * model(torch.tensor([ids])).logits for share, ids in windows.items())
    close(model(torch.tensor([[2, 5, 6, 7, 8, 9, 10, 3]])).logits, expected, **TOLERANCE)
    assert model(random_ids(1, 99)).logits.isfinite().all()  # more than the encoder's 64 positions


# Probabilities 1/2, 1/4, 1/4 and 1/8, 3/4, 1/8, the second label is the last; the third row is ignored.
SINGLE = torch.tensor([[2.0, 1.0, 1.0], [1.0, 6.0, 1.0], [9.0, 1.0, 1.0]]).log(), torch.tensor([0, 2, -100])
ROWS = [math.log(2), math.log(8)]
SPREAD = [0.7 * ROWS[0] + 0.1 * math.log(32), 0.7 * ROWS[1] + 0.1 * math.log(256 / 3)]
MULTI = torch.tensor([[0.0, math.log(3)], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [-100.0, -100.0]])
CELLS = [math.log(2), math.log(4)]


@pytest.mark.parametrize(
    ("batch", "options", "expected"),
    [
        (SINGLE, {}, sum(ROWS) / 2),
        (SINGLE, {"class_weights": [1.0, 5.0, 3.0]}, (ROWS[0] + 3 * ROWS[1]) / 4),
        (SINGLE, {"label_smoothing": 0.3}, sum(SPREAD) / 2),
        (SINGLE, {"class_weights": [1.0, 5.0, 3.0], "label_smoothing": 0.3}, (SPREAD[0] + 3 * SPREAD[1]) / 4),
        (MULTI, {}, sum(CELLS) / 2),
        (MULTI, {"class_weights": [1.0, 3.0]}, (CELLS[0] + 3 * CELLS[1]) / 4),
        (MULTI, {"label_smoothing": 0.2}, (math.log(2) + 0.9 * math.log(4) + 0.1 * math.log(4 / 3)) / 2),
    ],
)
def test_loss(batch, options, expected):
    (logits, labels), kind = batch, {"problem_type": MULTI_LABEL} if batch is MULTI else {}
    config = PooledEncoderConfig(tiny_config(), id2label=dict(enumerate("abc"[: logits.shape[1]])), **kind, **options)
    assert sequence_loss(logits, labels, config).item() == pytest.approx(expected)
    plain = sum(CELLS if batch is MULTI else ROWS) / 2
    assert sequence_loss(logits, labels, config, training=False).item() == pytest.approx(plain)
    assert sequence_loss(logits.half(), labels, config).dtype == torch.float32


@pytest.mark.parametrize("pooling", legal_poolings("bert"))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
@torch.inference_mode()
def test_half_precision_answers_alike(pooling, dtype, tolerance):
    model = tiny_classifier(pooling=pooling)
    expected, half = model(**ragged_batch()).logits.softmax(-1), model.to(dtype)(**ragged_batch()).logits
    assert half.dtype == dtype
    close(half.float().softmax(-1), expected, rtol=0, atol=tolerance)


def test_the_library_resizes_embeddings_returns_hidden_states_and_checkpoints_activations(tmp_path):
    model, batch = loud_classifier(classifier_dropout=0.0), {**ragged_batch(), "labels": torch.tensor([0, 1, 2])}
    with torch.no_grad():
        output = model(**batch, output_hidden_states=True)
        assert [layer.shape for layer in output.hidden_states] == [(3, 9, 24)] * 3
        model.resize_token_embeddings(300, mean_resizing=False)
        model.save_pretrained(tmp_path)
        model = from_pretrained(tmp_path)
        assert model.get_input_embeddings().num_embeddings == model.config.encoder_config.vocab_size == 300
        loss, logits = model(**batch, return_dict=False)
    assert torch.equal(logits, output.logits) and torch.equal(loss, output.loss)
    for module in model.train().modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    gradients = []
    for enable in (lambda: None, model.gradient_checkpointing_enable):
        enable()
        model.zero_grad()
        model(**batch).loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert model.is_gradient_checkpointing
    close(gradients[0], gradients[1])


@torch.inference_mode()
def test_the_temperature_divides_the_logits_and_default_label_names_are_saved_with_a_warning(tmp_path):
    model = loud_classifier(id2label={0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})
    before = model(**ragged_batch()).logits
    model.apply_temperature(2.5)
    close(model(**ragged_batch()).logits, before / 2.5)
    with pytest.warns(UserWarning, match="LABEL_0"):
        model.save_pretrained(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_attention_implementations_answer_alike_and_mpnet_falls_back_to_eager(family, tmp_path):
    loud_classifier(family).save_pretrained(tmp_path)
    output = from_pretrained(tmp_path, attn_implementation="eager")(**ragged_batch(), output_attentions=True)
    close(from_pretrained(tmp_path)(**ragged_batch()).logits, output.logits, **TOLERANCE)
    assert len(output.attentions) == 2


@pytest.mark.parametrize(("model_class", "pooling"), SOURCES)
def test_every_encoder_tensor_arrives_and_nothing_is_printed(model_class, pooling, tmp_path, capfd):
    source = model_class(tiny_config(model_class.config_class.model_type)).half()  # its precision is not used
    tensors = source.state_dict()
    source.save_pretrained(tmp_path)
    if model_class is BertForPreTraining:  # its first checkpoints have LayerNorm.gamma and .beta
        (tmp_path / "model.safetensors").unlink()
        names = [name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta") for name in tensors]
        torch.save(dict(zip(names, tensors.values(), strict=True)), tmp_path / "pytorch_model.bin")
    capfd.readouterr()
    model = from_encoder(tmp_path, labels=LABELS, pooling=pooling)
    assert capfd.readouterr() == ("", "")
    expected = source.base_model.state_dict()
    for name, tensor in model.encoder.state_dict().items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, expected[name].float()), name


@pytest.mark.parametrize("tensor", [None, torch.zeros(7, 24)], ids=["missing", "another shape"])
@pytest.mark.parametrize(
    ("name", "pooling", "named"),
    [
        ("encoder.layer.1.output.dense.weight", "mean", "encoder.layer.1.output.dense.weight"),
        ("pooler.dense.weight", "pooler", "no pretrained pooler"),
        ("pooler.dense.weight", "mean", None),
    ],
)
def test_no_encoder_tensor_stays_random(name, pooling, named, tensor, tmp_path):
    file = save_tiny_encoder(tmp_path) / "model.safetensors"
    tensors = {key: value for key, value in load_file(file).items() if key != name}
    save_file(tensors | ({} if tensor is None else {name: tensor}), file, metadata={"format": "pt"})
    with nullcontext() if named is None else pytest.raises(ValueError, match=named):
        from_encoder(tmp_path, labels=LABELS, pooling=pooling)


def test_the_options_of_a_new_classifier(tiny_bert_dir):
    heads = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        model = from_encoder(tiny_bert_dir, labels=np.array(LABELS), encoder_dropout=0.3, attn_implementation="eager")
        heads.append(model.classifier.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    config = model.config
    assert (config.label_names, config.problem_type) == (LABELS, "single_label_classification")
    assert (config._attn_implementation, model.dropout.p) == ("eager", 0.1)
    assert {module.p for module in model.encoder.modules() if isinstance(module, torch.nn.Dropout)} == {0.3}
    with pytest.raises(ValueError, match="labels"):
        from_encoder(tiny_bert_dir)


@pytest.mark.parametrize(
    ("saved", "options", "kept"),
    [
        ({}, {"labels": LABELS}, HEAD),
        (THRESHOLDS, {}, HEAD),
        ({}, {"truncation": "head"}, HEAD),
        ({}, {"labels": [*LABELS, "weather"]}, {"encoder", "pooling"}),
        ({}, {"labels": LABELS[::-1]}, {"encoder", "pooling"}),
        ({}, {"problem_type": MULTI_LABEL}, {"encoder", "pooling"}),
        ({}, {"pooling": "mean"}, {"encoder"}),
    ],
)
def test_what_a_classifier_keeps_of_another(saved, options, kept, tmp_path):
    start = loud_classifier(pooling="attention", **READING, **saved)
    start.save_pretrained(tmp_path / "run" / "model")
    again = from_encoder(tmp_path / "run", **options)
    for name, tensor in start.state_dict().items():
        if (module := name.partition(".")[0]) in kept or name == "classifier.weight":
            assert torch.equal(tensor, again.state_dict()[name]) == (module in kept), name
    changed = {name: value for name, value in options.items() if name != "labels"}
    assert all(getattr(again.config, name) == value for name, value in {**READING, **saved, **changed}.items())
    assert again.config.label_names == options.get("labels", LABELS)
    with pytest.raises(ValueError, match="no pretrained pooler"):
        from_encoder(tmp_path / "run", pooling="pooler")


def test_an_encoder_that_is_not_part_of_the_library_is_an_error_and_its_code_does_not_run(tmp_path):
    (tmp_path / "configuration_own.py").write_text("raise SystemExit('this ran')\n")
    (tmp_path / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "configuration_own.Own"}}')
    with pytest.raises(ValueError, match="not part of transformers"):
        from_encoder(tmp_path, labels=LABELS)


def test_a_checkpoint_holds_two_files_of_code_and_no_pickle_and_answers_alike_by_its_own_code(tmp_path):
    checkpoint, code = remote_code.make(tmp_path), ["configuration_pooled_encoder.py", "modeling_pooled_encoder.py"]
    names = {file.name for file in checkpoint.iterdir()}
    assert names == {*code, "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    source = Path(bbc_classifier.model.__file__).parent
    assert all((checkpoint / name).read_text() == (source / name).read_text() for name in code)
    assert json.loads((checkpoint / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_pooled_encoder.PooledEncoderConfig",
        "AutoModelForSequenceClassification": "modeling_pooled_encoder.PooledEncoderForSequenceClassification",
    }
    # In a process that has torch and transformers only.
    done = run_python("-m", "tests.model.remote_code", "check", str(tmp_path), cwd=Path(__file__).parents[2])
    assert done.stderr.strip() == ""

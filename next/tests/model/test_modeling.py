"""The model: what may not change an answer, starting from encoders and classifiers, the loss, and library features."""

import copy
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import BertForPreTraining, BertForSequenceClassification, DistilBertForMaskedLM

from bbc_classifier.model import (
    TRUNCATIONS,
    LexicalHead,
    PooledEncoderConfig,
    PooledEncoderForSequenceClassification,
    is_truncated,
    legal_poolings,
    locate_encoder,
    truncate,
)
from bbc_classifier.model.modeling_pooled_encoder import sequence_loss
from tests.conftest import LABELS
from tests.model.conftest import loud_classifier, ragged_batch, random_ids
from tests.tiny import FAMILIES, SIZES, save_tiny_encoder, tiny_config

from_encoder = PooledEncoderForSequenceClassification.from_encoder
from_pretrained = PooledEncoderForSequenceClassification.from_pretrained
close = torch.testing.assert_close
MULTI_LABEL = "multi_label_classification"
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}
PAIRS = [
    (family, pooling) for family in FAMILIES for pooling in ("mean", "pooler") if pooling in legal_poolings(family)
]
PAIRS += [("bert", pooling) for pooling in ("cls", "max", "attention", "cls+mean")]


def padded(rows: list[torch.Tensor], width: int, side: str) -> dict[str, torch.Tensor]:
    """Return a batch whose padding holds random tokens, hidden by the mask."""
    ids = random_ids(len(rows), width, seed=width)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        start = {"right": 0, "left": width - len(tokens), "both": (width - len(tokens)) // 2}[side]
        ids[row, start : start + len(tokens)], mask[row, start : start + len(tokens)] = tokens, 1
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize(("family", "pooling"), PAIRS)
@torch.inference_mode()
def test_padding_batch_order_and_saving_change_no_answer(family, pooling, tmp_path):
    model = loud_classifier(family, pooling)
    rows = [random_ids(1, length, seed=length)[0] for length in (7, 2, 12)]
    alone = torch.cat([model(row.unsqueeze(0)).logits for row in rows])
    assert alone.std(0).min() > 1e-3  # mixing the rows up would show
    for side, width in (("right", 12), ("right", 31), ("left", 12), ("both", 31)):
        close(model(**padded(rows, width, side)).logits, alone, **TOLERANCE)
    close(model(**padded(rows[::-1], 12, "right")).logits, alone.flip(0), **TOLERANCE)
    empty = model(rows[0].unsqueeze(0), attention_mask=torch.zeros(1, 7, dtype=torch.long)).logits
    assert empty.isfinite().all()
    model.save_pretrained(tmp_path)
    loaded, report = from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    for other in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(**ragged_batch()).logits, model(**ragged_batch()).logits)
        other.classifier.bias.add_(1)
    assert torch.equal(model(rows[0].unsqueeze(0)).logits, alone[:1])  # the copies share nothing


@pytest.mark.parametrize(
    ("options", "ids", "read"),
    [
        ({"max_input_tokens": 6}, [2, 5, 6, 7, 8, 9, 3], [2, 5, 6, 7, 8, 3]),
        ({"max_input_tokens": 6, "truncation": "tail"}, [2, 5, 6, 7, 8, 9, 3], [2, 6, 7, 8, 9, 3]),
        ({"max_input_tokens": 6, "truncation": "head+tail"}, [2, 5, 6, 7, 8, 9, 3], [2, 5, 7, 8, 9, 3]),
        ({"distinct_tokens": True}, [2, 7, 8, 7, 9, 8, 3], [2, 7, 8, 9, 3]),
        ({"distinct_tokens": True}, [2, 3, 7, 3], [2, 3, 7, 3]),  # a closing token within the text
        ({"distinct_tokens": True, "lexical_head": True}, [2, 7, 7, 3], [2, 7, 7, 3]),
        ({"distinct_tokens": True}, [], []),
    ],
)
def test_truncate(options, ids, read):
    config = PooledEncoderConfig(tiny_config(), **options)
    assert truncate(ids, config) == read
    assert is_truncated(ids, config) == ("max_input_tokens" in options)


READERS = {
    (truncation, distinct): loud_classifier(max_input_tokens=8, truncation=truncation, distinct_tokens=distinct)
    for truncation in TRUNCATIONS
    for distinct in (False, True)
}


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
    expected = torch.cat([model(torch.tensor([truncate(row, model.config)])).logits for row in rows])
    batch = padded([torch.tensor(row) for row in rows], max(map(len, rows)) + extra, side)
    close(model(**batch).logits, expected, **TOLERANCE)
    embeds = model.get_input_embeddings()(batch["input_ids"])
    close(model(**batch, inputs_embeds=embeds).logits, expected, **TOLERANCE)
    if not model.config.distinct_tokens:
        by_embeds = model(inputs_embeds=embeds, attention_mask=batch["attention_mask"])
        close(by_embeds.logits, expected, **TOLERANCE)


@torch.inference_mode()
def test_token_types_and_positions_move_with_their_tokens():
    model, ids = loud_classifier(max_input_tokens=16, truncation="head+tail"), random_ids(2, 40)
    types, positions = (torch.arange(40) >= 20).long()[None], torch.arange(40).flip(0)[None]
    kept = torch.tensor(truncate(list(range(40)), model.config))
    expected = model(ids[:, kept], token_type_ids=types[:, kept], position_ids=positions[:, kept]).logits
    assert torch.equal(model(ids, token_type_ids=types, position_ids=positions).logits, expected)


def test_missing_and_misshapen_inputs_are_errors():
    embeds, ids = torch.zeros(2, 4, 24), random_ids(2, 4)
    for model, inputs in (
        (loud_classifier(), {}),
        (loud_classifier(lexical_head=True), {"inputs_embeds": embeds}),
        (loud_classifier(), {"input_ids": ids, "attention_mask": torch.ones(2, 1, 4, 4)}),
    ):
        with pytest.raises(ValueError, match=r"input_ids|batch, tokens"):
            model(**inputs)


def test_layer_integrated_gradients_by_hooks_are_complete():
    # As captum's LayerIntegratedGradients: read the embeddings of input and baseline, then replace them step by step.
    model = loud_classifier(distinct_tokens=True, max_input_tokens=8)
    ids, baseline = torch.tensor([[2, 7, 8, 7, 9, 8, 10, 11, 12, 13, 3]]), torch.tensor([[2, *[0] * 9, 3]])
    layer, outputs, steps = model.encoder.embeddings, [], 2000
    with layer.register_forward_hook(lambda *call: outputs.append(call[-1].detach())), torch.no_grad():
        model(ids), model(baseline)
    embedded, base = outputs
    alphas = ((torch.arange(steps) + 0.5) / steps).view(-1, 1, 1)
    path = (base + alphas * (embedded - base)).requires_grad_()

    def target(values: torch.Tensor) -> torch.Tensor:
        with layer.register_forward_hook(lambda *_: values):
            return model(ids.expand(len(values), -1)).logits[:, 1]

    (gradient,) = torch.autograd.grad(target(path).sum(), path)
    attributions = gradient.mean(0) * (embedded - base)
    close(attributions.sum(), (target(embedded) - target(base))[0], rtol=0.02, atol=0.01)


def bucket(first: int, second: int) -> int:
    return SIZES["vocab_size"] + (first * 1_000_003 + second * 7_919) % 2**16


@torch.inference_mode()
def test_the_lexical_head_is_sublinear_tf_idf_of_the_whole_text():
    head, ids = LexicalHead(SIZES["vocab_size"], 3), torch.tensor([[7, 8, 7]])
    head.idf[7] = 2.0
    weighted = {7: (1 + math.log(2)) * 2, 8: 1.0, bucket(7, 8): 1.0, bucket(8, 7): 1.0}
    expected = torch.zeros(1, len(head.idf))
    expected[0, list(weighted)] = functional.normalize(torch.tensor(list(weighted.values())), dim=0)
    close(head.features(ids, torch.ones_like(ids)), expected)
    assert not head(ids, torch.zeros_like(ids)).any()
    model = loud_classifier(lexical_head=True, max_input_tokens=8)
    rows = [torch.tensor([2, 5, 6, 7, 8, 9, 10, 3]), torch.tensor([2, 5, 6, 7, 8, 9, 10, 11, 12, 3])]
    by_encoder = [model(row[None]).logits - model.lexical_head(row[None], torch.ones(1, len(row))) for row in rows]
    close(by_encoder[0], by_encoder[1])
    assert not torch.equal(model(rows[0][None]).logits, model(rows[1][None]).logits)
    close(model(**padded(rows, 15, "left")).logits, torch.cat([model(row[None]).logits for row in rows]), **TOLERANCE)


# Probabilities 1/2, 1/4, 1/4 and 1/8, 3/4, 1/8; the third row is ignored.
LOGITS = torch.tensor([[2.0, 1.0, 1.0], [1.0, 6.0, 1.0], [9.0, 1.0, 1.0]]).log()
TARGETS = torch.tensor([0, 2, -100])
ROWS = [math.log(2), math.log(8)]
SPREAD = [0.7 * ROWS[0] + 0.1 * math.log(32), 0.7 * ROWS[1] + 0.1 * math.log(256 / 3)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, sum(ROWS) / 2),
        ({"class_weights": [1.0, 5.0, 3.0]}, (ROWS[0] + 3 * ROWS[1]) / 4),
        ({"label_smoothing": 0.3}, sum(SPREAD) / 2),
        ({"class_weights": [1.0, 5.0, 3.0], "label_smoothing": 0.3}, (SPREAD[0] + 3 * SPREAD[1]) / 4),
    ],
)
def test_single_label_loss(options, expected):
    config = PooledEncoderConfig(tiny_config(), id2label=dict(enumerate("abc")), **options)
    assert sequence_loss(LOGITS, TARGETS, config).item() == pytest.approx(expected)
    assert sequence_loss(LOGITS, TARGETS, config, training=False).item() == pytest.approx(sum(ROWS) / 2)
    assert sequence_loss(LOGITS.half(), TARGETS, config).dtype == torch.float32
    if len(options) < 2:  # torch spreads the smoothed share by the weights too
        weight = torch.tensor(options["class_weights"]) if "class_weights" in options else None
        library = torch.nn.CrossEntropyLoss(weight, label_smoothing=options.get("label_smoothing", 0.0))
        close(sequence_loss(LOGITS, TARGETS, config), library(LOGITS, TARGETS))


def test_multi_label_loss():
    logits, targets = torch.tensor([[0.0, math.log(3)], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [-100.0, -100.0]])
    cells, options = [math.log(2), math.log(4)], {"id2label": {0: "a", 1: "b"}, "problem_type": MULTI_LABEL}
    smoothed = [math.log(2), 0.9 * math.log(4) + 0.1 * math.log(4 / 3)]
    for more, expected in (
        ({}, sum(cells) / 2),
        ({"class_weights": [1.0, 3.0]}, (cells[0] + 3 * cells[1]) / 4),
        ({"label_smoothing": 0.2}, sum(smoothed) / 2),
    ):
        config = PooledEncoderConfig(tiny_config(), **options, **more)
        assert sequence_loss(logits, targets, config).item() == pytest.approx(expected)


@pytest.mark.parametrize("pooling", legal_poolings("bert"))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@torch.inference_mode()
def test_half_precision_answers_alike(pooling, dtype, tiny_classifier):
    model = tiny_classifier(pooling=pooling, lexical_head=True)
    half = copy.deepcopy(model).to(dtype)
    expected, answers = (each(**ragged_batch()).logits.float().softmax(-1) for each in (model, half))
    assert half(**ragged_batch()).logits.dtype == dtype
    close(answers, expected, rtol=0, atol=1e-3 if dtype == torch.float16 else 1e-2)
    assert torch.equal(answers.argmax(1), expected.argmax(1)) or dtype == torch.bfloat16


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"albert", "mpnet"}))  # the two that cannot
def test_gradient_checkpointing_changes_no_gradient(family):
    gradients = []
    for checkpointing in (False, True):
        model = loud_classifier(family, max_input_tokens=6, distinct_tokens=True).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        torch.manual_seed(11)  # the same dropout
        model(**ragged_batch(), labels=torch.tensor([0, 4, 2])).loss.backward()
        gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
    close(gradients[1], gradients[0])


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_attention_implementations_answer_alike_and_mpnet_falls_back_to_eager(family, tmp_path):
    loud_classifier(family).save_pretrained(tmp_path)
    default, eager = from_pretrained(tmp_path), from_pretrained(tmp_path, attn_implementation="eager")
    close(default(**ragged_batch()).logits, eager(**ragged_batch()).logits, **TOLERANCE)
    output = eager(**ragged_batch(), output_hidden_states=True, output_attentions=True)
    assert len(output.hidden_states) == 3
    assert len(output.attentions) == 2
    assert len(eager(**ragged_batch(), return_dict=False)) == 1


@torch.inference_mode()
def test_a_larger_vocabulary_changes_no_answer(tmp_path):
    model = loud_classifier()
    before = model(**ragged_batch()).logits
    model.resize_token_embeddings(200)
    model.save_pretrained(tmp_path)
    loaded = from_pretrained(tmp_path)
    assert loaded.config.encoder_config.vocab_size == 200
    assert torch.equal(loaded(**ragged_batch()).logits, before)


def test_the_compiled_and_the_exported_model_answer_alike():
    model, batch = loud_classifier(distinct_tokens=True, max_input_tokens=6), ragged_batch()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    sizes = {0: torch.export.Dim("rows", min=1, max=64)}
    program = torch.export.export(model, (), batch, dynamic_shapes=dict.fromkeys(batch, sizes), strict=False).module()
    for part in (slice(0, 3), slice(1, 2)):
        rows = {name: values[part] for name, values in batch.items()}
        with torch.inference_mode():
            close(program(**rows).logits, model(**rows).logits, **TOLERANCE)
            close(compiled(**rows).logits, model(**rows).logits, **TOLERANCE)


def test_default_label_names_are_saved_with_a_warning(tmp_path):
    model = PooledEncoderForSequenceClassification(PooledEncoderConfig(tiny_config(), num_labels=3))
    with pytest.warns(UserWarning, match="LABEL_0"):
        model.save_pretrained(tmp_path)
    assert from_pretrained(tmp_path).config.num_labels == 3


@torch.inference_mode()
def test_the_temperature_divides_the_logits():
    model = loud_classifier(lexical_head=True)
    before = model(**ragged_batch()).logits
    model.apply_temperature(2.5)
    close(model(**ragged_batch()).logits, before / 2.5)


def test_frozen_layers():
    model = loud_classifier(pooling="pooler")
    model.freeze_encoder(1)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert not [name for name in trained if "embeddings" in name or "layer.0." in name]
    assert {"encoder.encoder.layer.1.output.dense.weight", "encoder.pooler.dense.weight", "classifier.bias"} <= trained
    with pytest.raises(ValueError, match="3 layers: the encoder has 2"):
        model.freeze_encoder(3)


def save_bin(model: torch.nn.Module, directory: Path) -> None:
    """Save as repositories from before safetensors do: one pickled state dict."""
    model.config.save_pretrained(directory)
    torch.save(model.state_dict(), directory / "pytorch_model.bin")


def save_old_names(model: torch.nn.Module, directory: Path) -> None:
    """Save as the first BERT checkpoints do: LayerNorm.gamma and .beta."""
    model.save_pretrained(directory)
    new = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = load_file(directory / "model.safetensors")
    for name in [name for name in tensors if "LayerNorm" in name]:
        stem, kind = name.rsplit("LayerNorm", 1)
        tensors[stem + new["LayerNorm" + kind]] = tensors.pop(name)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("save", "model_class", "pooling"),
    [
        (save_old_names, BertForPreTraining, "pooler"),
        (save_bin, BertForPreTraining, "pooler"),
        (BertForSequenceClassification.save_pretrained, BertForSequenceClassification, "mean"),
        (save_bin, DistilBertForMaskedLM, "mean"),
    ],
)
def test_every_encoder_tensor_arrives_and_nothing_is_printed(save, model_class, pooling, tmp_path, capfd):
    family = "distilbert" if model_class is DistilBertForMaskedLM else "bert"
    source = model_class(tiny_config(family)).half()  # its precision is not used
    save(source, tmp_path)
    capfd.readouterr()
    model = from_encoder(tmp_path, labels=LABELS, pooling=pooling)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
    expected = getattr(source, family).state_dict()
    for name, tensor in model.encoder.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected[name].float()), name


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
    directory = save_tiny_encoder(tmp_path / "encoder")
    tensors = load_file(directory / "model.safetensors")
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    if named is None:
        from_encoder(directory, labels=LABELS, pooling=pooling)
    else:
        with pytest.raises(ValueError, match=named):
            from_encoder(directory, labels=LABELS, pooling=pooling)


def test_the_options_of_a_new_classifier(tiny_bert_dir):
    heads = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        model = from_encoder(tiny_bert_dir, labels=np.array(LABELS), encoder_dropout=0.3, max_input_tokens=32)
        heads.append(model.classifier.weight)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    config = model.config
    assert (config.label_names, config.problem_type) == (LABELS, "single_label_classification")
    assert config.label2id == {name: index for index, name in enumerate(LABELS)}
    assert (config.max_input_tokens, model.dropout.p) == (32, 0.1)
    assert {module.p for module in model.encoder.modules() if isinstance(module, torch.nn.Dropout)} == {0.3}
    assert (
        from_encoder(tiny_bert_dir, labels=LABELS, attn_implementation="eager").config._attn_implementation == "eager"
    )
    for options, named in (({}, "labels"), ({"labels": []}, "labels"), ({"labels": LABELS, "pooling": "x"}, "'x'")):
        with pytest.raises(ValueError, match=named):
            from_encoder(tiny_bert_dir, **options)
    with pytest.raises(ValueError, match="encoder_dropout"):
        from_encoder(tiny_bert_dir, labels=LABELS, encoder_dropout=1.0)


READING = {"max_input_tokens": 6, "truncation": "tail", "distinct_tokens": True}


@pytest.mark.parametrize(
    "options",
    [{"lexical_head": True}, {"problem_type": MULTI_LABEL, "label_thresholds": [0.2, 0.3, 0.4, 0.5, 0.6]}],
)
def test_a_classifier_started_from_a_classifier_answers_alike(options, tmp_path):
    start = loud_classifier(pooling="attention", **READING, **options)
    start.save_pretrained(tmp_path / "run" / "model")
    again = from_encoder(tmp_path / "run", labels=LABELS).eval()
    assert torch.equal(again(**ragged_batch()).logits, start(**ragged_batch()).logits)
    for name in (*READING, *options, "label_names"):
        assert getattr(again.config, name) == getattr(start.config, name), name


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"labels": [*LABELS, "weather"]}, {"encoder", "pooling"}),
        ({"labels": LABELS[::-1]}, {"encoder", "pooling"}),
        ({"problem_type": MULTI_LABEL}, {"encoder", "pooling"}),
        ({"pooling": "mean"}, {"encoder"}),
        ({"truncation": "head", "distinct_tokens": False}, {"encoder", "pooling", "classifier"}),
    ],
)
def test_what_a_classifier_keeps_of_another(options, kept, tmp_path):
    start = loud_classifier(pooling="attention", **READING)
    start.save_pretrained(tmp_path)
    again = from_encoder(tmp_path, **options)
    pairs = [(name, tensor, start.state_dict().get(name)) for name, tensor in again.state_dict().items()]
    equal = {name.partition(".")[0] for name, tensor, old in pairs if old is not None and torch.equal(tensor, old)}
    assert equal - {"classifier"} == kept - {"classifier"}
    assert torch.equal(again.classifier.weight, start.classifier.weight) == ("classifier" in kept)
    assert all(
        getattr(again.config, name) == value for name, value in {**READING, **options}.items() if name != "labels"
    )
    with pytest.raises(ValueError, match="no pretrained pooler"):
        from_encoder(tmp_path, pooling="pooler")


def test_an_encoder_that_is_not_part_of_the_library_is_an_error_and_its_code_does_not_run(tmp_path):
    (tmp_path / "configuration_own.py").write_text("raise SystemExit('this ran')\n")
    (tmp_path / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "configuration_own.Own"}}')
    with pytest.raises(ValueError, match="not part of transformers"):
        from_encoder(tmp_path, labels=LABELS)


@pytest.mark.slow
def test_the_embedded_encoder_arrives_whole(capfd):
    expected = load_file(Path(locate_encoder("minilm").path) / "model.safetensors")
    model = from_encoder("minilm", labels=LABELS, pooling="pooler", max_input_tokens=128)
    assert capfd.readouterr().err == ""
    assert all(torch.equal(tensor, expected[name].float()) for name, tensor in model.encoder.state_dict().items())

"""What the library and torch offer every model, on ours: each feature, compared with the plain way."""

import copy
import io
import pickle

import pytest
import torch
from safetensors.torch import load_file

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.configuration_pooled_encoder import legal_poolings
from tests.model.conftest import make_loud_classifier, random_ids
from tests.tiny import FAMILIES, tiny_config

BERT_POOLINGS = legal_poolings("bert")
# Families whose attention the library has in both forms.
WITH_SDPA = ["albert", "bert", "distilbert", "electra", "modernbert", "roberta"]
WITH_CHECKPOINTING = [family for family in sorted(FAMILIES) if family not in ("albert", "mpnet")]


def ragged_batch() -> dict[str, torch.Tensor]:
    """Return three rows of 9, 5 and 2 tokens, padded on the right."""
    mask = (torch.arange(9) < torch.tensor([[9], [5], [2]])).long()
    return {"input_ids": random_ids(3, 9) * mask, "attention_mask": mask}


def gradients(model: PooledEncoderForSequenceClassification) -> dict[str, torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(11)  # dropout draws the same either way
    model.train()(**ragged_batch(), labels=torch.tensor([0, 4, 2])).loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("family", WITH_CHECKPOINTING)
def test_activation_checkpointing_changes_neither_loss_nor_gradients(tiny_classifier, family):
    model = tiny_classifier(family)
    plain = gradients(model)
    model.gradient_checkpointing_enable()
    assert model.is_gradient_checkpointing
    checkpointed = gradients(model)
    assert plain.keys() == checkpointed.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, msg=name)


@pytest.mark.parametrize("family", WITH_SDPA)
def test_eager_and_fused_attention_answer_alike(family, tmp_path):
    make_loud_classifier(family).save_pretrained(tmp_path)
    answers = []
    for attention in ("eager", "sdpa"):
        model = PooledEncoderForSequenceClassification.from_pretrained(tmp_path, attn_implementation=attention)
        assert model.encoder.config._attn_implementation == attention
        answers.append(model(**ragged_batch()).logits)
    torch.testing.assert_close(answers[0], answers[1], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(WITH_SDPA)))
def test_a_family_without_fused_attention_loads_with_the_default_settings(family, tmp_path):
    model = make_loud_classifier(family)
    model.save_pretrained(tmp_path)
    loaded = PooledEncoderForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.encoder.config._attn_implementation == "eager"
    assert torch.equal(loaded(**ragged_batch()).logits, model(**ragged_batch()).logits)


@pytest.mark.parametrize("pooling", BERT_POOLINGS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@torch.inference_mode()
def test_loading_in_half_precision_answers_nearly_alike(tiny_classifier, tmp_path, dtype, pooling):
    model = tiny_classifier(pooling=pooling)
    model.save_pretrained(tmp_path)
    half = PooledEncoderForSequenceClassification.from_pretrained(tmp_path, dtype=dtype)
    assert {parameter.dtype for parameter in half.parameters()} == {dtype}
    logits = half(**ragged_batch()).logits
    assert logits.dtype == dtype
    torch.testing.assert_close(logits.float(), model(**ragged_batch()).logits, rtol=0.05, atol=0.02)


@torch.inference_mode()
def test_hidden_states_and_attentions_are_those_of_the_rows_as_read(tmp_path):
    make_loud_classifier(max_input_tokens=8).save_pretrained(tmp_path)
    model = PooledEncoderForSequenceClassification.from_pretrained(tmp_path, attn_implementation="eager")
    output = model(**ragged_batch(), output_hidden_states=True, output_attentions=True)
    assert [tuple(states.shape) for states in output.hidden_states] == [(3, 8, 24)] * 3
    assert [tuple(weights.shape) for weights in output.attentions] == [(3, 3, 8, 8)] * 2
    plain = model(**ragged_batch())
    assert (plain.hidden_states, plain.attentions) == (None, None)
    assert torch.equal(plain.logits, output.logits)


@torch.inference_mode()
def test_embeddings_in_place_of_ids_answer_alike(loud_classifier):
    model, batch = loud_classifier(), ragged_batch()
    embeddings = model.get_input_embeddings()(batch["input_ids"])
    by_embeddings = model(inputs_embeds=embeddings, attention_mask=batch["attention_mask"]).logits
    torch.testing.assert_close(by_embeddings, model(**batch).logits)
    whole = model(inputs_embeds=embeddings[:1]).logits  # without a mask every token is real
    torch.testing.assert_close(whole, by_embeddings[:1], rtol=1e-4, atol=2e-5)


def test_ids_and_embeddings_together_or_neither_are_refused(loud_classifier):
    model, ids = loud_classifier(), random_ids(2, 4)
    for inputs in ({}, {"input_ids": ids, "inputs_embeds": torch.zeros(2, 4, 24)}):
        with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
            model(**inputs)


def test_a_mask_of_another_shape_than_rows_by_tokens_is_refused(loud_classifier):
    with pytest.raises(ValueError, match="batch, tokens"):
        loud_classifier()(input_ids=random_ids(2, 4), attention_mask=torch.ones(2, 1, 4, 4))


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert"])
@torch.inference_mode()
def test_a_larger_vocabulary_changes_no_answer_and_is_saved(loud_classifier, tmp_path, family):
    model = loud_classifier(family)
    before = model(**ragged_batch()).logits
    model.resize_token_embeddings(200)
    assert torch.equal(model(**ragged_batch()).logits, before)
    model.save_pretrained(tmp_path)
    loaded = PooledEncoderForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.config.encoder_config.vocab_size == 200
    assert loaded.get_input_embeddings().num_embeddings == 200
    assert torch.equal(loaded(**ragged_batch()).logits, before)


@pytest.mark.parametrize("pooling", ["attention", "pooler"])
def test_the_compiled_model_is_one_graph_and_answers_alike(loud_classifier, pooling):
    model = loud_classifier(pooling=pooling)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    batch = ragged_batch()
    with torch.inference_mode():
        torch.testing.assert_close(compiled(**batch).logits, model(**batch).logits)


def test_training_compiles_into_one_graph_too(loud_classifier):
    options = {"class_weights": [1.0, 2.0, 3.0, 4.0, 5.0], "label_smoothing": 0.1, "classifier_dropout": 0.0}
    model = loud_classifier("modernbert", **options).train()
    batch = {**ragged_batch(), "labels": torch.tensor([0, 4, 2])}
    expected = model(**batch).loss
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(**batch).loss, expected)


@pytest.mark.parametrize("pooling", ["max", "cls+mean"])
def test_the_exported_program_answers_alike_for_any_number_of_rows(loud_classifier, pooling):
    model, batch = loud_classifier(pooling=pooling), ragged_batch()
    rows = torch.export.Dim("rows", min=1, max=64)
    program = torch.export.export(
        model, (), batch, dynamic_shapes={name: {0: rows} for name in batch}, strict=False
    ).module()
    for batch_rows in (slice(0, 3), slice(0, 2), slice(1, 2)):
        part = {name: values[batch_rows] for name, values in batch.items()}
        with torch.inference_mode():
            torch.testing.assert_close(program(**part).logits, model(**part).logits, rtol=1e-4, atol=2e-5)


def test_without_return_dict_the_answer_is_a_tuple(loud_classifier):
    model, batch = loud_classifier(), {**ragged_batch(), "labels": torch.tensor([0, 4, 2])}
    output = model(**batch)
    loss, logits = model(**batch, return_dict=False)
    assert torch.equal(loss, output.loss)
    assert torch.equal(logits, output.logits)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_saved_model_comes_back_bit_for_bit(loud_classifier, tmp_path, family):
    for pooling in legal_poolings(family):
        model = loud_classifier(family, pooling)
        folder = tmp_path / pooling
        model.save_pretrained(folder)
        loaded, report = PooledEncoderForSequenceClassification.from_pretrained(folder, output_loading_info=True)
        assert not any(report.values()), report
        assert not loaded.training
        assert load_file(folder / "model.safetensors").keys() == model.state_dict().keys()
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, loaded.state_dict()[name]), name
        assert torch.equal(loaded(**ragged_batch()).logits, model(**ragged_batch()).logits)


def test_a_model_whose_labels_have_no_names_is_not_saved(tmp_path):
    model = PooledEncoderForSequenceClassification(PooledEncoderConfig(tiny_config(), num_labels=3))
    with pytest.raises(PooledEncoderError, match="real names"):
        model.save_pretrained(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_pickled_and_a_copied_model_answer_alike_and_share_nothing(loud_classifier):
    model = loud_classifier(pooling="attention")
    stream = io.BytesIO()
    pickle.dump(model, stream)
    for copied in (copy.deepcopy(model), pickle.loads(stream.getvalue())):
        assert torch.equal(copied(**ragged_batch()).logits, model(**ragged_batch()).logits)
        with torch.no_grad():
            copied.classifier.bias.add_(1)
        assert not torch.equal(copied(**ragged_batch()).logits, model(**ragged_batch()).logits)


def test_the_same_seed_builds_the_same_model():
    first, second = make_loud_classifier(), make_loud_classifier()
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_an_encoder_configured_for_half_precision_is_built_in_the_classifiers_own():
    config = PooledEncoderConfig(tiny_config(dtype="float16"), num_labels=2)
    model = PooledEncoderForSequenceClassification(config)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@torch.inference_mode()
def test_a_folded_temperature_divides_the_logits(loud_classifier):
    model = loud_classifier()
    before = model(**ragged_batch()).logits
    model.fold_temperature(2.5)
    torch.testing.assert_close(model(**ragged_batch()).logits, before / 2.5)


def test_the_trainer_is_told_that_the_loss_is_a_mean():
    # Else it would multiply the loss by the number of accumulation steps and processes.
    assert PooledEncoderForSequenceClassification.accepts_loss_kwargs is False

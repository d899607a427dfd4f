"""The lexical head: its TF-IDF is the textbook's, padding changes nothing, and it ships with the classifier."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CanineConfig

from bbc_classifier.data.encode import encode_texts
from bbc_classifier.model import PooledEncoderConfig, PooledEncoderError, PooledEncoderForSequenceClassification
from bbc_classifier.model.distinct_tokens import first_occurrences
from bbc_classifier.model.lexical_head import PAIR_BUCKETS, LexicalHead
from tests.tiny import SIZES, tiny_config, tiny_tokenizer

CLS, SEP, PAD = 2, 3, 0
VOCABULARY = SIZES["vocab_size"]
BODIES = st.lists(st.integers(5, 12), max_size=20)


def classifier(**options: object) -> PooledEncoderForSequenceClassification:
    torch.manual_seed(0)
    config = PooledEncoderConfig(
        encoder_config=tiny_config(), id2label={0: "a", 1: "b", 2: "c"}, lexical_head=True, **options
    )
    return PooledEncoderForSequenceClassification(config).eval()


def bucket(first: int, second: int) -> int:
    return VOCABULARY + (first * 1_000_003 + second * 7_919) % PAIR_BUCKETS


def test_tokens_and_pairs_are_counted_weighed_and_scaled_as_by_hand():
    head = LexicalHead(VOCABULARY, 3)
    head.idf[7] = 2.0
    # 7 stands twice, 8 once; the pairs are 7 8 and 8 7.
    ids = torch.tensor([[7, 8, 7]])
    x = head.features(ids, torch.ones_like(ids))[0]
    weighed = {7: (1 + math.log(2)) * 2.0, 8: 1.0, bucket(7, 8): 1.0, bucket(8, 7): 1.0}
    length = math.sqrt(sum(value**2 for value in weighed.values()))
    assert len(weighed) == 4 and x.nonzero().flatten().tolist() == sorted(weighed)
    for column, value in weighed.items():
        assert x[column].item() == pytest.approx(value / length, rel=1e-6)
    scores = head(ids, torch.ones_like(ids))[0]
    assert torch.allclose(scores, head.scores.weight @ x, atol=1e-6)


def test_a_text_without_a_token_scores_nothing():
    ids = torch.tensor([[7, 8]])
    assert not LexicalHead(VOCABULARY, 3)(ids, torch.zeros_like(ids)).any()


@settings(deadline=None, max_examples=40)
@given(body=BODIES, left=st.integers(0, 4), right=st.integers(0, 4), distinct=st.booleans())
def test_padding_changes_no_answer(body, left, right, distinct):
    model = classifier(max_input_tokens=8, distinct_tokens=distinct)
    ids = torch.tensor([[CLS, *body, SEP]])
    padded = torch.nn.functional.pad(ids, (left, right), value=PAD)
    mask = torch.nn.functional.pad(torch.ones_like(ids), (left, right))
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, model(padded, attention_mask=mask).logits, atol=1e-6)


def test_the_head_reads_what_the_encoder_has_no_room_for():
    model, short = classifier(max_input_tokens=8), torch.tensor([[CLS, 5, 6, 7, 8, 9, 10, SEP]])
    long = torch.tensor([[CLS, 5, 6, 7, 8, 9, 10, 11, 12, SEP]])
    with torch.no_grad():
        lexical = [model.lexical_head(ids, torch.ones_like(ids)) for ids in (short, long)]
        answers = [model(ids).logits for ids in (short, long)]
    assert not torch.allclose(*lexical)
    assert torch.allclose(answers[0] - lexical[0], answers[1] - lexical[1], atol=1e-6)


def test_what_is_read_once_costs_the_encoder_no_more_than_its_distinct_tokens():
    model, widths = classifier(distinct_tokens=True), []
    model.encoder.register_forward_pre_hook(
        lambda _, inputs, options: widths.append(options["input_ids"].shape[1]), with_kwargs=True
    )
    rows = [[CLS, 5, 5, 5, 5, SEP], [CLS, 5, 6, 5, 6, SEP]]
    model(torch.tensor(rows))
    assert widths == [max(len(first_occurrences(row)) for row in rows)]


def test_texts_stay_whole_and_what_the_encoder_will_cut_is_said():
    tokenizer = tiny_tokenizer()
    texts = ["the goal the goal the goal the goal", "shares fell market match goal team film music"]
    encoded = encode_texts(tokenizer, texts, 8, "head", distinct=True, keep_whole=True)
    assert [len(ids) for ids in encoded.input_ids] == [10, 10]
    assert encoded.truncated == [False, True]


def test_the_temperature_divides_both_heads():
    model, ids = classifier(), torch.tensor([[CLS, 5, 6, SEP]])
    with torch.no_grad():
        before = model(ids).logits
        model.fold_temperature(2.0)
        assert torch.allclose(model(ids).logits, before / 2, atol=1e-6)


def test_the_head_ships_with_the_classifier_and_starts_another(tmp_path):
    model, ids = classifier(), torch.tensor([[CLS, 5, 6, 5, SEP]])
    torch.nn.init.uniform_(model.lexical_head.idf, 1, 2)
    model.save_pretrained(tmp_path)
    again = PooledEncoderForSequenceClassification.from_pretrained(tmp_path).eval()
    start = PooledEncoderForSequenceClassification.from_encoder(str(tmp_path), lexical_head=True).eval()
    without = PooledEncoderForSequenceClassification.from_encoder(str(tmp_path)).eval()
    with torch.no_grad():
        assert torch.equal(again(ids).logits, model(ids).logits)
        assert torch.equal(start(ids).logits, model(ids).logits)
    assert without.lexical_head is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lexical_head": "yes"}, "lexical_head must be true or false, not 'yes'"),
        ({"lexical_head": True, "problem_type": "multi_label_classification"}, "a lexical_head is for one label"),
    ],
)
def test_what_it_cannot_be_is_refused(options, message):
    with pytest.raises(PooledEncoderError, match=message):
        PooledEncoderConfig(encoder_config=tiny_config(), **options)


def test_an_encoder_of_characters_has_no_vocabulary_to_count():
    small = {name: SIZES[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    characters = CanineConfig(**small, intermediate_size=32)
    PooledEncoderForSequenceClassification(PooledEncoderConfig(encoder_config=characters, id2label={0: "a", 1: "b"}))
    with pytest.raises(PooledEncoderError, match="a canine encoder has no vocabulary"):
        PooledEncoderConfig(encoder_config=characters, lexical_head=True)


def test_embeddings_have_no_tokens_to_count():
    with pytest.raises(ValueError, match="compares or counts tokens, which needs input_ids"):
        classifier()(inputs_embeds=torch.zeros(1, 4, 24))

"""Every family builds, runs and answers with the right shape."""

import pytest
import torch

from tests.tiny import FAMILIES


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_answers_with_one_row_of_logits_per_text(tiny_classifier, family):
    model = tiny_classifier(family)
    logits = model(input_ids=torch.randint(5, 60, (3, 9))).logits
    assert logits.shape == (3, 5)
    assert torch.isfinite(logits).all()

"""Copies: one row is kept of those with one text and one label; those that disagree stay, in one group."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bbc_classifier.data.copies import conflicting_texts, first_copies
from bbc_classifier.data.duplicates import Duplicates, find_duplicates

QUICK = settings(max_examples=40, deadline=None)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"])), max_size=12)


def test_of_one_text_and_label_the_first_row_is_kept():
    duplicates = find_duplicates(["A goal", "a goal!", "a film", "a GOAL", "a film"])
    labels = [("sport",), ("sport",), ("arts",), ("tech",), ("arts",)]
    kept, dropped = first_copies(["1", "2", "3", "4", "5"], labels, duplicates)
    assert (kept, dropped) == ([0, 2, 3], {"2": "1", "5": "3"})
    assert conflicting_texts(labels, duplicates) == 1
    groups = duplicates.groups()
    assert groups[0] == groups[3] != groups[2]


def test_a_set_of_labels_counts_as_a_whole():
    duplicates = Duplicates(["a", "a", "a", "b", "b"])
    labels = [("x", "y"), ("x",), ("x", "y"), (), ()]
    assert first_copies(list("12345"), labels, duplicates) == ([0, 1, 3], {"3": "1", "5": "4"})
    assert conflicting_texts(labels, duplicates) == 1


@QUICK
@given(ROWS)
def test_every_row_is_kept_or_has_a_copy_that_is(rows):
    keys, labels = [key for key, _ in rows], [(label,) for _, label in rows]
    row_ids = [f"row {number}" for number in range(len(rows))]
    kept, dropped = first_copies(row_ids, labels, Duplicates(keys))
    kept_ids = [row_ids[row] for row in kept]
    assert sorted([*kept_ids, *dropped]) == sorted(row_ids)
    content = dict(zip(row_ids, rows, strict=True))
    assert all(kept_id in kept_ids and content[kept_id] == content[gone] for gone, kept_id in dropped.items())
    assert len({content[row_id] for row_id in kept_ids}) == len(kept_ids)


@QUICK
@given(ROWS, st.randoms(use_true_random=False))
def test_conflicts_do_not_depend_on_the_order(rows, order):
    shuffled = order.sample(rows, len(rows))
    counts = [
        conflicting_texts([(label,) for _, label in some], Duplicates([key for key, _ in some]))
        for some in (rows, shuffled)
    ]
    assert counts[0] == counts[1] == sum(len({label for k, label in rows if k == key}) > 1 for key in "abc")

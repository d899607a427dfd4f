import pytest
from datasets import Dataset

from bbc_classifier.data.articles import Articles
from tests.data.bbc import default_articles, every_article


@pytest.fixture(scope="session")
def bbc_table() -> Dataset:
    return every_article()


@pytest.fixture(scope="session")
def bbc_articles() -> Articles:
    return default_articles()

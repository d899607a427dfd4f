"""The BBC News articles, read once per session."""

import functools

from datasets import Dataset

from bbc_classifier.data.articles import Articles, load_articles
from bbc_classifier.data.bbc_news import BbcNews
from bbc_classifier.data.options import DataArguments


@functools.cache
def every_article() -> Dataset:
    """Return all 2,225 articles, duplicates included."""
    return BbcNews().read()


@functools.cache
def default_articles() -> Articles:
    """Return the distinct articles under the default split."""
    return load_articles(DataArguments())

from tests.comparison.conftest import nasty
from tests.hub.conftest import record, run, topics, trained

__all__ = ["nasty", "record", "run", "topics", "trained"]

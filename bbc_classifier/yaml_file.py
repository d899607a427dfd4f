"""A YAML file of options or names: words, numbers and lists of them, of which nothing is run and nothing unfolds."""

from pathlib import Path
from typing import Any

import yaml

from bbc_classifier.errors import InputError

# A file that a person writes is far below; each megabyte takes the parser seconds.
MOST_BYTES = 4 << 20


class _OneMeaning:
    """Refuses aliases: nine lines of them stand for more words than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            event = self.peek_event()  # type: ignore[attr-defined]
            raise yaml.composer.ComposerError(
                None, None, f"the alias '*{event.anchor}'; write the value out", event.start_mark
            )
        return super().compose_node(parent, index)  # type: ignore[misc]


class _Values(_OneMeaning, yaml.SafeLoader):
    """Numbers, dates and truth values are what they look like."""


class _Words(_OneMeaning, yaml.BaseLoader):
    """Every value is the word that is written: `no` and `true` are names of labels too."""


def read_yaml(path: Path, what: str, *, as_words: bool = False) -> Any:
    """Return what a YAML file, or a JSON file, holds.

    Args:
        path: The file.
        what: The option that names it, as the beginning of a sentence.
        as_words: Whether each value is the word that is written.

    Raises:
        InputError: It cannot be read, or is no such file; a tag that would make an object of a class is none.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{what}: '{path}' is larger than {MOST_BYTES >> 20} MiB, which no file of options is")
        loader = (_Words if as_words else _Values)(path.read_text(encoding="utf-8-sig"))
        return loader.get_single_data()
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{what}: cannot read '{path}': {error.strerror}") from error
    except RecursionError as error:
        raise InputError(f"{what}: '{path}' is nested too deeply") from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{what}: '{path}' is not YAML of words and numbers: {reason}") from error

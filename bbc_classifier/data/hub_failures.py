"""What the libraries raise when a data set of the Hub cannot be read, each in one sentence that says what to do."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from datasets.data_files import EmptyDatasetError
from datasets.exceptions import DataFilesNotFoundError, DatasetGenerationCastError, SplitsVerificationError
from datasets.table import CastError
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from yaml import YAMLError

from bbc_classifier.data.bbc_news import BbcNews
from bbc_classifier.errors import InputError, WorldError

NO_ROWS = "holds no file of rows that can be read (Parquet, CSV, JSON lines, text, …), or nothing in them"
# The first that fits an error is said; {elsewhere} is what else a name without an owner could have meant.
SENTENCES: list[tuple[type[Exception], str]] = [
    (HFValidationError, "{elsewhere}not an id of the Hub, which is owner/name"),
    (GatedRepoError, "is read on request only; ask for access on its page on the Hub, then set HF_TOKEN"),
    (RepositoryNotFoundError, "{elsewhere}not found on the Hub; check the id, or HF_TOKEN if the data set is private"),
    (RevisionNotFoundError, "has no branch, tag or commit '{revision}', which --dataset_revision asks for"),
    (EmptyDatasetError, NO_ROWS),
    (DataFilesNotFoundError, NO_ROWS),
    (FileNotFoundError, "its README.md names files that it does not hold"),
    (SplitsVerificationError, "its README.md announces other splits than its files hold ({reason})"),
    (YAMLError, "the YAML of its README.md cannot be read ({reason})"),
]
LONGEST_REASON = 300


@contextmanager
def failures_in_one_sentence(dataset_id: str, revision: str | None) -> Iterator[None]:
    """Turn whatever the libraries raise inside into the project's own errors.

    Raises:
        InputError: The request can never succeed: wrong id, token or revision, or files that cannot be read.
        WorldError: The network or the disk failed.
    """
    try:
        yield
    except (InputError, WorldError):
        raise
    # Files of unknown makers can raise anything: YAML, Arrow, pandas and the libraries have errors of their own.
    except Exception as error:
        raise _said(error, dataset_id, revision) from error


def hub_is_silent(error: BaseException) -> bool:
    """Whether an error means that the Hub gave no answer, as against one that we do not like."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, LocalEntryNotFoundError))


def reason_of(error: BaseException) -> str:
    """Return in a few words, on one line, what an error comes down to."""
    root = _root(error)
    if isinstance(root, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(root, HfHubHTTPError):
        return f"its answer is status {root.response.status_code}"
    if isinstance(root, CastError):
        return f"they do not all have the columns of the first, or of its README.md: {root.details().rstrip('.')}"
    return textwrap.shorten(str(root) or type(root).__name__, LONGEST_REASON, placeholder=" …")


def elsewhere(dataset_id: str) -> str:
    """Return what else a name without an owner could have meant, as the beginning of a sentence of what it is not."""
    if "/" in dataset_id:
        return ""
    return f"neither an embedded data set ('{BbcNews.name}') nor a file or folder here, and "


def _said(error: Exception, dataset_id: str, revision: str | None) -> InputError | WorldError:
    where, root, reason = f"--dataset {dataset_id}: ", _root(error), reason_of(error)
    if hub_is_silent(root):
        return WorldError(f"{where}the Hub stopped answering ({reason}); try again")
    for kind, sentence in SENTENCES:
        if isinstance(error, kind):
            said = sentence.format(elsewhere=elsewhere(dataset_id), revision=revision, reason=reason)
            return InputError(where + said)
    if isinstance(root, HfHubHTTPError) and root.response.status_code in (401, 403):
        return InputError(f"{where}the Hub does not accept the token in HF_TOKEN")
    if isinstance(root, OSError) and root.errno:
        return WorldError(f"{where}cannot be kept in the cache, whose place HF_HOME says ({reason})")
    return InputError(f"{where}its files cannot be read: {reason}")


def _root(error: BaseException) -> BaseException:
    """Return the first error of a chain, which the libraries wrap in ones that say nothing; of the Hub's, its own."""
    # This one names its cause in a paragraph of advice, and not as its cause.
    wrapped = error.__context__ if isinstance(error, DatasetGenerationCastError) else error.__cause__
    return error if wrapped is None or isinstance(error, HfHubHTTPError) else _root(wrapped)

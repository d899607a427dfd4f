"""What the Hub can answer to somebody who publishes, each in one sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from bbc_classifier.errors import InputError, WorldError
from bbc_classifier.hub.contents import CARD

LOG_IN = "log in with: hf auth login, or set HF_TOKEN"
AGAIN = "nothing was published; the same command tries again"


@contextmanager
def failures_in_one_sentence(repo_id: str) -> Iterator[None]:
    """Turn what the client raises inside into the project's own errors.

    Raises:
        InputError: The request can never succeed: no token, a wrong one, one that may not write, a wrong name.
        WorldError: The Hub or the network failed, or somebody else changed the repository at the same time.
    """
    try:
        yield
    except InputError:
        raise
    except HFValidationError as error:
        raise InputError(f"'{repo_id}' is no id of the Hub, which is owner/name: {_short(error)}") from error
    except LocalTokenNotFoundError as error:
        raise InputError(f"there is no access token; {LOG_IN}") from error
    except OfflineModeIsEnabled as error:
        raise WorldError("HF_HUB_OFFLINE is set, so nothing can be published; --dry_run writes the folder") from error
    except HfHubHTTPError as error:
        raise _answered(error, repo_id) from error
    except (HTTPError, ConnectionError, TimeoutError) as error:
        # Its text may quote a header, and the token is in one.
        raise WorldError(f"{repo_id}: the Hub cannot be reached ({type(error).__name__}); {AGAIN}") from error
    except LocalEntryNotFoundError as error:
        raise WorldError(f"{repo_id}: the Hub does not say what is there; {AGAIN}") from error
    except ValueError as error:
        # The client asks the Hub about the front matter before it uploads anything.
        if CARD not in str(error):
            raise WorldError(f"{repo_id}: the Hub gave an answer that makes no sense; {AGAIN}") from error
        raise InputError(f"{repo_id}: the Hub refuses the card: {_short(error)}") from error
    except RuntimeError as error:
        # What stopped the upload of a large file stands behind an error of the client's own.
        if not isinstance(error.__cause__, HTTPError):
            raise
        with failures_in_one_sentence(repo_id):
            raise error.__cause__ from None


def is_passing(error: BaseException) -> bool:
    """Whether a failure may be over in a moment: no answer, or one that says that the Hub is in trouble."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code >= 500
    return isinstance(error, HTTPError) and not isinstance(error, OfflineModeIsEnabled)


def _answered(error: HfHubHTTPError, repo_id: str) -> InputError | WorldError:
    """Return what an answer of the Hub means, by its status."""
    status = error.response.status_code
    if status == 401:
        return InputError(f"{repo_id}: the Hub does not accept the access token; {LOG_IN}")
    if status == 403:
        return InputError(
            f"{repo_id}: the access token may not do this; it needs the role write, and its owner must be the owner of "
            f"the repository or belong to the organisation{_in_its_words(error)}"
        )
    if isinstance(error, RevisionNotFoundError):
        return InputError(f"{repo_id} has no such revision")
    if status == 404:
        return InputError(f"{repo_id}: the Hub knows no such repository, or this token may not see it")
    if status in (409, 412):
        return WorldError(f"{repo_id}: somebody changed the repository at the same time; {AGAIN}")
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        when = f"in {wait} seconds" if wait else "later"
        return WorldError(f"{repo_id}: the Hub asks to slow down; nothing was published; try again {when}")
    if status >= 500:
        return WorldError(f"{repo_id}: the Hub stopped answering (status {status}); {AGAIN}")
    return InputError(f"{repo_id}: the Hub refuses this (status {status}): {error.server_message or _short(error)}")


def _in_its_words(error: HfHubHTTPError) -> str:
    """Return what the Hub itself said, if it did: a full store or a bill is answered with the same status."""
    return f" (the Hub: {error.server_message})" if error.server_message else ""


def _short(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__

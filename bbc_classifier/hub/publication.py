"""From a finished run to the files of its repository, and from these to the Hub."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.utils import validate_repo_id

from bbc_classifier.errors import InputError
from bbc_classifier.folders import folder_name
from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.card_metadata import is_bbc_news
from bbc_classifier.hub.contents import Contents, contents, figure_names
from bbc_classifier.hub.failures import failures_in_one_sentence
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.hub.graphs import exported_graphs, graph_files
from bbc_classifier.hub.options import CardArguments, PushArguments
from bbc_classifier.hub.repository import Published, Repository, State
from bbc_classifier.hub.standing import find_standing

NOBODY = "your-name"


@dataclass(frozen=True)
class Publication:
    """A run with the files of its repository.

    Attributes:
        run: The run.
        repo_id: Id of the repository.
        files: Its files.
    """

    run: FinishedRun
    repo_id: str
    files: Contents

    @property
    def weights(self) -> str:
        """Hash of the weights."""
        return str(self.run.record["model"]["weights_sha256"])


@dataclass(frozen=True)
class Account:
    """The Hub as the owner of an access token sees it.

    Attributes:
        api: The Hub.
        name: The owner.
    """

    api: HfApi
    name: str


def account(options: PushArguments) -> Account:
    """Return the Hub as the owner of the access token sees it.

    Raises:
        InputError: There is no token, the Hub does not accept it, or it may only read.
        WorldError: The Hub cannot be reached.
    """
    token = (options.token or "").strip() or None
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise InputError("--token: there is a character in it that no access token has")
    api = HfApi(token=token)
    with failures_in_one_sentence(options.repo_id or options.namespace or "the Hub"):
        owner = api.whoami()
    role = owner.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise InputError("the access token may only read; it needs the role write")
    return Account(api, owner["name"])


def repo_ids(runs: Sequence[FinishedRun], options: PushArguments, owner: str | None) -> list[str]:
    """Return the id of each run's repository.

    Args:
        runs: The runs.
        options: Where to publish.
        owner: The owner of the access token; None in a dry run, which does not ask.

    Raises:
        InputError: An id is not legal, two are the same, or there is one for several runs.
    """
    if options.repo_id is not None:
        if len(runs) > 1:
            raise InputError("--repo_id names one repository; publish several runs with --namespace owner")
        ids = [options.repo_id if "/" in options.repo_id else f"{owner or NOBODY}/{options.repo_id}"]
    else:
        ids = [f"{options.namespace}/{repository_name(run)}" for run in runs]
    for repo_id in ids:
        refuse_no_id(repo_id)
        if ids.count(repo_id) > 1:
            raise InputError(f"two runs would become the repository {repo_id}; rename one of their folders")
    return ids


def refuse_no_id(repo_id: str) -> None:
    """Check that an id is one that the Hub could have.

    Raises:
        InputError: It is not.
    """
    with failures_in_one_sentence(repo_id):
        validate_repo_id(repo_id)


def prepare(run: FinishedRun, repo_id: str, options: PushArguments) -> Publication:
    """Return the files of the run's repository, its card among them.

    Raises:
        InputError: The card lacks what only a person can say, the comparison named does not have this configuration, or
            there is no graph to publish.
    """
    refuse_unknown_terms(options.license, run.record["data"], "--license")
    graphs = exported_graphs(run) if options.onnx else {}
    card = card_of_run(run, repo_id, options, graphs)
    return Publication(run, repo_id, contents(run, card, graph_files(run, graphs)))


def card_of_run(
    run: FinishedRun, repo_id: str, options: CardArguments, graphs: Mapping[str, Mapping[str, Any]] | None = None
) -> str:
    """Return the card of a run, with its figures and where it stands.

    Args:
        run: The run.
        repo_id: Id of the repository.
        options: What no record knows.
        graphs: The record of each ONNX export that is published with it, by the path of its graph.

    Raises:
        InputError: The comparison named does not have this configuration.
    """
    stands = find_standing(run, options.comparison)
    return model_card(run.record, repo_id, options, standing=stands, figures=figure_names(run), graphs=graphs)


def refuse_unknown_terms(license: str | None, data: Mapping[str, Any], option: str) -> None:
    """Check that it is known under which terms a classifier of these data can be published.

    Args:
        license: What was given.
        data: What the source says of itself.
        option: What to give.

    Raises:
        InputError: Nobody has said it.
    """
    if license is None and not is_bbc_news(data):
        name = data["name"]
        raise InputError(f"{option} is needed for a classifier of '{name}'; only of BBC News are the terms known here")


def check(publication: Publication, options: PushArguments, api: HfApi) -> State | None:
    """Return what is in the repository now, once it is found that this may be put there.

    Raises:
        InputError: The repository holds another model, or somebody's files.
        WorldError: The Hub cannot be reached.
    """
    repository = Repository(api, publication.repo_id, options.revision)
    with failures_in_one_sentence(publication.repo_id):
        state = repository.state()
        overwrite = options.overwrite or options.create_pr
        repository.refuse(state, publication.weights, private=options.private, overwrite=overwrite)
    return state


def publish(publication: Publication, options: PushArguments, api: HfApi, state: State | None) -> Published:
    """Publish in one commit, on top of the state that was checked.

    Raises:
        InputError: The token may not write there.
        WorldError: The Hub failed, or the repository is no longer as it was; nothing is published then.
    """
    repository = Repository(api, publication.repo_id, options.revision)
    with failures_in_one_sentence(publication.repo_id):
        return repository.publish(
            publication.files,
            publication.run.name,
            publication.weights,
            state,
            private=options.private,
            create_pr=options.create_pr,
        )


def publish_collection(publications: Sequence[Publication], options: PushArguments, api: HfApi) -> str:
    """Put the repositories into the collection of that title, a new one if need be, and return its address.

    Raises:
        InputError: The token may not do that.
        WorldError: The Hub failed.
    """
    what = f"the repositories are published, but not their collection '{options.collection}'"
    with failures_in_one_sentence(what):
        collection = api.create_collection(
            options.collection, namespace=options.namespace, private=options.private, exists_ok=True
        )
        for publication in publications:
            api.add_collection_item(collection.slug, publication.repo_id, "model", exists_ok=True)
    return collection.url


def publish_run(run: FinishedRun, options: PushArguments, account: Account) -> tuple[str, Published]:
    """Publish one run, as `--push_to_hub` of a training does, and return the id of its repository and where it is.

    Raises:
        InputError: As `prepare`, `check` and `publish`, or the classifier does not load.
        WorldError: As `publish`.
    """
    from bbc_classifier.hub.load_check import check_it_loads

    (repo_id,) = repo_ids([run], options, account.name)
    publication = prepare(run, repo_id, options)
    check_it_loads(run, publication.files)
    return repo_id, publish(publication, options, account.api, check(publication, options, account.api))


def repository_name(run: FinishedRun) -> str:
    """Return a name that says the data, too; a run of other data than BBC News has them in its own."""
    data = folder_name(run.record["data"]["name"])
    name = folder_name(run.name)
    return name if name.startswith(data) else f"{data}-{name}"

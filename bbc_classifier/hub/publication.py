"""From a finished run to the files of its repository, and from these to the Hub."""

from collections.abc import Sequence
from dataclasses import dataclass

from huggingface_hub import HfApi
from huggingface_hub.utils import validate_repo_id

from bbc_classifier.errors import InputError
from bbc_classifier.folders import folder_name
from bbc_classifier.hub.card import model_card
from bbc_classifier.hub.card_metadata import BBC_NEWS
from bbc_classifier.hub.contents import Contents, contents, figure_names
from bbc_classifier.hub.failures import failures_in_one_sentence
from bbc_classifier.hub.finished_run import FinishedRun
from bbc_classifier.hub.graphs import exported_graphs, graph_files
from bbc_classifier.hub.options import PushArguments
from bbc_classifier.hub.repository import Published, Repository
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


def account(options: PushArguments) -> HfApi:
    """Return the Hub as the owner of the access token sees it.

    Raises:
        InputError: There is no token, or the Hub does not accept it.
        WorldError: The Hub cannot be reached.
    """
    api = HfApi(token=options.token)
    with failures_in_one_sentence(options.repo_id or options.namespace or ""):
        api.whoami()
    return api


def repo_ids(runs: Sequence[FinishedRun], options: PushArguments, api: HfApi | None) -> list[str]:
    """Return the id of each run's repository.

    Args:
        runs: The runs.
        options: Where to publish.
        api: The Hub; None, in a dry run, does not ask who the owner is.

    Raises:
        InputError: An id is not legal, two are the same, or there is one for several runs.
    """
    if options.repo_id is not None:
        if len(runs) > 1:
            raise InputError("--repo_id names one repository; publish several runs with --namespace owner")
        owner = "" if "/" in options.repo_id else f"{NOBODY if api is None else api.whoami()['name']}/"
        ids = [f"{owner}{options.repo_id}"]
    else:
        ids = [f"{options.namespace}/{repository_name(run)}" for run in runs]
    for repo_id in ids:
        with failures_in_one_sentence(repo_id):
            validate_repo_id(repo_id)
        if ids.count(repo_id) > 1:
            raise InputError(f"two runs would become the repository {repo_id}; rename one of their folders")
    return ids


def prepare(run: FinishedRun, repo_id: str, options: PushArguments) -> Publication:
    """Return the files of the run's repository, its card among them.

    Raises:
        InputError: The card lacks what only a person can say, the comparison named does not have this configuration, or
            there is no graph to publish.
    """
    refuse_unknown_terms(options.license, run.record["data"]["name"], "--license")
    graphs = exported_graphs(run) if options.onnx else {}
    card = model_card(
        run.record,
        repo_id,
        options,
        standing=find_standing(run, options.comparison),
        figures=figure_names(run),
        graphs=graphs,
    )
    return Publication(run, repo_id, contents(run, card, graph_files(run, graphs)))


def refuse_unknown_terms(license: str | None, data: str, option: str) -> None:
    """Check that it is known under which terms a classifier of these data can be published.

    Raises:
        InputError: Nobody has said it.
    """
    if license is None and data not in BBC_NEWS:
        raise InputError(f"{option} is needed for a classifier of '{data}'; only of BBC News are the terms known here")


def publish(publication: Publication, options: PushArguments, api: HfApi) -> Published:
    """Publish in one commit.

    Raises:
        InputError: The repository holds another model, or the token may not write there.
        WorldError: The Hub failed; nothing is published then.
    """
    repository = Repository(api, publication.repo_id, options.revision)
    with failures_in_one_sentence(publication.repo_id):
        if not options.create_pr:
            weights = publication.run.record["model"]["weights_sha256"]
            repository.refuse_another_model(repository.state(), weights, overwrite=options.overwrite)
        repository.make(private=options.private)
        return repository.commit(publication.files, f"Publish {publication.run.name}", create_pr=options.create_pr)


def publish_collection(publications: Sequence[Publication], options: PushArguments, api: HfApi) -> str:
    """Put the repositories into the collection of that title, a new one if need be, and return its address.

    Raises:
        InputError: The token may not do that.
        WorldError: The Hub failed.
    """
    with failures_in_one_sentence(f"{options.namespace}, collection '{options.collection}'"):
        collection = api.create_collection(
            options.collection, namespace=options.namespace, private=options.private, exists_ok=True
        )
        for publication in publications:
            api.add_collection_item(collection.slug, publication.repo_id, "model", exists_ok=True)
    return collection.url


def publish_run(run: FinishedRun, options: PushArguments, api: HfApi) -> tuple[str, Published]:
    """Publish one run, as `--push_to_hub` of a training does, and return the id of its repository and where it is.

    Raises:
        InputError: As `prepare` and `publish`.
        WorldError: As `publish`.
    """
    (repo_id,) = repo_ids([run], options, api)
    return repo_id, publish(prepare(run, repo_id, options), options, api)


def repository_name(run: FinishedRun) -> str:
    """Return a name that says the data, too; a run of other data than BBC News has them in its own."""
    data = folder_name(run.record["data"]["name"])
    return run.name if run.name.startswith(data) else f"{data}-{run.name}"

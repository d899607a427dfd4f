"""What changes a repository as a whole: creating, deleting and showing it, its branches and its tags."""

from tests.hub_server.accounts import creator, known, owner
from tests.hub_server.files import GIT_ATTRIBUTES, File
from tests.hub_server.messages import Answer, Refusal, json_answer
from tests.hub_server.repositories import Kind, Repository
from tests.hub_server.routing import IN_API, Request, Route
from tests.hub_server.state import Hub

NAME = r"(?P<name>[^/]+)"


def _named(request: Request) -> tuple[Kind, str]:
    """Return the kind and the id of the repository that a body names; the namespace is one's own if it names none."""
    asked = request.json()
    kind: Kind = "datasets" if asked.get("type") == "dataset" else "models"
    return kind, f"{asked.get('organization') or known(request.account).name}/{asked['name']}"


def create(hub: Hub, request: Request) -> Answer:
    kind, id = _named(request)
    author = creator(request.account, id.partition("/")[0], kind.removesuffix("s"))
    repository = Repository(id, kind, private=request.json().get("visibility") == "private")
    told = {"url": f"{request.endpoint}/{repository.path}", "name": id}
    if id in hub.of_kind(kind):
        raise Refusal(409, f"You already created this {kind.removesuffix('s')} repo", more=told)
    tree = {".gitattributes": File.at(".gitattributes", GIT_ATTRIBUTES)}
    repository.record(tree, "refs/heads/main", None, "initial commit", author=author.name)
    hub.of_kind(kind)[id] = repository
    return json_answer(told)


def delete(hub: Hub, request: Request) -> Answer:
    kind, id = _named(request)
    hub.visible(kind, id, request.account)
    owner(request.account, id.partition("/")[0])
    del hub.of_kind(kind)[id]
    return Answer()


def settings(hub: Hub, request: Request) -> Answer:
    repository = _own(hub, request)
    asked = request.json()
    if "visibility" in asked:
        repository.private = asked["visibility"] == "private"
    return json_answer({"private": repository.private})


def _own(hub: Hub, request: Request) -> Repository:
    """Return the repository that the path names, if it may be changed."""
    repository = request.repository(hub)
    owner(request.account, repository.namespace)
    return repository


def create_branch(hub: Hub, request: Request) -> Answer:
    return _create_reference(hub, request, f"refs/heads/{request.parts['name']}", request.json().get("startingPoint"))


def create_tag(hub: Hub, request: Request) -> Answer:
    return _create_reference(hub, request, f"refs/tags/{request.json()['tag']}", request.parts["name"])


def _create_reference(hub: Hub, request: Request, reference: str, start: str | None) -> Answer:
    repository = _own(hub, request)
    if reference in repository.references:
        raise Refusal(409, f"Reference {reference} already exists")
    repository.references[reference] = repository.resolve(start or "main")
    return Answer(status=201)


def delete_branch(hub: Hub, request: Request) -> Answer:
    return _delete_reference(hub, request, f"refs/heads/{request.parts['name']}")


def delete_tag(hub: Hub, request: Request) -> Answer:
    return _delete_reference(hub, request, f"refs/tags/{request.parts['name']}")


def _delete_reference(hub: Hub, request: Request, reference: str) -> Answer:
    repository = _own(hub, request)
    if reference == "refs/heads/main":
        raise Refusal(403, "Cannot delete the main branch")
    if reference not in repository.references:
        raise Refusal(404, f"Reference {reference} does not exist", "RevisionNotFound")
    del repository.references[reference]
    return Answer()


ROUTES = [
    Route("POST", "/api/repos/create", create),
    Route("DELETE", "/api/repos/delete", delete),
    Route("PUT", rf"{IN_API}/settings", settings),
    Route("POST", rf"{IN_API}/branch/{NAME}", create_branch),
    Route("DELETE", rf"{IN_API}/branch/{NAME}", delete_branch),
    Route("POST", rf"{IN_API}/tag/{NAME}", create_tag),
    Route("DELETE", rf"{IN_API}/tag/{NAME}", delete_tag),
]

"""Large file storage: what is missing is asked for, put, and verified; a commit then names it by its sha256.

The protocol is git-lfs's batch API with its basic transfer. As on the Hub, the store takes no token: an upload goes to
an address that only the batch answer names.
"""

from tests.hub_server.accounts import ASK_FOR_A_PULL_REQUEST, owner, writer
from tests.hub_server.files import sha256
from tests.hub_server.messages import Answer, Refusal, json_answer
from tests.hub_server.repositories import Repository
from tests.hub_server.routing import AT_ROOT, ID, Request, Route
from tests.hub_server.state import Hub

OID = r"(?P<oid>[0-9a-f]{64})"
STORE = "/large-files"


def batch(hub: Hub, request: Request) -> Answer:
    """Say which objects to put where; those that are here already need nothing."""
    repository = request.repository(hub)
    if "ref" in request.json():
        owner(request.account, repository.namespace, ASK_FOR_A_PULL_REQUEST)
    else:  # for a pull request
        writer(request.account)
    objects = [{"oid": asked["oid"], "size": asked["size"]} for asked in request.json()["objects"]]
    wanted = [{**each, **_actions(repository, request.endpoint, str(each["oid"]))} for each in objects]
    return json_answer({"transfer": "basic", "objects": wanted})


def _actions(repository: Repository, endpoint: str, oid: str) -> dict[str, object]:
    if oid in repository.objects:
        return {}
    repository.uploads[oid] = b""
    store = f"{endpoint}{STORE}/{repository.kind}/{repository.id}/{oid}"
    return {"actions": {"upload": {"href": store}, "verify": {"href": f"{store}/verify"}}}


def put(hub: Hub, request: Request) -> Answer:
    oid = request.parts["oid"]
    uploads = hub.of_kind(request.kind)[request.parts["id"]].uploads
    if oid not in uploads:
        raise Refusal(403, "This address was not given out")
    uploads[oid] = request.body
    return Answer(headers={"ETag": f'"{oid}"'})


def verify(hub: Hub, request: Request) -> Answer:
    """Take an upload for what it is said to be, if it is that; asking twice does no harm."""
    repository, oid = request.repository(hub), request.parts["oid"]
    content = repository.objects.get(oid, repository.uploads.get(oid, b""))
    if len(content) != request.json()["size"] or sha256(content) != oid:
        raise Refusal(400, f"The {len(content)} bytes that were uploaded do not have the sha256 {oid}")
    repository.objects[oid] = content
    repository.uploads.pop(oid, None)
    return Answer()


ROUTES = [
    Route("POST", rf"{AT_ROOT}\.git/info/lfs/objects/batch", batch),
    Route("PUT", rf"{STORE}/(?P<kind>models|datasets)/{ID}/{OID}", put),
    Route("POST", rf"{STORE}/(?P<kind>models|datasets)/{ID}/{OID}/verify", verify),
]

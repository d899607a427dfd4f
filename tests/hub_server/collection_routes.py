"""What can be done with collections: making and deleting them, and putting repositories in and out."""

from dataclasses import replace

from tests.hub_server.accounts import owner
from tests.hub_server.collections import Collection, Item
from tests.hub_server.messages import Answer, Refusal, json_answer
from tests.hub_server.repositories import Kind
from tests.hub_server.routing import Request, Route
from tests.hub_server.state import Hub

SLUG = r"/api/collections/(?P<slug>[^/]+/[^/]+)"
ITEM = r"(?P<item>[0-9a-f]{24})"


def _readable(collection: Collection, request: Request) -> bool:
    return not collection.private or bool(request.account and request.account.owns(collection.namespace))


def _collection(hub: Hub, request: Request) -> Collection:
    collection = hub.collections.get(request.parts["slug"])
    if collection is None or not _readable(collection, request):
        raise Refusal(404, "Collection not found")
    return collection


def _own(hub: Hub, request: Request) -> Collection:
    collection = _collection(hub, request)
    owner(request.account, collection.namespace)
    return collection


def _item(collection: Collection, request: Request) -> Item:
    found = [item for item in collection.items if item.object_id == request.parts["item"]]
    if not found:
        raise Refusal(404, "Item not found in this collection")
    return found[0]


def _told(collection: Collection) -> Answer:
    """Return one collection; in a list, the client counts positions by itself."""
    return json_answer({**collection.as_json(), "position": 0})


def list_collections(hub: Hub, request: Request) -> Answer:
    wanted = request.query.get("owner")
    all_readable = [each for each in hub.collections.values() if _readable(each, request)]
    return json_answer([each.as_json() for each in all_readable if wanted in (None, each.namespace)])


def get(hub: Hub, request: Request) -> Answer:
    return _told(_collection(hub, request))


def create(hub: Hub, request: Request) -> Answer:
    asked = request.json()
    owner(request.account, asked["namespace"])
    collection = Collection(asked["namespace"], asked["title"], asked.get("description", ""), asked["private"])
    if collection.slug in hub.collections:
        raise Refusal(409, "This collection already exists", more={"slug": collection.slug})
    hub.collections[collection.slug] = collection
    return _told(collection)


def delete(hub: Hub, request: Request) -> Answer:
    del hub.collections[_own(hub, request).slug]
    return Answer()


def add_item(hub: Hub, request: Request) -> Answer:
    collection, asked = _own(hub, request), request.json()
    item = Item(asked["item"]["type"], asked["item"]["id"], asked.get("note"))
    kind: Kind = "datasets" if item.type == "dataset" else "models"
    hub.visible(kind, item.id, request.account)
    if any(each.object_id == item.object_id for each in collection.items):
        raise Refusal(409, "This item is already in the collection")
    collection.items.append(item)
    return _told(collection)


def update_item(hub: Hub, request: Request) -> Answer:
    """Change an item's note, its position, or both."""
    collection, asked = _own(hub, request), request.json()
    item = _item(collection, request)
    position = asked.get("position", collection.items.index(item))
    collection.items.remove(item)
    collection.items.insert(position, replace(item, note=asked.get("note", item.note)))
    return _told(collection)


def delete_item(hub: Hub, request: Request) -> Answer:
    collection = _own(hub, request)
    collection.items.remove(_item(collection, request))
    return _told(collection)


ROUTES = [
    Route("GET", "/api/collections", list_collections),
    Route("POST", "/api/collections", create),
    Route("GET", SLUG, get),
    Route("DELETE", SLUG, delete),
    Route("POST", rf"{SLUG}/items?", add_item),
    Route("PATCH", rf"{SLUG}/items/{ITEM}", update_item),
    Route("DELETE", rf"{SLUG}/items/{ITEM}", delete_item),
]

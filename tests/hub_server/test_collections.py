"""Collections: made once, filled with repositories, and read by whoever may."""

from collections.abc import Callable

import pytest

from tests.hub_server import OTHER_TOKEN, READ_TOKEN, TOKEN, ClientError, HubClient, HubServer
from tests.hub_server.repositories import Repository


def ids(collection: dict) -> list[str]:
    return [item["item_id"] for item in collection["items"]]


def test_a_collection_holds_two_models(client: HubClient, new_model: Callable[..., Repository]):
    first, second = new_model(), new_model()
    slug = client("create_collection", "Two models", namespace="ann", description="Compared", token=TOKEN)["slug"]
    client("add_collection_item", slug, first.id, "model", note="the best", token=TOKEN)
    filled = client("add_collection_item", slug, second.id, "model", token=TOKEN)
    assert ids(filled) == ids(client("get_collection", slug)) == [first.id, second.id]
    assert filled["items"][0]["note"] == "the best" and filled["description"] == "Compared"
    client("update_collection_item", slug, filled["items"][1]["item_object_id"], position=0, token=TOKEN)
    assert ids(client("get_collection", slug)) == [second.id, first.id]
    client("delete_collection_item", slug, filled["items"][0]["item_object_id"], token=TOKEN)
    assert ids(client("get_collection", slug)) == [second.id]
    assert slug in [each["slug"] for each in client("list_collections", owner="ann")]


def test_making_or_adding_twice_is_a_conflict_unless_that_is_fine(client: HubClient, pushed: Repository):
    slug = client("create_collection", "Once only", namespace="ann", token=TOKEN)["slug"]
    client("add_collection_item", slug, pushed.id, "model", token=TOKEN)
    for call in (["create_collection", "Once only", "ann"], ["add_collection_item", slug, pushed.id, "model"]):
        options = {"namespace": call.pop()} if call[0] == "create_collection" else {}
        with pytest.raises(ClientError) as error:
            client(*call, token=TOKEN, **options)
        assert error.value.status == 409
        again = client(*call, token=TOKEN, exists_ok=True, **options)
        assert (again["slug"], ids(again)) == (slug, [pushed.id])


def test_a_foreign_or_absent_thing_is_refused(hub: HubServer, client: HubClient, pushed: Repository):
    slug = client("create_collection", "Mine", namespace="ann", private=True, token=TOKEN)["slug"]
    for call, token, status in [
        (["create_collection", "Mine too"], OTHER_TOKEN, 403),
        (["create_collection", "Mine too"], READ_TOKEN, 403),
        (["add_collection_item", slug, "ann/absent", "model"], TOKEN, 404),
        (["add_collection_item", slug, pushed.id, "model"], READ_TOKEN, 403),
        (["get_collection", slug], OTHER_TOKEN, 404),
    ]:
        with pytest.raises(ClientError) as error:
            client(*call, token=token, **({"namespace": "ann"} if call[0] == "create_collection" else {}))
        assert error.value.status == status, call
    assert hub.collections[slug].items == []
    client("delete_collection", slug, token=TOKEN)
    assert slug not in hub.collections

"""A collection: a titled list of repositories, which has an owner as they have."""

import re
from dataclasses import dataclass, field
from hashlib import sha1

UPDATED = "2026-01-01T00:00:00.000Z"


def _object_id(*parts: str) -> str:
    """Return 24 hexadecimal digits, as the Hub's database gives them out."""
    return sha1("\n".join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Item:
    type: str
    id: str
    note: str | None = None

    @property
    def object_id(self) -> str:
        return _object_id(self.type, self.id)

    def as_json(self, position: int) -> dict[str, object]:
        note = {"note": {"text": self.note}} if self.note else {}
        return {"_id": self.object_id, "id": self.id, "type": self.type, "position": position, **note}


@dataclass
class Collection:
    namespace: str
    title: str
    description: str = ""
    private: bool = False
    items: list[Item] = field(default_factory=list)

    @property
    def slug(self) -> str:
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return f"{self.namespace}/{words}-{_object_id(self.namespace, self.title)}"

    def as_json(self) -> dict[str, object]:
        return {
            "slug": self.slug,
            "title": self.title,
            "description": self.description,
            "owner": {"name": self.namespace},
            "items": [item.as_json(position) for position, item in enumerate(self.items)],
            "lastUpdated": UPDATED,
            "private": self.private,
            "theme": "green",
            "upvotes": 0,
        }

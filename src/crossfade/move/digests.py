"""Digests of what was fixed when a move began: mappings, discards, shapes, the target's schema."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from crossfade.assess.lock import dump_lock
from crossfade.journal import agreed
from crossfade.model.shape import Shape
from crossfade.project import Discard


def of_move(shapes: Mapping[str, Shape], schema: str, mappings: str) -> dict[str, str]:
    """Return what the journal has of the move as a whole. `schema` and `mappings` are digests."""
    return {"lock_digest": _digest(dump_lock(shapes.values())), "schema_digest": schema, "mapping_digest": mappings}


def of_parts(
    mappings: Mapping[str, str], discards: Sequence[Discard], shapes: Mapping[str, Shape], entities: Collection[str]
) -> dict[agreed.Part, str]:
    """Digests of each table's mapping and of each entity's shape, including the discards that concern them."""
    found: dict[agreed.Part, str] = {}
    for table, text in mappings.items():
        own = [d.model_dump() for d in discards if d.table == table]
        found[agreed.TABLE, table] = _digest(repr((text, own)))
    for entity in entities:
        own = [d.model_dump() for d in discards if d.entity == entity]
        found[agreed.ENTITY, entity] = _digest(repr((dump_lock([shapes[entity]]), own)))
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

"""Documents that the server removes by itself: by a TTL index, or because a collection is capped."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from crossfade.model.described import Thing
from crossfade.model.findings import Finding
from crossfade.model.target import TargetSchema

KIND = "vanishes"
_GOES_ON = (
    "what goes after it was copied is a difference, until crossfade start has deleted it in the target too (with"
    " --poll: the next pass)"
)
_KEEP = "crossfade start, which follows deletions"


def vanishing(name: str, options: Mapping[str, Any], indexes: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield a note for each reason why documents of a collection of the source go by themselves."""
    for index in indexes:
        if "expireAfterSeconds" in index:
            yield Finding(
                "note", KIND, name,
                f"{_expire(index['name'], index['expireAfterSeconds'], dict(index['key']))}; {_GOES_ON}. The target has"
                " no such expiry",
                f"{_KEEP}; create the expiry in the target after the cutover",
            )  # fmt: skip
    if options.get("expireAfterSeconds") is not None:
        yield Finding("note", KIND, name, f"its measurements expire; {_GOES_ON}", "copy it while nothing expires")
    if options.get("capped"):
        yield Finding(
            "note", KIND, name,
            f"it is capped: for each new document the server may discard the oldest; {_GOES_ON}. The target keeps as"
            " many as it is given",
            f"{_KEEP} since MongoDB 5.0; or stop its writers before the copy",
        )  # fmt: skip


def in_target(things: Sequence[Thing], schema: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """Yield a note for each reason why documents of a mapped collection of the target go by themselves. `things`: what
    is there, or will be created.
    """
    names = {table.table: table.name for table in schema.tables if table.name in mapped}
    for thing in things:
        seconds, name = thing.facts.get("expireAfterSeconds"), names.get(thing.of or thing.name)
        if name is None:
            continue
        if thing.kind == "index" and seconds is not None:
            index = thing.name.removeprefix(f"{thing.of}.")
            yield Finding(
                "note", KIND, name,
                f"documents expire in the target by the index {index} ({seconds} s after {thing.facts['key']}): the"
                " source still has their records, and crossfade verify misses them",
                "leave the index out until the move has ended, then create it",
            )  # fmt: skip
        elif thing.kind == "relation" and thing.facts.get("capped") == "true":
            yield Finding(
                "note", KIND, name,
                "it is capped in the target: the server discards its oldest documents when there are too many, and"
                " crossfade verify misses them",
                "create it without a cap",
            )  # fmt: skip


def _expire(index: str, seconds: Any, key: Mapping[str, Any]) -> str:
    return f"its documents expire by the index {index} ({seconds} s after {', '.join(key)})"

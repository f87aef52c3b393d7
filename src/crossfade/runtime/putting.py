"""What a worker needs to put rows of the target back into records: the contract of the way back.

putter(s, back, entity).put(old raw records, rows_of(s, entity, keys))  ->  new raw records, refusals
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.errors import Misused
from crossfade.runtime.session import Session
from crossfade.stores.contract import need
from crossfade.transform.inverse import InverseRunner, prepare
from crossfade.transform.put import Putter


@dataclass(frozen=True)
class Back:
    """The inverse of each entity that has one, as SQL. The program of the session's work must map with the positions of
    elements (mapping/invert/selects.placed).
    """

    inverses: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    cuts_times: bool = False
    """Whether times finer than a millisecond are cut."""
    lost: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Columns by table whose changes may be lost."""


def putter(s: Session, back: Back, entity: str) -> Putter:
    """Return what puts rows of an entity into its records. Raises Misused if it has no inverse, MappingFault if the
    inverse has faults, Unsupported if records of the source cannot be changed.
    """
    if entity not in back.inverses:
        hint = f"write inverse/{entity}.sql by hand (docs/howto/back.md)"
        raise Misused(f"{entity} has no inverse: it cannot be derived", hint=hint)
    editor = need(s.codec.editor(s.work.shapes[entity]), s.source, "change records")
    fed = {branch.table: s.work.tables[branch.table] for branch in s.work.program.feeds[entity].branches}
    file = back.files.get(entity, f"inverse/{entity}.sql")
    inverse = InverseRunner(prepare(back.inverses[entity], file, fed, s.engine), s.engine)
    return Putter(
        s.transformer(entity),
        inverse,
        editor,
        lambda raw: s.batch_of(entity, raw),
        s.codec.key,
        s.row_reader.printed,
        apart=back.lost,
        cuts_times=back.cuts_times,
    )


__all__ = ["Back", "putter"]

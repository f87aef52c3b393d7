"""The proof by rebuilding: the records of the source are made again from the target's rows, and compared.

While another run follows the source, a record may be newer than its rows. So records that differ are compared again
when all changes up to then are applied, until they are equal or no longer change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from crossfade.errors import Refused
from crossfade.model.events import ignore
from crossfade.model.shape import Path, Shape, parse_path
from crossfade.move import cutting, handing, starting, verifying
from crossfade.move.context import Context
from crossfade.move.round_trips import back_of, batches, fetched, session_of
from crossfade.records.edit import Editor
from crossfade.runtime.putting import Back, putter
from crossfade.runtime.records import pieces
from crossfade.runtime.session import Session
from crossfade.runtime.target_rows import rows_of
from crossfade.stores.contract import need
from crossfade.transform.put import Putter
from crossfade.verify.follower import Follower
from crossfade.verify.not_copied import NotCopied, digest_of
from crossfade.verify.round_trip import Proven, prove

MOST = 10
"""How often records that differ are compared again."""
AT_REST = 3
"""After so many comparisons that find a record unchanged, and different from its rows, it differs for good."""


def prove_all(context: Context, size: int | None) -> list[Proven]:
    """Rebuild all copied records, or a sample of each entity, from the target's rows and compare them."""
    verifying.require_finished(context)
    back = back_of(context)
    with _follower(context) as follower, session_of(context) as s:
        return [_proven(context, s, back, entity, size, follower) for entity in context.fed_entities]


@contextmanager
def _follower(context: Context) -> Iterator[Follower | None]:
    """Yield the run that follows the source now, or None. Raises Refused if a run is alive and does something else."""
    found = starting.status(context)
    if found is not None and found.running and found.is_back:
        raise Refused(
            "the target is followed, and the source is behind its rows; nothing was compared",
            hint="crossfade verify, which compares every record with what its rows put back",
        )
    if handing.is_followed(context):
        with closing(cutting.feed_of(context)) as feed:
            yield Follower(feed, frozenset(starting.followed(context)), context.transaction, ignore)
        return
    found = starting.status(context)
    if found is not None and found.running:
        raise Refused(
            f"the source may be written while it is compared, and the run that is alive does not follow it (it is"
            f" {found.state}); nothing was compared",
            hint="crossfade stop, and compare while nothing writes; or wait until crossfade status says following",
        )
    yield None


def _proven(
    context: Context, s: Session, back: Back, entity: str, size: int | None, follower: Follower | None
) -> Proven:
    found = Proven(entity, 0)
    if entity not in back.inverses:
        found.missing = "it has no inverse"
        return found
    editor = need(s.codec.editor(s.work.shapes[entity]), s.source, "change records")
    proof = _Proof(context, s, putter(s, back, entity), editor, entity, _discarded(context, s.work.shapes[entity]))
    found.records, read = batches(s, entity, size, context.chunk_bytes)
    not_copied = proof.not_copied()
    for raws in read:
        found.records += len(raws) if size is None else 0
        proof.add(found, not_copied, raws)
    if follower is not None:
        _settle(found, proof, follower)
    return found


@dataclass(frozen=True)
class _Proof:
    """How the records of an entity are compared. `ignored`: the paths that are not compared."""

    context: Context
    session: Session
    puts: Putter
    editor: Editor
    entity: str
    ignored: Sequence[Path]

    def not_copied(self) -> NotCopied:
        return verifying.not_copied(self.context).get(self.entity, NotCopied())

    def add(self, found: Proven, not_copied: NotCopied, raws: Sequence[bytes]) -> None:
        """Compare records, and add what is found."""
        codec = self.session.codec
        copied = self._copied(found, not_copied, raws)
        if copied:
            rows = rows_of(self.session, self.entity, [str(codec.key(raw)) for raw in copied])
            prove(found, self.puts, codec, self.editor, copied, rows, self.ignored)

    def _copied(self, found: Proven, not_copied: NotCopied, raws: Sequence[bytes]) -> list[bytes]:
        """Return the records that must have rows. One that the mapping refuses, and that is not in quarantine,
        differs.
        """
        codec = self.session.codec
        own = [raw for raw in raws if not _is_not_copied(not_copied, codec.key(raw), raw)]
        made = self.puts.made_of(own)
        for number, why in made.rejected.items():
            found.compared += 1
            why = f"not in quarantine, but the mapping refuses it: {why}"
            found.differ.append((str(codec.key(own[number])), why))
        found.set_aside += len(raws) - len(made.mapped) - len(made.rejected)
        return [own[number] for number in sorted(made.mapped)]

    def again(self, keys: Sequence[str]) -> tuple[Proven, dict[str, bytes]]:
        """Compare the records with these keys as they are now; return the result, and the records by key."""
        s, found, there = self.session, Proven(self.entity, 0), dict[str, bytes]()
        not_copied = self.not_copied()
        for piece in pieces(keys):
            raws = fetched(s, self.entity, piece)
            there |= {str(s.codec.key(raw)): raw for raw in raws}
            self.add(found, not_copied, raws)
        return found, there


def _settle(found: Proven, proof: _Proof, follower: Follower) -> None:
    """Compare the records that differ again, until those that still differ no longer change."""
    seen: list[dict[str, bytes]] = []
    while found.differ and len(seen) < MOST and not (len(seen) >= AT_REST and _is_same(seen[-AT_REST:])):
        follower.reach(follower.position())
        follower.drain()
        keys = [key for key, _ in found.differ]
        with proof.session.reading(follower.record().floor):
            now, there = proof.again(keys)
        gone = len(keys) - len(there)
        found.records -= gone
        found.compared += now.compared - len(keys)
        found.rebuilt += now.rebuilt
        found.kept += now.kept
        found.set_aside += now.set_aside
        found.differ = now.differ
        seen.append({key: there[key] for key, _ in now.differ})
    moving = {key for one in seen[-AT_REST:] for key in seen[-1] if one.get(key) != seen[-1][key]}
    found.differ = [(key, f"it changes all the time; {why}" if key in moving else why) for key, why in found.differ]


def _is_same(seen: Sequence[dict[str, bytes]]) -> bool:
    return all(one == seen[0] for one in seen)


def _is_not_copied(not_copied: NotCopied, key: str | None, raw: bytes) -> bool:
    """Return whether a record is in quarantine, or discarded there; a record without a key cannot be found."""
    return key is None or key in not_copied.by_key or any(digest == digest_of(raw) for _, digest in not_copied.by_place)


def _discarded(context: Context, shape: Shape) -> list[Path]:
    """Return the paths that are discarded with all types that the survey saw."""
    paths = [(d, parse_path(d.path)) for d in context.discards if d.entity == shape.entity and d.path is not None]
    return [path for d, path in paths if not d.types or ((n := shape.node(path)) and n.types.keys() <= set(d.types))]

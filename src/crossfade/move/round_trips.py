"""Try the laws of the way back on the project's own records. round_trip_proof.py rebuilds what was copied."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from crossfade.mapping.invert.selects import placed
from crossfade.mapping.language.compile import compile_program
from crossfade.move import inverting
from crossfade.move.context import Context
from crossfade.pipeline.preview import drawn
from crossfade.runtime.putting import Back, putter
from crossfade.runtime.records import read
from crossfade.runtime.session import Session, Work, close_sessions, session
from crossfade.verify.round_trip import Tried, try_laws

AT_ONCE = 1000


def back_of(context: Context) -> Back:
    """Return the inverse of each entity that has one: its file, or what is derived."""
    derived = inverting.derived(context)
    texts = {one.entity: inverting.text_of(context, one) for one in derived}
    cuts_times = context.project.settings.inverse.times == "milliseconds"
    known = {entity: text for entity, text in texts.items() if text is not None}
    return Back(known, cuts_times=cuts_times, lost=inverting.lost_columns(context))


def work_of(context: Context) -> Work:
    """Return the move's work with mappings that also say which element of an array made a row."""
    mappings = placed(context.mappings, context.shapes)
    program = compile_program(mappings, context.shapes, context.discards)
    return replace(context.work, program=program, token=uuid.uuid4().hex)


@contextmanager
def session_of(context: Context) -> Iterator[Session]:
    work = work_of(context)
    try:
        yield session(work)
    finally:
        close_sessions(work.token)


def check(context: Context, size: int | None) -> list[Tried]:
    """Try the laws of the put on all records, or on a sample of each entity. Nothing is written."""
    back = back_of(context)
    with session_of(context) as s:
        return [_tried(s, back, entity, size, context.chunk_bytes) for entity in context.fed_entities]


def _tried(s: Session, back: Back, entity: str, size: int | None, chunk_bytes: int) -> Tried:
    found = Tried(entity, 0)
    if entity not in back.inverses:
        found.missing = "it has no inverse"
        return found
    puts = putter(s, back, entity)
    found.records, drawn_raws = batches(s, entity, size, chunk_bytes)
    for raws in drawn_raws:
        found.records += len(raws) if size is None else 0
        try_laws(found, puts, s.codec, raws)
    return found


def batches(s: Session, entity: str, size: int | None, chunk_bytes: int) -> tuple[int, Iterator[Sequence[bytes]]]:
    """Return the number of records (0 if it is not known before) and the batches of raw records."""
    if size is None:
        return 0, _everything(s, entity, chunk_bytes)
    keys, count = drawn(s.reader, s.codec, entity, size)
    return count, (fetched(s, entity, keys[at : at + AT_ONCE]) for at in range(0, len(keys), AT_ONCE))


def fetched(s: Session, entity: str, keys: Sequence[str]) -> list[bytes]:
    return [raw for raws in read(s, entity, keys).values() for raw in raws]


def _everything(s: Session, entity: str, chunk_bytes: int) -> Iterator[Sequence[bytes]]:
    for chunk in s.reader.chunks(entity, target_bytes=chunk_bytes):
        for batch in s.reader.raw(chunk):
            raws = s.codec.split(batch)
            for at in range(0, len(raws), AT_ONCE):
                yield raws[at : at + AT_ONCE]


__all__ = ["back_of", "batches", "check", "fetched", "session_of", "work_of"]

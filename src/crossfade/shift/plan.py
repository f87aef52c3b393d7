"""What a cutover does, step by step, as values: `--dry-run` prints them, and the run does exactly these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfade.project import Shifting


@dataclass(frozen=True, slots=True)
class CutoverStep:
    """`fenced`: the source takes no writes while it runs."""

    name: str
    says: str
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`digest` stands for the steps, the limits and what was read to make them."""

    steps: tuple[CutoverStep, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Sides:
    """What a plan depends on: the stores as they are shown, the tables in order, the digests of the move."""

    source: str
    target: str
    tables: Sequence[str]
    analyzes: bool
    digests: Sequence[str]
    way_back: bool = False
    group: str = ""
    entities: Sequence[str] = ()
    views: Sequence[str] = ()


CLOSE_TARGET, ANALYZE, AHEAD, FENCE = "close the target", "analyze", "comparison ahead", "fence the source"
REFRESH = "refresh"
MARK, DRAIN, COMPARE, NUMBERS = "marker", "drain", "last comparison", "numbers"
OPEN, ANNOUNCE = "open the target", "announce"
WAY_BACK, END_FEED = "way back", "end the feed"
CLOSE_OTHERS = "close the others"

AHEAD_SAYS = (
    "everything is compared, unless it was since the target was closed; then what has changed meanwhile, so that little"
    " is left for the last comparison"
)


def plan(sides: Sides, settings: Shifting) -> Plan:
    return planned(tuple(_steps(sides, settings)), sides, settings)


def planned(steps: tuple[CutoverStep, ...], sides: Sides, settings: Shifting) -> Plan:
    text = repr([*((s.name, s.says) for s in steps), sides, settings.model_dump_json()])
    return Plan(steps, hashlib.sha256(text.encode()).hexdigest()[:12])


def _steps(sides: Sides, settings: Shifting) -> Iterator[CutoverStep]:
    tables = ", ".join(sides.tables)
    yield from _closed_target(sides)
    if sides.analyzes:
        yield CutoverStep(ANALYZE, f"statistics of {tables}")
    if sides.views:
        yield CutoverStep(REFRESH, f"{', '.join(sides.views)}: as of now, not of the end of the copy")
    yield CutoverStep(AHEAD, AHEAD_SAYS)
    if sides.way_back:
        yield CutoverStep(WAY_BACK, f"a feed of {sides.target}, so that what is written there comes back")
    limit = f"transactions that write have {settings.fence_s:g} s to end"
    which = f" ({', '.join(sides.entities)})" if sides.group else ""
    yield CutoverStep(FENCE, f"{sides.source}{which} refuses writes; {limit}")
    total = settings.fence_s + settings.refused_s
    refused = f"the target is open within {total:g} s after the fence began, or the source is opened again"
    yield CutoverStep(MARK, f"a marker after the last write; {refused}", fenced=True)
    yield CutoverStep(DRAIN, "the run that follows applies everything up to the marker", fenced=True)
    yield CutoverStep(
        COMPARE, "every record that changed since it was last compared; one difference undoes the cutover", fenced=True
    )
    yield CutoverStep(NUMBERS, numbers(settings, tables), fenced=True)
    then = "crossfade start puts them back into the source" if sides.way_back else "there is no way back"
    yield CutoverStep(
        OPEN,
        f"one transaction decides: {sides.target} takes writes, and nothing of the source is applied; {then}",
        fenced=True,
    )
    if sides.way_back:
        yield CutoverStep(END_FEED, f"the feed of {sides.source} is removed; a rollback creates a new one")
    yield CutoverStep(ANNOUNCE, announced(settings))


def _closed_target(sides: Sides) -> Iterator[CutoverStep]:
    which = f" ({', '.join(sides.tables)})" if sides.group else ""
    yield CutoverStep(CLOSE_TARGET, f"{sides.target}{which} refuses the writes of applications until it is opened")
    if sides.group:
        yield CutoverStep(CLOSE_OTHERS, "the target refuses writes to the tables of groups that stay at the source")


def numbers(settings: Shifting, tables: str) -> str:
    return f"sequences continue {settings.headroom} after the highest number in use: {tables}"


def announced(settings: Shifting) -> str:
    ways = [
        *(f"the file {settings.file}" for _ in [0] if settings.file),
        *(f"the environment file {settings.environment_file}" for _ in [0] if settings.environment_file),
        *("POST to the webhook" for _ in [0] if settings.webhook),
        *(f"the command {command}" for command in settings.after),
    ]
    return "; ".join(["the journal", *ways])

"""Note a daily verification, and run the alert command if the day is not green."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from crossfade.errors import CrossfadeError
from crossfade.journal import daily
from crossfade.journal.daily import GREEN, Outcome
from crossfade.move import target_ownership
from crossfade.move.context import Context
from crossfade.runtime.commands import failed


@dataclass(frozen=True)
class Noted:
    """How many days in a row are green now, if the journal could be asked. `failures`: what could not be done."""

    green_days: int | None
    failures: tuple[str, ...] = ()


def note(context: Context, day: date, outcome: Outcome, said: str, report: str) -> Noted:
    """Note what was found on a day. The alert command runs unless it was green, and is noted."""
    facts = {"day": day.isoformat(), "outcome": outcome, "said": said, "report": report, "move": context.project.name}
    try:
        days, failures = _noted(context, day, outcome, said), list[str]()
    except CrossfadeError as error:
        days, failures = None, [f"it was not noted: {error.message.partition(chr(10))[0]}"]
    if outcome != GREEN or failures:
        failures += _alerted(context, facts)
    return Noted(days, tuple(failures))


def _noted(context: Context, day: date, outcome: Outcome, said: str) -> int:
    target_ownership.known_move(context)
    with context.transaction() as tx:
        daily.note(tx, day.isoformat(), outcome, said)
        return daily.green_days(daily.find_all(tx), day)


def _alerted(context: Context, facts: Mapping[str, str]) -> Iterator[str]:
    command = context.project.settings.verify.alert
    if command and (how := failed(command, context.project.root, facts)) is not None:
        yield f"the alert failed: {command}: {how}"

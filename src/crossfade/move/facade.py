"""`Move`: a project's move, with a method for each step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date

from crossfade.errors import CrossfadeError
from crossfade.journal.causes import ALL_OPEN, Cause, Selection
from crossfade.journal.daily import Outcome
from crossfade.journal.journal import Entry
from crossfade.journal.rehearsed import Rehearsal
from crossfade.journal.status import FollowStatus, Status
from crossfade.model.events import Listener
from crossfade.model.findings import Finding
from crossfade.model.shape import Shape
from crossfade.move import (
    accounts,
    checks,
    copying,
    cutting,
    cutting_back,
    finishing,
    group_states,
    handing,
    inverting,
    polling,
    rehearsing,
    rehearsing_copies,
    repairing,
    repairing_back,
    returning,
    rolling_back,
    round_trip_proof,
    round_trips,
    starting,
    surveying,
    target_ownership,
    verifying,
    verifying_back,
    verifying_daily,
    verifying_live,
)
from crossfade.move import again as copying_again
from crossfade.move import not_carried as gathering
from crossfade.move import preview as previewing
from crossfade.move import quarantine as quarantining
from crossfade.move import reset as resetting
from crossfade.move.cutting import CutOver, Ready
from crossfade.move.finishing import Finished
from crossfade.move.group_states import GroupState
from crossfade.move.inventory import inventory
from crossfade.move.inverting import Inverted
from crossfade.move.opened import OpenedProject
from crossfade.move.preview import Preview
from crossfade.move.rehearsing import Rehearsed
from crossfade.move.repairing import Repaired
from crossfade.move.reset import Reset
from crossfade.move.rolling_back import ReadyBack, RolledBack
from crossfade.move.verifying_back import ProvenBack
from crossfade.move.verifying_daily import Noted
from crossfade.pipeline.retry import Retried
from crossfade.stores.contract import EntityInfo
from crossfade.verify.not_carried import Changed, LeftBehind
from crossfade.verify.round_trip import Proven, Tried
from crossfade.verify.verdict import Verdict


class Move(OpenedProject):
    """The move of one project. Use it as a context manager: it closes the stores that it opened.

    `workers` is the number of processes on this machine. With a Dask scheduler (`scheduler`, or the one in
    crossfade.toml), as many tasks run as the cluster has threads, or `most` if given. `listen` hears the
    events of every method that is called without a listener of its own (docs/reference/events.md).
    """

    def entities(self) -> Sequence[EntityInfo]:
        """Return every entity of the source, with its class and its plan."""
        return surveying.entities(self.context)

    def survey(self, listen: Listener | None = None) -> tuple[list[Shape], list[EntityInfo]]:
        """Scan the source and write source.lock.json. Return the shapes, and all entities with their plans."""
        with self._phase("survey", listen) as tell:
            return surveying.survey(self.context, tell)

    def lock_before(self) -> list[Shape] | None:
        """Return the shapes of the last survey, or None if there was none or its file is damaged."""
        return surveying.lock_before(self.context)

    def groups(self) -> list[GroupState]:
        """Return the groups of entities that are moved alone, each with its side and how it is followed."""
        with self._watched():
            return group_states.states(self.context)

    def check(self) -> list[Finding]:
        """Return all faults and notes, before anything is written. Raises MappingFault, SchemaFault."""
        return checks.check(self.context)

    def preview(self, table: str, *, limit: int = 20, key: str | None = None) -> Preview:
        """Return the rows of a table for the first records (or the one with a key). Write nothing."""
        return previewing.of_table(self.context, table, limit, key)

    def sample(self, size: int, table: str | None = None, listen: Listener | None = None) -> Preview:
        """Map a sample of `size` records of each mapped entity (or of those that feed a table). Write nothing."""
        with self._phase("sample", listen) as tell:
            return previewing.of_sample(self.context, table, size, tell)

    def invert(self, *, force: bool = False) -> list[Inverted]:
        """Write inverse/<entity>.sql for each entity for which it can be derived. Files that a person has edited are
        replaced only with `force`.
        """
        with self._watched():
            return inverting.invert(self.context, force=force)

    def check_round_trip(self, sample: int | None = None) -> list[Tried]:
        """Try the laws of the way back on all records, or a sample of each entity, with the rows that the mappings make
        of them. Neither reads nor writes the target's rows.
        """
        with self._watched():
            return round_trips.check(self.context, sample)

    def verify_round_trip(self, sample: int | None = None) -> list[Proven]:
        """Rebuild all copied records, or a sample of each entity, from the target's rows, and compare them with the
        source's.

        While another run follows the source, what differs is compared again when that is applied. While following is
        stopped, what the source has written since is a difference. Raises Refused if the copy has not finished, or if
        a run is alive that does not follow.
        """
        self.context.only_compares = True
        with self._watched():
            return round_trip_proof.prove_all(self.context, sample)

    def apply_schema(self, listen: Listener | None = None) -> int:
        """Prepare the target for the copy; return the number of executed steps. Refuse another move's target."""
        with self._phase("schema", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return target_ownership.apply_schema(self.context, tell)

    def copy(self, listen: Listener | None = None, *, source_moved: bool = False) -> Status:
        """Copy what is not copied yet, then create the constraints. Resume an interrupted copy.

        Raises Stale if the source is not the one that the copy began with; `source_moved` confirms that it is the same
        at another address.
        """
        self.context.read_schema_ahead()
        with self._phase("copy", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return copying.copy(self.context, tell, source_moved=source_moved)

    def start(
        self,
        listen: Listener | None = None,
        *,
        seconds: float | None = None,
        source_moved: bool = False,
        poll: bool = False,
    ) -> Status:
        """Copy what is not copied yet, and follow the source: until `stop` is called (by another process or thread),
        Ctrl-C, or for `seconds`. Resume where an earlier run ended, however it ended. With `poll` no feed is needed:
        everything is compared again and again, and what differs is repaired.

        Raises Unsupported if the source has no change feed, Refused if it lacks something for one, PositionLost if it
        no longer has the changes after the position: the next start then compares everything.

        After a cutover it follows the target, and puts what changes there back into the source.
        """
        if handing.is_after_cutover(self.context):
            return self._return(listen, seconds)
        self.context.read_schema_ahead()
        with self._phase("follow", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            begin = polling.start if poll else starting.start
            return begin(self.context, tell, seconds=seconds, source_moved=source_moved)

    def _return(self, listen: Listener | None, seconds: float | None) -> Status:
        locked = target_ownership.locked(self.context, after_cutover=True)
        with self._phase("follow", listen) as tell, self._watched(tell), locked:
            return returning.start(self.context, tell, seconds=seconds)

    def stop(self, *, seconds: float = 60.0) -> FollowStatus:
        """Let the run that follows the source end, and wait for that for `seconds`. `start` goes on."""
        with self._watched():
            return starting.stop(self.context, seconds=seconds)

    def following(self) -> FollowStatus | None:
        """Return how following goes on, from the journal; None if the source is not followed."""
        with self._watched():
            return starting.status(self.context)

    def restart(self) -> None:
        """Undo the copy: empty the tables that it filled, and delete its chunks and quarantine from the journal."""
        with self._phase("restart") as tell, self._watched(tell), target_ownership.locked(self.context):
            copying.restart(self.context)

    def forget(
        self, *, tables: Collection[str] = (), entities: Collection[str] = (), source_moved: bool = False
    ) -> None:
        """Remove all rows of these entities, and of those that feed these tables, so that `copy` copies them again.

        Everything else stays as it is, except records that refer to one that is not copied again. New columns of these
        tables, and new tables, are added to the target. Raises Stale if the schema has changed in any other way, or if
        the source is another one; `source_moved` as for `copy`.
        """
        locked = target_ownership.locked(self.context, schema_may_differ=True)
        with self._phase("forget") as tell, self._watched(tell), locked:
            copying_again.forget(self.context, tables, entities, source_moved=source_moved)

    def plan_reset(self, including: Collection[str] = ()) -> Reset | None:
        """Return what a reset would do, or None if the target has no move. Raises NotEmpty if the reset would."""
        with self._watched():
            return resetting.plan(self.context, including)

    def reset(self, including: Collection[str] = ()) -> Reset | None:
        """Drop what the move created in the target, including the journal and quarantine, and nothing else.

        Raises NotEmpty if it would delete what others added to a table that is not in `including`.
        """
        with self._phase("reset") as tell, self._watched(tell):
            return resetting.reset(self.context, tell, including)

    def verify(self, listen: Listener | None = None, *, again: bool = False) -> Verdict:
        """Compare every column of every row, all keys and all counts, and run the rules.

        While another run follows the source it may be written meanwhile: `Verdict.through` says up to where it is
        proven. With `again` only what changed since the last verification is compared. While following is stopped, what
        the source has written since is a difference, as it is in the target.

        Raises Refused if the copy has not finished, or if the mappings no longer include all that was copied; with
        `again`, also if no run follows the source now.
        """
        self.context.only_compares = True
        with self._phase("verify", listen) as tell, self._watched(tell):
            if again or handing.is_followed(self.context):
                return verifying_live.verify(self.context, tell, only_changed=again)
            return verifying.verify(self.context, tell)

    def note_daily(self, day: date, outcome: Outcome, said: str, report: str) -> Noted:
        """Note the outcome of a daily verification, whose days count for `finish`, and run the alert command if it is
        not green.
        """
        with self._watched():
            return verifying_daily.note(self.context, day, outcome, said, report)

    def repair(
        self, listen: Listener | None = None, *, dry_run: bool = False, keys: Mapping[str, Sequence[str]] | None = None
    ) -> Repaired:
        """Make the target equal to the source again: compare everything and apply the records that differ, or those
        with these keys (by entity). With `dry_run` only say what would be changed.

        While another run follows the source, that run applies the records with these keys. After a cutover the source
        is made equal to the target, by the run that follows it.

        Raises Refused if the copy has not finished, or if the mappings no longer include all that was copied.
        """
        if self.is_returning:
            self.context.only_compares = True
            with self._phase("repair", listen) as tell, self._watched(tell):
                return repairing_back.repair(self.context, tell, dry_run=dry_run, keys=keys)
        if keys is not None and not dry_run and handing.takes_keys(self.context):
            with self._phase("repair", listen):
                return handing.repair(self.context, keys)
        with self._phase("repair", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return repairing.repair(self.context, tell, dry_run=dry_run, keys=keys)

    def status(self) -> Status:
        """Return the count equation of every entity from the journal, and what else the source holds.

        The journal is read even if a mapping has faults or the source cannot be reached. If a cutover was interrupted
        and its time is over, the source is opened again.
        """
        with self._watched():
            with suppress(CrossfadeError):
                cutting_back.settle(self.context)
            return accounts.status(self.context)

    def plan_cutover(self) -> Ready:
        """Return what a cutover would do now, and which gates hold."""
        self.context.only_compares = True
        with self._watched():
            return cutting.look(self.context)

    def cutover(self, listen: Listener | None = None, *, plan: str = "") -> CutOver:
        """Close the source, apply and compare what is left, and open the target, while another run follows the source.
        `plan` is the digest of the plan that was seen; another one is refused. If the target is open already, this
        is announced again.

        Raises Refused if a gate does not hold. The error of a step is raised when the source is open again.
        """
        self.context.only_compares = True
        with self._phase("cutover", listen) as tell, self._watched(tell):
            return cutting.cutover(self.context, tell, plan=plan)

    def rehearse(self, listen: Listener | None = None) -> Rehearsed:
        """Do the steps of a cutover except the fence of the source and the opening, and undo them. Note what each took,
        and for how long neither side would have taken writes. Raises Busy while a cutover is running, or after one.
        """
        self.context.only_compares = True
        with self._phase("rehearse", listen) as tell, self._watched(tell):
            return rehearsing.rehearse(self.context, tell)

    def rehearse_on_copies(self, listen: Listener | None = None) -> Rehearsal:
        """Do a whole cutover on the scratch pair of databases of crossfade.toml, and note what was found. Raises
        Misused without one.
        """
        self.context.only_compares = True
        project = self.project.on_copies()
        workers, most = self.context.workers, self.context.most_workers
        with self._phase("rehearse", listen) as tell, self._watched(tell):
            return rehearsing_copies.rehearse(self.context, tell, lambda: Move(project, workers=workers, most=most))

    def plan_rollback(self) -> ReadyBack:
        """Return what a rollback would do now, and which gates hold. Without a plan the target is not open."""
        self.context.only_compares = True
        with self._watched():
            return rolling_back.look(self.context)

    def rollback(self, listen: Listener | None = None, *, plan: str = "") -> RolledBack:
        """Take the application back to the source, while another run follows the target (`start`). `plan` is the digest
        of the plan that was seen; another one is refused. A cutover that is under way is stepped back. Where there was
        none, nothing is done: `reset` drops what the move has made.

        Raises Refused if a gate does not hold. The error of a step is raised when the target is open again.
        """
        self.context.only_compares = True
        with self._phase("rollback", listen) as tell, self._watched(tell):
            return rolling_back.rollback(self.context, tell, plan=plan)

    @property
    def is_returning(self) -> bool:
        """Whether the target takes the application's writes, and the source is kept equal."""
        return handing.is_after_cutover(self.context) and self.context.is_returning

    @property
    def is_over(self) -> bool:
        """Whether the target takes the application's writes, and nothing is followed."""
        return handing.is_after_cutover(self.context) and not self.context.is_returning

    def verify_back(self, listen: Listener | None = None, *, again: bool = False) -> ProvenBack:
        """Compare the records of the source with what the rows of the target put back, while another run follows the
        target; with `again` only what changed since the last verification. Raises Refused if no run follows it.
        """
        self.context.only_compares = True
        with self._phase("verify", listen) as tell, self._watched(tell):
            return verifying_back.verify(self.context, tell, only_changed=again)

    def finish(self) -> Finished:
        """End the move after its cutover: write the evidence to a file, remove the feed, the fences and the journal.
        The source stays closed for good. Raises Refused if the target is not open.
        """
        with self._phase("finish") as tell, self._watched(tell):
            return finishing.finish(self.context)

    def left_behind(self, found: Status) -> list[LeftBehind]:
        """Return what stays in the source, each with the reason. `found` is the current status."""
        return gathering.left_behind(self.context, found, inventory(self.context))

    def changed(self) -> list[Changed]:
        """Return the values that the mappings change on purpose."""
        return gathering.changed(self.context)

    def quarantine(self) -> list[Entry]:
        """Return all entries, open and closed."""
        with self._watched():
            return quarantining.entries(self.context)

    def causes(self, of: Selection = ALL_OPEN, *, examples: int = 3) -> list[Cause]:
        """Return the causes in quarantine, the most frequent first, each with some of its entries."""
        with self._watched():
            return quarantining.causes(self.context, of, examples)

    def quarantine_pages(self, of: Selection = ALL_OPEN) -> Iterator[list[Entry]]:
        """Yield the entries of a selection, page by page."""
        return quarantining.pages(self.context, of)

    def quarantined_record(self, entry_id: str) -> tuple[Entry, bytes]:
        """Return an entry (by id, or its first characters) and its raw record. Raises Misused unless one matches."""
        with self._watched():
            return quarantining.record(self.context, entry_id)

    def retry(self, ids: Sequence[str] = (), of: Selection = ALL_OPEN, listen: Listener | None = None) -> list[Retried]:
        """Retry entries with the current mapping and lock file: those given, or else those of the selection (by default
        all open ones). While another run follows the source, that run applies them, with the mapping that it has.
        """
        if handing.takes_keys(self.context):
            with self._phase("retry", listen):
                return quarantining.retry_followed(self.context, ids, of)
        with self._phase("retry", listen) as tell, self._watched(tell), target_ownership.locked(self.context):
            return quarantining.retry(self.context, ids, of, tell)

    def discard(self, ids: Sequence[str], reason: str) -> list[Entry]:
        """Close entries as discarded by a person, with the reason."""
        with self._watched(), target_ownership.locked(self.context):
            return quarantining.discard(self.context, ids, reason)

    def discard_all(self, of: Selection, reason: str) -> dict[str, int]:
        """Close the open entries of a selection as discarded by a person. Return the number for each entity."""
        with self._watched(), target_ownership.locked(self.context):
            return quarantining.discard_all(self.context, of, reason)

"""crossfade.toml and the folder around it, as frozen values."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossfade.errors import Misused
from crossfade.model.patterns import is_pattern
from crossfade.model.urls import printable
from crossfade.toml_file import expanded, read_toml, validated

FILE_NAME = "crossfade.toml"
REST = "rest"
"""The group of the entities that [groups] does not name, where it names any."""
_GROUP = re.compile(r"[a-z][a-z0-9_]{0,15}")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSection(_Section):
    url: str


class TargetSection(_Section):
    url: str
    schema_: str = Field(alias="schema")
    """schema.prisma, a folder of .prisma files, schema.sql, module:metadata, or live."""
    comments: bool = False
    """Create the `///` comments of a Prisma schema as comments on tables and columns. Prisma itself does not."""


class Limits(_Section):
    quarantine: float = Field(default=0.0, ge=0.0, le=1.0)
    """The share of an entity's records that may be quarantined before a command fails with exit status 1."""
    stop_at: float = Field(default=0.1, ge=0.0, le=1.0)
    """The share of an entity's records whose refusal stops the copy early; 1: never."""
    stop_at_least: int = Field(default=1000, ge=1)
    """The copy is not stopped for fewer records than these."""
    chunk_mb: float = Field(default=8.0, gt=0.0, le=256.0)
    """The approximate size in megabytes of the source documents in one chunk, which is one transaction of the target.
    """
    backlog_gb: float = Field(default=10.0, gt=0.0)
    """How many gigabytes the source may retain for the feed before the feed is removed; inf: any number."""
    differences: int = Field(default=100, ge=0)
    """How many differences a verification prints for each table; all of them are counted."""


class Run(_Section):
    """Where the work runs."""

    executor: Literal["processes", "dask"] = "processes"
    scheduler: str = ""
    """The address of the Dask scheduler: tcp://HOST:8786."""

    @model_validator(mode="after")
    def _goes_together(self) -> Run:
        if self.executor == "dask" and not self.scheduler:
            raise ValueError('executor = "dask" requires scheduler = "tcp://HOST:8786"')
        if self.executor != "dask" and self.scheduler:
            raise ValueError('scheduler requires executor = "dask"')
        return self


class Throttling(_Section):
    """When the copy and the follower wait for the source. Each setting is a reason of its own."""

    lag_s: float | None = Field(default=None, ge=0.0)
    """The lag of a replica of the source, in seconds, above which nothing begins."""
    active: int | None = Field(default=None, ge=0)
    """The number of sessions at work in the source above which nothing begins."""
    command: str = ""
    """A command; while its exit status is not 0, nothing begins. It runs without a shell, in the project's folder."""
    every_s: float = Field(default=5.0, ge=0.1)
    """How often these are checked, in seconds."""


class Loss(_Section):
    """A column of the target whose changes may be lost on the way back, by a person's decision."""

    column: str = Field(pattern=r".+[.].+")
    """table.column"""
    reason: str = Field(min_length=1)


class Inverting(_Section):
    """Exceptions on the way back, from rows to records."""

    times: Literal["exact", "milliseconds"] = "exact"
    """A document's date has milliseconds. A row with a finer time is refused (exact), or its time is cut."""
    lose: tuple[Loss, ...] = ()
    """Columns that are not compared on the way back."""


class Shifting(_Section):
    """The gates of a cutover or a rollback, its limits, and where it is announced."""

    before: tuple[str, ...] = ()
    """Commands that must succeed before it. They run without a shell, in the project's folder."""
    after: tuple[str, ...] = ()
    """Commands that run when the target is open; CROSSFADE_STAGE and CROSSFADE_PLAN are in their environment."""
    lag_s: float = Field(default=10.0, gt=0.0)
    """The greatest lag, in seconds, with which it begins."""
    proof_h: float = Field(default=24.0, gt=0.0)
    """The greatest age of the last verification of everything, in hours."""
    fence_s: float = Field(default=5.0, gt=0.0)
    """How long the application's transactions may take to end when the source is closed, in seconds."""
    refused_s: float = Field(default=15.0, gt=0.0)
    """How long the source may then be closed before the target is open, in seconds; otherwise it is opened again."""
    writers: tuple[str, ...] = ()
    """The only logins or application names, or patterns of them, that may have a session with the source; none: any."""
    free_sessions: int = Field(default=10, ge=0)
    """How many more sessions the target must accept."""
    headroom: int = Field(default=1000, ge=0)
    """How many numbers the target's sequences leave free after the last one in use."""
    file: str = ""
    """A file that is written when the target is open: JSON with the stage, the time and the plan."""
    environment_file: str = ""
    """The same as lines of NAME=value."""
    webhook: str = ""
    """An address to which the JSON is sent by POST."""


class Cutover(Shifting):
    """From the source to the target."""

    way_back: bool = True
    """Whether there must be a way back: a feed of the target, and the inverse of every entity."""
    rehearsals: int = Field(default=0, ge=0)
    """How many rehearsals in a row must have been green with the current mappings."""
    rehearsed_days: float | None = Field(default=None, gt=0.0)
    """The greatest age of the last green rehearsal, in days; none: any."""


class Rollback(Shifting):
    """From the target back to the source: `writers` are those of the target, `free_sessions` of the source."""

    set_aside: int = Field(default=0, ge=0)
    """How many records that the source cannot hold may be lost."""


class Rehearsing(_Section):
    """The scratch pair of databases of `rehearse --on-copies`."""

    source: str = ""
    """The URL of a copy of the source; ${NAME} is replaced."""
    target: str = ""
    """The URL of an empty database, or of one with the schema where that is live; ${NAME} is replaced."""
    prepare: tuple[str, ...] = ()
    """Commands that create both again. They run without a shell, in the project's folder, for as long as they take."""


class Guards(_Section):
    """Reasons in the data to take the application back automatically; none is checked unless it is set."""

    lag_s: float | None = Field(default=None, gt=0.0)
    """The lag that is too much, in seconds. A lag that is not proven counts as too much."""
    quarantine: float | None = Field(default=None, ge=0.0, le=1.0)
    """The share of an entity's records in quarantine that is too much."""
    differences: bool = False
    """Whether it is a reason that the last verification was not equal."""
    lost_feed: bool = False
    """Whether it is a reason that the feed is lost, paused or not running, or that an entity is halted."""

    rollback: bool = False
    """Whether the application is taken back, after a cutover, if a guard is broken for `for_s`."""
    for_s: float = Field(default=30.0, ge=0.0)
    """The number of seconds without interruption."""
    alert: str = ""
    """A command that runs then. It runs without a shell, in the project's folder."""


class Finish(_Section):
    """What must hold before the way back is closed."""

    green_days: int = Field(default=0, ge=0)
    """How many days in a row `verify --daily` must have been green."""


class Verifying(_Section):
    """What `verify --daily` does."""

    alert: str = ""
    """A command that runs if a day is not green. It runs without a shell, in the project's folder."""


class Survey(_Section):
    """Which objects are maps, overriding the survey: each "entity.path" ("*" is every entity)."""

    maps: tuple[str, ...] = ()
    """Objects whose keys are data."""
    objects: tuple[str, ...] = ()
    """Objects whose keys are field names."""


class Discard(_Section):
    """Data that is not copied by a person's decision, with the reason."""

    reason: str = Field(min_length=1)
    entity: str | None = None
    path: str | None = None
    types: tuple[str, ...] = ()
    where: str | None = None
    alias: str | None = None
    empty: bool = False
    """Only entities in which the survey found no record."""
    table: str | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether it discards a whole entity."""
        return self.entity is not None and self.path is None and self.where is None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Discard:
        if (self.entity is None) == (self.table is None):
            lacks = ": this path lacks its entity" if self.path and not self.table else ""
            raise ValueError(f"a discard names either an entity or a table{lacks}")
        if self.table is not None and (self.path or self.types or self.where or self.empty):
            raise ValueError("a discard of a table takes nothing but a reason")
        if self.entity == "*" and self.path is None and not self.empty:
            raise ValueError('entity "*" (every entity) requires a path or empty = true')
        if self.empty and (self.path is not None or self.where is not None):
            raise ValueError("empty = true discards whole entities: it takes no path and no where")
        if self.where is not None and self.entity is not None and is_pattern(self.entity):
            raise ValueError("where requires the name of one entity")
        if self.types and self.path is None:
            raise ValueError("types requires a path")
        if self.where is not None and (self.path is not None or not self.alias):
            raise ValueError("where requires an alias, and no path")
        if self.alias is not None and self.where is None:
            raise ValueError("alias requires where")
        return self


class Settings(_Section):
    source: SourceSection
    target: TargetSection
    name: str = ""
    """The name of the move in the journal; by default the folder's name."""
    limits: Limits = Limits()
    survey: Survey = Survey()
    run: Run = Run()
    throttle: Throttling = Throttling()
    inverse: Inverting = Inverting()
    verify: Verifying = Verifying()
    cutover: Cutover = Cutover()
    rehearse: Rehearsing = Rehearsing()
    guards: Guards = Guards()
    finish: Finish = Finish()
    rollback: Rollback = Rollback()
    entities: tuple[str, ...] = ()
    """The entities to move; if empty, all that the source has."""
    discard: tuple[Discard, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Entities that are cut over together, while others stay: name = ["entity", ...]."""

    @model_validator(mode="after")
    def _are_apart(self) -> Settings:
        seen: dict[str, str] = {}
        for name, entities in self.groups.items():
            if not _GROUP.fullmatch(name) or name == REST:
                raise ValueError(
                    f"the name of a group is of at most 16 lower-case letters, digits and _, and not {REST!r}: {name!r}"
                )
            if not entities:
                raise ValueError(f"the group {name} has no entities")
            for entity in entities:
                if entity in seen:
                    raise ValueError(f"{entity} is in the groups {seen[entity]} and {name}")
                seen[entity] = name
        return self

    def group_of(self, entity: str) -> str:
        """Return the name of an entity's group; "" if there are no groups."""
        named = next((name for name, entities in self.groups.items() if entity in entities), REST)
        return named if self.groups else ""


class Project(BaseModel):
    """A folder with crossfade.toml, mapping/, rules/ and source.lock.json."""

    model_config = ConfigDict(frozen=True)

    root: Path
    settings: Settings
    environment: Mapping[str, str] = Field(default_factory=dict, repr=False)
    group: str = ""
    """The selected group of entities; "" for all entities."""

    @property
    def source_url(self) -> str:
        return expanded(self.settings.source.url, self.environment, self.root / FILE_NAME)

    @property
    def target_url(self) -> str:
        return expanded(self.settings.target.url, self.environment, self.root / FILE_NAME)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups, with that of the other entities; none if everything is moved at once."""
        return (*self.settings.groups, REST) if self.settings.groups else ()

    def of_group(self, name: str) -> Project:
        """Return the project of one group: a move of its own, of these entities. Raises Misused if there is none."""
        if name not in self.group_names:
            raise Misused(
                f"there is no group {name!r} in {self.root / FILE_NAME}; nothing was done",
                hint=f"one of {', '.join(self.group_names)}" if self.group_names else "[groups] in crossfade.toml",
            )
        return self.model_copy(update={"group": name})

    def has_entity(self, entity: str) -> bool:
        """Return whether an entity is in the selected group."""
        return not self.group or self.settings.group_of(entity) == self.group

    def on_copies(self) -> Project:
        """Return the project of the scratch pair: the same mappings, and nothing is announced. Raises Misused if there
        is no such pair.
        """
        own = self.settings
        if not (own.rehearse.source and own.rehearse.target):
            raise Misused(
                "rehearse.source and rehearse.target are not set: a cutover is rehearsed on copies that you name;"
                " nothing was done",
                hint=f"[rehearse] in {self.root / FILE_NAME}",
            )
        not_announced: dict[str, Any] = {"before": (), "after": (), "file": "", "environment_file": "", "webhook": ""}
        alone: dict[str, Any] = {"writers": (), "rehearsals": 0, "rehearsed_days": None}
        changed = {
            "source": SourceSection(url=own.rehearse.source),
            "target": own.target.model_copy(update={"url": own.rehearse.target}),
            "name": f"{own.name or printable(self.root.resolve().name)}-rehearsal",
            "cutover": own.cutover.model_copy(update={**not_announced, **alone}),
            "guards": own.guards.model_copy(update={"rollback": False, "alert": ""}),
            "rollback": own.rollback.model_copy(update={**not_announced, "writers": ()}),
        }
        return self.model_copy(update={"settings": own.model_copy(update=changed)})

    @property
    def scheduler(self) -> str:
        """Return the address of the Dask scheduler; "" if the work runs on this machine."""
        text = self.settings.run.scheduler
        return expanded(text, self.environment, self.root / FILE_NAME) if text else ""

    @property
    def name(self) -> str:
        own = self.settings.name or printable(self.root.resolve().name)
        return f"{own}/{self.group}" if self.group else own

    @property
    def lock_file(self) -> Path:
        return self.root / "source.lock.json"

    @property
    def mapping_dir(self) -> Path:
        return self.root / "mapping"

    @property
    def inverse_dir(self) -> Path:
        return self.root / "inverse"

    @property
    def rules_dir(self) -> Path:
        return self.root / "rules"


def load_project(folder: str | Path = ".", environment: Mapping[str, str] | None = None) -> Project:
    """Load the project in `folder` (or of the crossfade.toml that it names).

    Raises Misused if the file is missing or does not parse, UnknownSetting for an unknown key.
    """
    folder = Path(folder)
    file = folder if folder.name == FILE_NAME else folder / FILE_NAME
    settings = validated(Settings, read_toml(file), file)
    env = os.environ if environment is None else environment
    return Project(root=file.parent, settings=settings, environment=dict(env))

"""crossfade.toml and the folder around it, as frozen values.

`${NAME}` in a URL is taken from the environment. An unknown key is refused, with the nearest known one: a misspelled
limit that is silently ignored can lose data.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crossfade.errors import Misused, UnknownSetting
from crossfade.model.patterns import is_pattern
from crossfade.model.urls import printable

FILE_NAME = "crossfade.toml"


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
            raise ValueError("a discard names either an entity or a table")
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
    entities: tuple[str, ...] = ()
    """The entities to move; if empty, all that the source has."""
    discard: tuple[Discard, ...] = ()


class Project(BaseModel):
    """A folder with crossfade.toml, mapping/, rules/ and source.lock.json."""

    model_config = ConfigDict(frozen=True)

    root: Path
    settings: Settings
    environment: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @property
    def source_url(self) -> str:
        return _expand(self.settings.source.url, self.environment, str(self.root / FILE_NAME))

    @property
    def target_url(self) -> str:
        return _expand(self.settings.target.url, self.environment, str(self.root / FILE_NAME))

    @property
    def scheduler(self) -> str:
        """Return the address of the Dask scheduler; "" if the work runs on this machine."""
        text = self.settings.run.scheduler
        return _expand(text, self.environment, str(self.root / FILE_NAME)) if text else ""

    @property
    def name(self) -> str:
        return self.settings.name or printable(self.root.resolve().name)

    @property
    def lock_file(self) -> Path:
        return self.root / "source.lock.json"

    @property
    def mapping_dir(self) -> Path:
        return self.root / "mapping"

    @property
    def rules_dir(self) -> Path:
        return self.root / "rules"


def load_project(folder: str | Path = ".", environment: Mapping[str, str] | None = None) -> Project:
    """Load the project in `folder` (or of the crossfade.toml that it names).

    Raises Misused if the file is missing or does not parse, UnknownSetting for an unknown key.
    """
    folder = Path(folder)
    file = folder if folder.name == FILE_NAME else folder / FILE_NAME
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misused(f"no {FILE_NAME} in {folder}", hint="name the project's folder with --project") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise Misused(f"{file} is not valid TOML: {e}") from None
    env = os.environ if environment is None else environment
    return Project(root=file.parent, settings=_settings(data, file), environment=dict(env))


def _settings(data: dict[str, Any], file: Path) -> Settings:
    try:
        return Settings.model_validate(data)
    except ValidationError as e:
        # a misspelled key is also a missing one: report the misspelling
        unknown = [error for error in e.errors() if error["type"] == "extra_forbidden"]
        if unknown:
            raise _unknown(file, [error["loc"] for error in unknown]) from None
        said = "\n".join(_said(file, error["loc"], error["msg"]) for error in e.errors())
        raise Misused(said, hint="see docs/reference/crossfade-toml.md") from None


Location = tuple[int | str, ...]


def _place(loc: Location) -> str:
    return ".".join(str(step) for step in loc)


def _said(file: Path, loc: Location, message: str) -> str:
    return f"{file}: {_place(loc) or 'file'}: {message[:1].lower()}{message[1:]}"


def _unknown(file: Path, locs: Sequence[Location]) -> UnknownSetting:
    known = _known_keys(locs[0][:-1])
    near = difflib.get_close_matches(str(locs[0][-1]), known, n=1, cutoff=0.4)
    hint = f"{near[0]!r}" if near else f"one of {', '.join(known)}"
    said = "\n".join(f"{file}: unknown key {_place(loc)!r}" for loc in locs)
    return UnknownSetting(f"{said}; nothing was done", hint=hint)


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    sections: dict[str, type[_Section]] = {
        "source": SourceSection,
        "target": TargetSection,
        "limits": Limits,
        "survey": Survey,
        "run": Run,
        "discard": Discard,
    }
    section: type[_Section] = sections.get(str(loc[0]), Settings) if loc else Settings
    return sorted(f.alias or name for name, f in section.model_fields.items())


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expand(value: str, environment: Mapping[str, str], file: str) -> str:
    """Only when a URL is needed: a survey should not ask for the target's password."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            raise Misused(f"{file} uses the environment variable {name}, which is not set", hint=f"export {name}=...")
        return environment[name]

    expanded = _VARIABLE.sub(replace, value)
    if not expanded.strip():
        raise Misused(f"{file} takes a URL from {value!r}, which is empty", hint="set it to a URL")
    return expanded

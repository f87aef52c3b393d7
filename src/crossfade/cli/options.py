"""The options that every command has, declared once."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.move.processes import default_workers


class LogFormat(enum.Enum):
    text = "text"
    json = "json"


@dataclass(frozen=True)
class Options:
    project: Path = Path()
    json: bool = False
    workers: int | None = None
    log_format: LogFormat = LogFormat.text
    quiet: bool = False
    group: str = ""

    @property
    def worker_count(self) -> int:
        return self.workers or default_workers()

    @property
    def logs_json(self) -> bool:
        return self.log_format is LogFormat.json


PROJECT = Annotated[
    Path,
    typer.Option("--project", metavar="DIR", envvar="CROSSFADE_PROJECT", help="The folder that holds crossfade.toml."),
]
GROUP = Annotated[
    str,
    typer.Option(
        "--group",
        metavar="NAME",
        envvar="CROSSFADE_GROUP",
        show_default=False,
        help="Only this group of entities ([groups] in crossfade.toml): each is a move of its own.",
    ),
]
JSON = Annotated[
    bool,
    typer.Option("--json", envvar="CROSSFADE_JSON", help="Print one JSON document on stdout (docs/reference/json.md)."),
]
WORKERS = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        envvar="CROSSFADE_WORKERS",
        show_default="one for each CPU",
        help="The number of worker processes.",
    ),
]
DASK = Annotated[
    str,
    typer.Option(
        "--dask",
        metavar="URL",
        envvar="CROSSFADE_DASK",
        show_default=False,
        help="Run the work on the workers of this Dask scheduler: tcp://HOST:8786 (docs/howto/cluster.md).",
    ),
]
"""For the commands that work in parallel."""
LOG_FORMAT = Annotated[
    LogFormat,
    typer.Option(
        "--log-format", envvar="CROSSFADE_LOG_FORMAT", help="Progress on stderr: text, or one JSON event per line."
    ),
]
QUIET = Annotated[
    bool,
    typer.Option("--quiet", envvar="CROSSFADE_QUIET", help="Print no progress on stderr; errors are still printed."),
]


def _shared(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


SHARED = (
    _shared("project", Path(), PROJECT),
    _shared("group", "", GROUP),
    _shared("json", False, JSON),
    _shared("workers", None, WORKERS),
    _shared("log_format", LogFormat.text, LOG_FORMAT),
    _shared("quiet", False, QUIET),
)


def take_options(arguments: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Split the arguments of a call into the shared options and the command's own arguments."""
    names = {p.name for p in SHARED}
    own = {name: value for name, value in arguments.items() if name not in names}
    return Options(**{name: value for name, value in arguments.items() if name in names}), own

"""An error as the command line tells it: a fact, `Try: ...`, an exit status, and the same as a document.

0    all that was asked for holds
1    not as it must be: differences, faults, too much in quarantine
2    wrong usage or configuration
3    a server or file could not be reached
70   a fault of crossfade itself
130  stopped by Ctrl-C
141  whoever read the output went away
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, dataclass
from typing import Any

from crossfade.cli.answer import print_json
from crossfade.cli.events import log_line
from crossfade.cli.limits import limit_of
from crossfade.cli.screen import Screen
from crossfade.errors import CrossfadeError, MappingFault, SchemaFault, Uncovered, Unreachable
from crossfade.model.findings import Finding

USAGE, INTERNAL, INTERRUPTED, BROKEN_PIPE = 2, 70, 130, 141


@dataclass(frozen=True)
class Failure:
    """`kind` is a stable word (docs/reference/errors.md); `message` does not repeat the faults; `text` does.

    `faults` are those of files (errors.Fault), or what `check` found; `trace` is Python's traceback, for faults of our
    own.
    """

    status: int
    kind: str
    message: str
    hint: str | None = None
    faults: tuple[Any, ...] = ()
    text: str = ""
    trace: str = ""

    @property
    def document(self) -> dict[str, Any]:
        return {
            "error": {
                "kind": self.kind,
                "message": self.message,
                "hint": self.hint,
                "faults": [finding_document(f) if isinstance(f, Finding) else asdict(f) for f in self.faults],
            }
        }


def failure_of(error: Exception) -> Failure:
    """What is to be said of an exception that ended a command."""
    known = _known(error)
    if known is None:
        return _internal(error)
    faults = _faults(known)
    head = known.message.partition("\n")[0] if faults else known.message
    return Failure(known.exit_status, kind_of(type(known)), head, known.hint, faults, known.message)


def _faults(error: CrossfadeError) -> tuple[Any, ...]:
    if isinstance(error, Uncovered):
        return error.findings
    return error.faults if isinstance(error, SchemaFault | MappingFault) else ()


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding as `check` prints it; its severity goes by the list that it stands in."""
    return {name: getattr(finding, name) for name in ("kind", "place", "message", "hint")}


def kind_of(error: type[CrossfadeError]) -> str:
    """The word of an error class: its name in small letters, with underscores."""
    if error is CrossfadeError:
        return "failed"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", error.__name__).lower()


def _known(error: Exception) -> CrossfadeError | None:
    if isinstance(error, CrossfadeError):
        return error
    if isinstance(error, BrokenExecutor):
        return CrossfadeError(
            "a worker process ended before its work did (killed, or out of memory); what is committed stays",
            hint="the same command again: it resumes; --workers 1 takes less memory",
        )
    if (limit := limit_of(error)) is not None:
        return limit
    if isinstance(error, OSError) and error.filename is not None:
        return Unreachable(f"{error.filename}: {error.strerror or error}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unreachable(
            f"could not write the output or a temporary file: {error.strerror}; what is committed stays",
            hint="make room, or TMPDIR=/a/folder/with/room; then the same command again",
        )
    return None


def _internal(error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error)).rstrip()
    message = f"this is a fault of crossfade itself: {type(error).__name__}: {error}"
    hint = "report it with the lines above; what is committed stays, and the same command resumes"
    return Failure(INTERNAL, "internal", message, hint, text=message, trace=trace)


def end_quietly() -> int:
    """Whoever read our output is gone: nothing more is said, not even while Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE


def usage(message: str, command: str) -> Failure:
    """Wrong usage, as the parser of the command line says it."""
    text = message.strip().rstrip(".").replace("Value error, ", "").replace("Input should be", "it should be")
    return Failure(USAGE, "usage", text[:1].lower() + text[1:], f"{command} --help")


def interrupted(truth: str) -> Failure:
    return Failure(INTERRUPTED, "interrupted", f"stopped; {truth}", "the same command again")


def show(failure: Failure, *, as_json: bool, logs_json: bool) -> int:
    """Tells of the failure; its exit status."""
    if logs_json:
        log_line({"event": "Failed", **failure.document["error"]})
    else:
        screen = Screen(sys.stderr)
        if failure.trace:
            screen.line(failure.trace)
        screen.line(f"error: {failure.text or failure.message}")
        if failure.hint:
            screen.line(f"Try: {failure.hint}")
    if as_json:
        _print_json(failure)
    return failure.status


def _print_json(failure: Failure) -> None:
    try:
        print_json(failure.document)
    except BrokenPipeError:
        raise
    except OSError:  # stdout takes nothing: that is the failure, and it has been told on stderr
        end_quietly()

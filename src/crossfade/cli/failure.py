"""Errors on the command line: a message, `Try: ...`, an exit status, and the same as a document.

0    success
1    failure: differences, faults, too many records in quarantine
2    wrong usage or configuration
3    a server or file could not be reached
70   a bug in crossfade
130  stopped by Ctrl-C
141  the reader of the output closed the pipe
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

    `faults` are those of files (errors.Fault), or what `check` found; `trace` is Python's traceback, for a bug in
    crossfade.
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
    """Return the failure for an exception that ended a command."""
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
    """Return a finding as `check` prints it. The list that it is in says its severity."""
    return {name: getattr(finding, name) for name in ("kind", "place", "message", "hint")}


def kind_of(error: type[CrossfadeError]) -> str:
    """Return the word for an error class: its name in lower case, with underscores."""
    if error is CrossfadeError:
        return "failed"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", error.__name__).lower()


def _known(error: Exception) -> CrossfadeError | None:
    if isinstance(error, CrossfadeError):
        return error
    if isinstance(error, BrokenExecutor):
        return CrossfadeError(
            "a worker process ended unexpectedly (killed, or out of memory); committed work is kept",
            hint="run the same command again: it resumes; --workers 1 uses less memory",
        )
    if (limit := limit_of(error)) is not None:
        return limit
    if isinstance(error, OSError) and error.filename is not None:
        return Unreachable(f"{error.filename}: {error.strerror or error}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unreachable(
            f"could not write the output or a temporary file: {error.strerror}; committed work is kept",
            hint="free disk space, or set TMPDIR=/a/folder/with/space; then run the same command again",
        )
    return None


def _internal(error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error)).rstrip()
    message = f"this is a bug in crossfade: {type(error).__name__}: {error}"
    hint = "report it with the lines above; committed work is kept, and the same command resumes"
    return Failure(INTERNAL, "internal", message, hint, text=message, trace=trace)


def end_quietly() -> int:
    """Discard all further output, because its reader has closed the pipe, and return the exit status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE


def usage(message: str, command: str) -> Failure:
    """Return the failure for wrong usage, in the words of the command-line parser."""
    text = message.strip().rstrip(".").replace("Value error, ", "").replace("Input should be", "it should be")
    return Failure(USAGE, "usage", text[:1].lower() + text[1:], f"{command} --help")


def interrupted(truth: str) -> Failure:
    return Failure(INTERRUPTED, "interrupted", f"stopped; {truth}", "run the same command again")


def show(failure: Failure, *, as_json: bool, logs_json: bool) -> int:
    """Print the failure and return its exit status."""
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
    except OSError:  # stdout cannot be written: stderr has the failure already
        end_quietly()

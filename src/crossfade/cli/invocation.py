"""One call of a command: its project and move, and how its result or its failure is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from functools import cached_property
from typing import Any

from crossfade.cli.answer import Answer, print_json
from crossfade.cli.events import log_event, log_line
from crossfade.cli.failure import Failure, end_quietly, failure_of, interrupted, show
from crossfade.cli.in_group import in_group
from crossfade.cli.limits import require_address_space
from crossfade.cli.notices import notice_of
from crossfade.cli.options import Options
from crossfade.cli.progress import listening
from crossfade.cli.screen import Screen, safe
from crossfade.errors import CrossfadeError
from crossfade.model.events import Event, Listener
from crossfade.model.urls import without_secrets
from crossfade.move import Move
from crossfade.move.processes import slow_reader
from crossfade.project import Project, load_project

SLOW_BYTES = 32 * 1024 * 1024
"""The slow reader takes seconds for this many bytes of documents; for fewer the difference is not noticeable."""


class Invocation:
    def __init__(self, options: Options) -> None:
        self.options = options
        self._reader_told = False
        self._until_told = ExitStack()

    @cached_property
    def project(self) -> Project:
        found = load_project(self.options.project)
        return found.of_group(self.options.group) if self.options.group else found

    def move(self, scheduler: str = "") -> Move:
        """Return the move of the project, to be used in a `with` statement."""
        require_address_space()
        options = self.options
        return Move(
            self.project, workers=options.worker_count, scheduler=scheduler, most=options.workers, listen=self._hear
        )

    def stay_open(self, move: Move) -> Move:
        """Return the move, open until the answer is printed: the answer reads it while it is printed."""
        return self._until_told.enter_context(move)

    def close(self) -> None:
        self._until_told.close()

    def listen(self, every: float = 1.0, *, dated: bool = False) -> AbstractContextManager[Listener]:
        """Return a listener for the events of a phase. Lines of text have `every` seconds between them, and
        begin with the time if they are `dated`.
        """
        return listening(self.options, every, dated=dated)

    def tell_reader(self, size: int) -> None:
        """Print once that the slow reader is in use, if there are enough bytes for it to matter."""
        if size >= SLOW_BYTES and not self._reader_told and (said := slow_reader()) is not None:
            self._reader_told = True
            self.say(said)

    def _hear(self, event: Event) -> None:
        """Print an event of a command that shows no progress, for example that it waits for a lock."""
        if self.options.logs_json:
            log_event(event)
        elif (notice := notice_of(event)) is not None:
            self.say(notice)

    def say(self, text: str) -> None:
        """Print a message on stderr."""
        if self.options.logs_json:
            log_line({"event": "Said", "text": text})
        elif not self.options.quiet:
            sys.stderr.write(safe(text) + "\n")

    def without_secrets(self, text: str) -> str:
        """Return the text without the passwords of both URLs."""
        try:
            urls = (self.project.source_url, self.project.target_url)
        except CrossfadeError:
            return text
        for url in urls:
            text = without_secrets(text, url)
        return text


Body = Callable[..., Answer]


def perform(body: Body, options: Options, arguments: Mapping[str, Any], stopped: str) -> int:
    """Run a command, print its result and return its exit status. `stopped` says what is true after Ctrl-C."""
    call = Invocation(options)
    try:
        with closing(call):
            answer = body(call, **arguments)
            _tell(answer, options)
        return answer.exit_status
    except BrokenPipeError:
        return end_quietly()
    except KeyboardInterrupt:
        failure = interrupted(stopped)
    except Exception as error:  # any error becomes a message for people and an exit status for scripts
        failure = _told(failure_of(error), call)
    failure = replace(failure, hint=in_group(failure.hint or "", options.group) or None)
    return show(failure, as_json=options.json, logs_json=options.logs_json)


def _tell(answer: Answer, options: Options) -> None:
    if options.json:
        print_json(answer.document)
    else:
        answer.draw(Screen(sys.stdout, options.group))
        sys.stdout.flush()


def _told(failure: Failure, call: Invocation) -> Failure:
    if failure.kind != "internal":
        return failure
    hide = call.without_secrets
    return replace(failure, message=hide(failure.message), text=hide(failure.text), trace=hide(failure.trace))


def surveyed_bytes(move: Move) -> int:
    """Return the size of the source's documents at the time of the survey."""
    return sum(shape.bytes for shape in move.shapes.values())

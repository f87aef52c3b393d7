"""The program `crossfade`: its commands, and how it ends (exit statuses: failure.py)."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from crossfade.cli import (
    check,
    copy,
    cutover,
    explain,
    finish,
    groups,
    ids,
    invert,
    preview,
    quarantine,
    rehearse,
    repair,
    reset,
    rollback,
    run,
    schema,
    schema_diff,
    start,
    status,
    survey,
    survey_show,
    verify,
)
from crossfade.cli.events import line_of
from crossfade.cli.failure import INTERRUPTED, end_quietly, failure_of, interrupted, show, usage
from crossfade.cli.second_signal import heard_at_once
from crossfade.cli.streams import accept_any_text
from crossfade.move.processes import STOPS, forget_ahead

app = typer.Typer(name="crossfade", rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True)
survey_app = typer.Typer(rich_markup_mode=None)
schema_app = typer.Typer(
    rich_markup_mode=None,
    help="The target's schema: print it, apply it, draw it, compare it.",
    epilog="\b\nExample:\n  crossfade schema show --project examples/scribe-tree",
)
quarantine_app = typer.Typer(
    rich_markup_mode=None,
    help="Records in quarantine: list them by cause, look at one, retry, discard.",
    epilog="\b\nExample:\n  crossfade quarantine list --project examples/scribe-tree",
)

survey.survey.lead(survey_app)
survey_show.show.add_to(survey_app, "show")
app.add_typer(survey_app, name="survey", short_help=survey.survey.help.partition("\n")[0])
check.check.add_to(app, "check")
preview.preview.add_to(app, "preview")
schema.show.add_to(schema_app, "show")
schema.apply.add_to(schema_app, "apply")
schema.diagram.add_to(schema_app, "diagram")
schema_diff.diff.add_to(schema_app, "diff")
app.add_typer(schema_app, name="schema")
copy.copy.add_to(app, "copy")
start.start.add_to(app, "start")
start.stop.add_to(app, "stop")
verify.verify.add_to(app, "verify")
rehearse.rehearse.add_to(app, "rehearse")
cutover.cutover.add_to(app, "cutover")
rollback.rollback.add_to(app, "rollback")
finish.finish.add_to(app, "finish")
repair.repair.add_to(app, "repair")
run.run.add_to(app, "run")
status.status.add_to(app, "status")
groups.groups.add_to(app, "groups")
quarantine.list_entries.add_to(quarantine_app, "list")
quarantine.show.add_to(quarantine_app, "show")
quarantine.retry.add_to(quarantine_app, "retry")
quarantine.discard.add_to(quarantine_app, "discard")
app.add_typer(quarantine_app, name="quarantine")
invert.invert.add_to(app, "invert")
reset.reset.add_to(app, "reset")
explain.explain.add_to(app, "explain")
ids.convert.add_to(app, "id")


@app.callback(invoke_without_command=True)
def crossfade(
    context: typer.Context, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Move a running application's data between MongoDB, PostgreSQL and SQLite, lose nothing, and prove it.

    Example: crossfade run --project examples/scribe-tree
    """
    if show_version:
        print(f"crossfade {version('crossfade')}")
        raise typer.Exit
    _need_command(context)


@schema_app.callback(invoke_without_command=True)
def _schema(context: typer.Context) -> None:
    _need_command(context)


@quarantine_app.callback(invoke_without_command=True)
def _quarantine(context: typer.Context) -> None:
    _need_command(context)


def _need_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(2)


STOPPED = "stopped at once: unfinished chunks are rolled back; the same command resumes"
STOPPING = "stopping: finishing the work in progress (press Ctrl-C again to stop at once)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What libraries log, such as an error that a driver ignores, is nothing for people, and no JSON.
    logging.lastResort = logging.NullHandler()
    accept_any_text()
    stop = _stop_in_order(as_json=_wants_json_logs(given))
    ours = STOPS if threading.current_thread() is threading.main_thread() else ()  # signals are the main thread's
    before = {number: signal.signal(number, stop) for number in ours}
    try:
        with heard_at_once(STOPS, partial(_end_at_once, as_json=_wants_json_logs(given))) if ours else nullcontext():
            status = app(given, prog_name="crossfade", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        failure = usage(error.format_message(), context.command_path if context else "crossfade")
        return show(failure, as_json=_wants("json", given), logs_json=_wants_json_logs(given))
    except KeyboardInterrupt:
        return show(
            interrupted("nothing had started"), as_json=_wants("json", given), logs_json=_wants_json_logs(given)
        )
    except BrokenPipeError:
        return end_quietly()
    except SystemExit as left:  # the parser exits like this when the reader of its help has closed the pipe
        if isinstance(left.__context__, OSError):
            return end_quietly()
        raise
    except OSError as error:  # flushing the rest of the output failed, for example because the disk is full
        end_quietly()
        return show(failure_of(error), as_json=False, logs_json=_wants_json_logs(given))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wants(option: str, given: Sequence[str]) -> bool:
    """Return whether a switch was set, on a command line that does not parse."""
    return f"--{option}" in given or os.environ.get(f"CROSSFADE_{option.upper()}", "").lower() in ("1", "true", "yes")


def _wants_json_logs(given: Sequence[str]) -> bool:
    asked = "--log-format=json" in given or ("--log-format", "json") in pairwise(given)
    return asked or os.environ.get("CROSSFADE_LOG_FORMAT") == "json"


def _stop_in_order(*, as_json: bool) -> Callable[[int, FrameType | None], NoReturn]:
    """Return a signal handler: the first Ctrl-C (or SIGTERM) lets workers finish their chunks, the second does not."""

    def stop(signum: int, frame: FrameType | None) -> NoReturn:
        for number in STOPS:
            signal.signal(number, lambda *_: _end_at_once(as_json=as_json))
        os.write(2, line_of({"event": "Said", "text": STOPPING}).encode() if as_json else f"\n{STOPPING}\n".encode())
        raise KeyboardInterrupt

    return stop


def _end_at_once(*, as_json: bool) -> NoReturn:
    """Exit at once. Unfinished chunks are rolled back, because their workers end with this process."""
    if os.isatty(2):
        os.write(2, b"\x1b[?25h")  # the cursor, which progress bars hide
    os.write(2, line_of({"event": "Said", "text": STOPPED}).encode() if as_json else f"\n{STOPPED}\n".encode())
    forget_ahead()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())

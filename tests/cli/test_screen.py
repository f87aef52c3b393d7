"""Output on a terminal, and how progress is reported."""

from __future__ import annotations

import io
import json
import sys
from datetime import datetime

import pytest
from tinies import Tiny

from crossfade.cli.options import LogFormat, Options
from crossfade.cli.progress import Advance, Lines, Meter, listening
from crossfade.cli.screen import Screen, safe
from crossfade.cli.status import _remarks
from crossfade.cli.survey_show import _short as short
from crossfade.cli.verify import _draw_schema
from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.model.events import ChunkCopied, CopyStarted, Event, FollowerAwaited, FollowingPaused


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain ä 日本 😀", "plain ä 日本 😀"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b0m\x7f", "\\x9b0m\\x7f"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_nothing_that_a_terminal_obeys(given: str, shown: str) -> None:
    assert safe(given) == shown


def _terminal() -> tuple[Screen, io.StringIO]:
    screen, out = Screen(io.StringIO()), io.StringIO()
    kind = type(screen.console)
    screen.console = kind(file=out, force_terminal=True, width=60, markup=False, emoji=False, highlight=False)
    screen.terminal = True
    return screen, out


def test_a_terminal_sees_no_markup_and_the_whole_value() -> None:
    screen, out = _terminal()
    screen.table(("name", "count"), [("[red]x[/red] :smile:", 3), ("y" * 100, 4)], right=("count",))
    screen.line("[bold]z[/bold]\x07")
    text = out.getvalue()
    assert "[red]x[/red] :smile:" in text
    assert text.count("y") == 100
    assert "[bold]z[/bold]\\x07" in text


def test_elsewhere_tables_are_plain() -> None:
    out = io.StringIO()
    Screen(out).table(("name", "count"), [("日本", 3), ("ab", 12)], right=("count",))
    assert out.getvalue() == "name  count\n日本      3\nab       12\n"


def _events() -> list[Event]:
    return [CopyStarted(30, 3, 30), *(ChunkCopied(Chunk("a", n, None, None, 10), Counts(), 0.1) for n in range(3))]


def test_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(every=3600)
    for event in _events():
        lines(event)
    assert capsys.readouterr().err == ""
    lines.say()
    lines.say()
    assert capsys.readouterr().err == "copy: 30 of 30 records\n"


def test_who_waits_says_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(every=0)
    for _ in range(3):
        lines(FollowerAwaited(7))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_lines_that_are_kept_have_a_date(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(every=0, dated=True)
    lines(FollowingPaused("a cause"))
    lines(FollowerAwaited(7))
    at = [line.split(" ")[0] for line in capsys.readouterr().err.splitlines()]
    assert len(at) == 2
    assert all(datetime.fromisoformat(text).tzinfo for text in at)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(quiet=True), []),
        (Options(), ["copy: 30 of 30 records"]),
    ],
)
def test_progress_as_the_options_want_it(
    options: Options, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with listening(options) as listen:
        for event in _events():
            listen(event)
    assert capsys.readouterr().err.splitlines() == expected


def test_a_meter_says_whose_how_fast_how_long_and_what_was_refused() -> None:
    clock = iter([0.0, 4.0, 4.0, 4.0])
    meter = Meter("document", now=lambda: next(clock))
    meter.take(Advance("copy", "document", total=30_000))
    meter.take(Advance("copy", "document", 10_000, entity="orders", refused={"check at orders": 7, "broken": 1}))
    assert meter.text == (
        "10,000 of 30,000 documents (33%), 2,500/s, 0:08 left, now orders, refused: 8 (check at orders 7, broken 1)"
    )
    meter.take(Advance("copy", "document", 20_000, entity="orders"))
    assert meter.text == "30,000 of 30,000 documents, refused: 8 (check at orders 7, broken 1)"


def test_a_cause_is_no_longer_than_a_line() -> None:
    meter = Meter("record")
    meter.take(Advance("copy", "record", 2, entity="t", refused={"broken at t" + ".a" * 900_000: 1}))
    assert "broken at t.a.a" in meter.text
    assert len(meter.text) < 200


def test_a_second_round_counts_on() -> None:
    meter = Meter("record")
    for step in (5, 2):
        meter.take(Advance("retry", "record", total=step))
        for _ in range(step):
            meter.take(Advance("retry", "record", 1))
    assert meter.figures == "7 of 7 records"


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with listening(Options()) as listen:
        for event in _events():
            listen(event)
    assert "30 of 30 records" in terminal.getvalue()


def test_every_event_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(Options(log_format=LogFormat.json)) as listen:
        for event in _events():
            listen(event)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["CopyStarted", "ChunkCopied", "ChunkCopied", "ChunkCopied"]
    assert lines[0]["records"] == 30
    assert lines[1]["chunk"]["entity"] == "a"


def test_a_run_tells_all_its_events_to_machines(tiny: Tiny) -> None:
    ended = tiny("run", "--log-format", "json", "--json")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert ended.status == 0
    assert {line["event"] for line in lines} == {
        *("PhaseStarted", "PhaseEnded", "SurveyStarted", "RecordsScanned", "EntitySurveyed"),
        *("StepsStarted", "StepDone", "CopyStarted", "ChunkCopied"),
        *("VerificationStarted", "ChunkVerified", "TableVerified", "RuleChecked"),
    }
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert len({line["run"] for line in lines}) == 1
    assert ended.json["ok"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ('ISODate("2024-01-26T10:11:12.000Z") to ISODate("2025-01-01T00:00:00.000Z")', None),
        ("2024-01-26 10:11:12.5 to 2024-01-27", None),
        ("Timestamp(1700000000, 5) to Timestamp(1800000000, 15)", None),
        ('"a very long text" to "b"', '"a ver… text" to "b"'),
        ('"oid(6b0d4dff1)", 15 characters', '"oid(6…dff1)", 15 characters'),
        (f'ObjectId("6b0d4dff{0:016}") to ObjectId("6b0d4dff{7:016}")', "6b0d4d…000000 to 6b0d4d…000007"),
        ('Decimal128("0.25") to Decimal128("1234567890.123456789")', "0.25 to 123456…456789"),
        ('Long("9007199254740993")', "900719…740993"),
    ],
)
def test_a_survey_shortens_texts_and_no_times(values: str, shown: str | None) -> None:
    assert short(values) == (shown or values)


def test_a_note_on_the_schema_is_told_from_a_fault_without_colours() -> None:
    out = io.StringIO()
    faults, notes = ([{"fact": "x", "message": message}] for message in ("it is missing", "it is behind"))
    _draw_schema(Screen(out), {"unread": [], "file_notes": [], "faults": faults, "notes": notes})
    assert out.getvalue().splitlines() == ["schema: it is missing", "schema, only a note: it is behind"]


@pytest.mark.parametrize(
    ("followed", "end"), [(False, "crossfade quarantine retry"), (True, "crossfade stop and crossfade start")]
)
def test_what_goes_on_after_a_path_that_was_never_seen(followed: bool, end: str) -> None:
    """`quarantine retry` does not follow an entity again that was halted for it."""
    counts = {"chunks": 1, "chunks_done": 1, "source": 2, "quarantined": 1, "gone": 0, "over_limit": False}
    entity = {"entity": "people", **counts, "reasons": {"unseen_path": 1}}
    assert _remarks(entity, 1.0, followed=followed)[-1].endswith(f"then {end}")

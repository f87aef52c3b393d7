"""`crossfade reset`: asks, prints what it drops, and follows the journal instead of the files."""

from __future__ import annotations

import io
import sys

import pytest
from tinies import Tiny

import crossfade.cli.reset as command


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def moved(tiny: Tiny) -> Tiny:
    assert tiny("run").status == 0
    return tiny


def _tables(tiny: Tiny) -> list[tuple[str]]:
    names = "SELECT table_schema || '.' || table_name FROM information_schema.tables"
    query = f"{names} WHERE table_schema IN ('public', 'crossfade')"
    return tiny.postgres.execute(query)


def test_it_needs_a_yes(moved: Tiny) -> None:
    before = _tables(moved)
    for more in ([], ["--json"]):
        ended = moved("reset", *more)
        assert ended.status == 2
        assert "crossfade reset --yes" in ended.err
    assert _tables(moved) == before


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_it_asks_on_a_terminal(moved: Tiny, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(answer))
    monkeypatch.setattr(command, "_can_ask", lambda: True)
    ended = moved("reset")
    assert ended.status == status, ended.err
    assert "table public.people (3 rows)" in ended.err
    assert bool(_tables(moved)) == (status != 0)


def test_it_drops_all_and_the_move_may_begin_once_more(moved: Tiny) -> None:
    moved.edit("schema.sql", "tags text[]", "tags text[], nick text")  # a change of mind is what it is for
    assert moved("copy").status == 1
    ended = moved("reset", "--yes", "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["rows"], [d["kind"] for d in ended.json["dropped"]]) == ({"people": 3}, ["table"])
    assert _tables(moved) == []
    again = moved("reset", "--yes")
    assert (again.status, "nothing to reset" in again.out) == (0, True)
    assert moved("run").status == 0


def test_another_move_keeps_its_target(moved: Tiny) -> None:
    moved.edit("crossfade.toml", "[source]", 'name = "another"\n[source]')
    ended = moved("reset", "--yes")
    assert (ended.status, "belongs to the move" in ended.err) == (1, True)
    assert len(_tables(moved)) > 3


def test_the_rows_of_each_table_where_tables_are_in_another_schema(tiny: Tiny) -> None:
    tiny.postgres.execute("CREATE SCHEMA app")
    tiny.edit("schema.sql", "CREATE INDEX", "CREATE TABLE public.people (id int PRIMARY KEY);\nCREATE INDEX")
    url = f"{tiny.postgres.url}?options=-csearch_path%3Dapp"
    assert tiny("run", TARGET_URL=url).status == 0
    ended = tiny("reset", "--yes", TARGET_URL=url)
    assert ended.status == 0, ended.err
    lines = [line.strip() for line in ended.out.splitlines()]
    assert "table app.people (3 rows)" in lines
    assert "table public.people (0 rows)" in lines

"""The fence of a group of tables in PostgreSQL: these refuse writes, the others take them."""

from __future__ import annotations

import psycopg
import pytest

from crossfade.errors import Refused
from crossfade.stores.contract import Fence, Group, Replaced
from crossfade.stores.postgresql.fence import PostgresFence
from crossfade.stores.postgresql.group_fence import GroupFence
from scratch import PostgresScratch

TABLES = """
CREATE TABLE invoices (id int); CREATE TABLE days (at date) PARTITION BY RANGE (at);
CREATE TABLE january PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE users (id int); CREATE SCHEMA app; CREATE TABLE app.notes (id int);
"""
BILLING, ACCESS = Group("billing", ("invoices", "days")), Group("access", ("users", "app.notes"))
OF_BILLING = {"invoices", "days", "january"}
EVERYTHING = OF_BILLING | {"users", "app.notes"}


@pytest.fixture
def url(pg_db: PostgresScratch) -> str:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(TABLES)
    return str(pg_db.url)


def group(url: str, what: Group, token: int = 1) -> Fence:
    fence = GroupFence(url, what)
    fence.take_over(token)
    return fence


def writable(url: str) -> set[str]:
    found = set()
    with psycopg.connect(url, autocommit=True) as connection:
        for table in EVERYTHING:
            value = "'2026-01-02'" if table in ("days", "january") else "1"
            try:
                connection.execute(f"INSERT INTO {table} VALUES ({value})".encode())
            except psycopg.errors.ReadOnlySqlTransaction:
                continue
            found.add(table)
    return found


def test_only_its_own_tables(url: str) -> None:
    billing, access = group(url, BILLING, 7), group(url, ACCESS, 2)
    assert [*billing.check(), *access.check()] == []
    billing.close(7, seconds=20)
    assert writable(url) == EVERYTHING - OF_BILLING
    assert [(f.state().closed, f.state().token, f.state().passes) for f in (billing, access)] == [
        (True, 7, ()),
        (False, 2, ()),
    ]
    access.close(2, seconds=20)
    assert writable(url) == set()
    billing.open(7)
    assert writable(url) == OF_BILLING
    access.remove()
    billing.remove()
    billing.remove()
    assert writable(url) == EVERYTHING
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regnamespace('crossfade')").fetchone() == (None,)


def test_a_refusal_names_the_table(url: str) -> None:
    """The rest of the database takes writes."""
    group(url, BILLING).close(1, seconds=20)
    with (
        psycopg.connect(url) as connection,
        pytest.raises(
            psycopg.errors.ReadOnlySqlTransaction, match="the table invoices takes no writes: crossfade has closed it"
        ),
    ):
        connection.execute("INSERT INTO invoices VALUES (1)")


def test_a_later_controller_of_the_same_group(url: str) -> None:
    first, other, later = group(url, BILLING), group(url, ACCESS, 9), group(url, BILLING, 2)
    with pytest.raises(Replaced):
        first.close(1, seconds=5)
    with pytest.raises(Replaced):
        first.take_over(1)
    later.close(2, seconds=20)
    other.close(9, seconds=20)
    assert writable(url) == set()


def test_what_is_closed_for_good_stays_so(url: str) -> None:
    billing, access = group(url, BILLING), group(url, ACCESS)
    for fence in (billing, access):
        fence.close(1, seconds=20)
    billing.close_for_good(1)
    access.open(1)
    access.remove()
    assert writable(url) == EVERYTHING - OF_BILLING
    assert (billing.state().closed, billing.state().token) == (True, 0)
    with pytest.raises(Refused, match="closed for good"):
        billing.take_over(2)


def test_tables_that_move_to_another_group(url: str) -> None:
    """Who opens its tables opens none that another group has closed since."""
    billing = group(url, BILLING)
    billing.close(1, seconds=20)
    larger = Group("access", ("users", "invoices"))
    (said,) = GroupFence(url, larger).check()
    assert said == "invoices is closed by the group billing: open it first"
    with pytest.raises(Refused, match="closed for good"):
        group(url, larger)
    billing.open(1)
    access = group(url, larger)
    assert access.check() == []
    access.close(1, seconds=20)
    billing.open(1)
    assert writable(url) == EVERYTHING - {"users", "invoices"}


def test_tables_above_and_below(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE drafts () INHERITS (invoices)")
    said = ["drafts inherits from a table of the group, by which its rows are written too: name it in the group"]
    assert GroupFence(url, BILLING).check() == said
    (above,) = GroupFence(url, Group("few", ("drafts",))).check()
    assert above == "drafts is a part of invoices, by which its rows are written too: name invoices in the group"
    assert GroupFence(url, Group("few", ("nothing",))).check() == ["there is no table nothing"]


def test_a_fence_of_everything_is_another_moves(url: str) -> None:
    billing = group(url, BILLING)
    with pytest.raises(Refused, match="as a whole or group by group"):
        PostgresFence(url).take_over(1)
    billing.remove()
    PostgresFence(url).take_over(1)
    with pytest.raises(Refused, match="as a whole or group by group"):
        billing.take_over(2)

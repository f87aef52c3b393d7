"""What `Conflicts` promises, of every store that rows are written to."""

from __future__ import annotations

import pytest
from gaps import never, notimpl
from kinds import Target, made
from test_writer_promises import FAMILY, ITEMS, UNIQUE

from crossfade.model.quoting import identifier
from crossfade.model.target import TargetTable, Unique
from crossfade.stores.contract import Conflicts, need


def conflicts(target: Target) -> Conflicts:
    return need(target.store.conflicts, target.store, "say what rows conflict with")


@never("mongodb", reason="NULLs are equal in a unique index")
def test_who_has_the_same_value(target: Target) -> None:
    """The row that has the same values under a unique constraint is found, with its key; NULL is like no other."""
    table = target.table(ITEMS + UNIQUE)
    target.load(table, ("a", 1, "x", None))
    rows = made(table, ("b", 1, "x", None), ("b", 2, "y", None), ("b", 3, None, None))
    taken, free, null = conflicts(target).holders(table, table.uniques[0], rows)
    assert taken is not None
    assert taken.holder is not None
    assert taken.key == ("a", 1)
    assert set(taken.holder) == {"owner", "n"}
    assert "x" in taken.values.values()
    assert free is not None
    assert free.key is None
    assert null is None


@pytest.mark.parametrize("key", [("owner", "n"), ("n",)])
def test_who_has_the_same_primary_key(target: Target, key: tuple[str, ...]) -> None:
    """The row that has a primary key is found by the columns of the key alone."""
    columns = "owner varchar(20) NOT NULL, n integer NOT NULL, code varchar(20)"
    table = target.table(f"CREATE TABLE items ({columns}, PRIMARY KEY ({', '.join(key)}));")
    target.load(table, *(row(table, owner="a", n=n, code=code) for n, code in ((1, "x"), (2, "y"))))
    wanted = made(table, row(table, owner="a", n=2), row(table, owner="a", n=3)).select(list(key))
    taken, free = conflicts(target).holders(table, Unique("", tuple(map(identifier, key))), wanted)
    assert taken is not None
    assert taken.key == (("a", 2) if len(key) > 1 else (2,))
    assert free is not None
    assert free.key is None


def row(table: TargetTable, **values: object) -> tuple[object, ...]:
    return tuple(values.get(column.name) for column in table.columns)


def test_which_parent_is_missing(target: Target) -> None:
    """Rows that reference a missing row are found, with the value that leads nowhere."""
    schema = target.make(FAMILY)
    parents, children = (found for name in ("parents", "children") if (found := schema.table(name)))
    target.load(parents, (1, "p"))
    rows = made(children, (1, 1, "a"), (2, 7, "b"), (3, None, "c"))
    fine, orphan, null = conflicts(target).orphaned(children, children.foreign_keys[0], rows)
    assert (fine, null) == (None, None)
    assert orphan is not None
    assert list(orphan.values) == ["parent"]
    assert "7" in str(orphan.values["parent"])


@pytest.fixture
def checked(target: Target) -> TargetTable:
    return target.table(
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0))"
    )


@never("mongodb", reason="a validator is no named expression")
@notimpl("memory", reason="it has no CHECK constraints")
def test_a_check_by_its_name(target: Target, checked: TargetTable) -> None:
    """A CHECK constraint is found by its name, with its expression and columns."""
    check = conflicts(target).check(checked, "positive")
    assert check is not None
    assert check.columns == ("n",)
    assert "n > 0" in check.expression


@never("mongodb", reason="a validator is no named expression")
@notimpl("memory", reason="it has no CHECK constraints")
def test_which_rows_break_a_check(target: Target, checked: TargetTable) -> None:
    """The rows that break a CHECK are found, with the values that do."""
    check = conflicts(target).check(checked, "positive")
    assert check is not None
    fine, broken, null = conflicts(target).breaking(checked, check, made(checked, (1, 5), (2, -5), (3, None)))
    assert (fine, null) == (None, None)
    assert broken is not None
    assert dict(broken.values) == {"n": "-5"}

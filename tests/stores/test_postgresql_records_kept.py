"""A source whose types are narrower than the target's refuses what it would round, when records are put back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from crossfade.errors import CrossfadeError
from crossfade.records.rows.raw import RawRow, write
from crossfade.stores.contract import RecordChange, RecordWriter, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch

BEFORE = {
    "id": "1",
    "price": "1.50",
    "at": "2024-01-01 10:00:00.5",
    "ratio": "0.5",
    "js": "{}",
    "code": "ab",
    "days": "1 day",
}
TABLE = """
CREATE TABLE priced (id int PRIMARY KEY, price numeric(10, 2), at timestamp(3), ratio real, js jsonb, code char(4),
                     days interval second(0))
"""


def raw(**columns: str | None) -> bytes:
    row = {**BEFORE, **columns}
    return write(RawRow([str(row["id"])], row))


@pytest.fixture
def writer(pg_db: PostgresScratch) -> Iterator[RecordWriter]:
    pg_db.execute(TABLE)
    values = "1.5, '2024-01-01 10:00:00.5', 0.5, '{}', 'ab', '1 day'"
    pg_db.execute(f"INSERT INTO priced SELECT i, {values} FROM generate_series(1, 9) AS i")
    with open_store(pg_db.url) as store:
        found = need(store.record_writer, store, "be written")
        found.take_over("slot", 1, ["priced"])
        yield found
        found.remove("slot")


def test_what_would_be_rounded_is_refused(pg_db: PostgresScratch, writer: RecordWriter) -> None:
    wanted: list[tuple[dict[str, str | None], str | None]] = [
        ({"price": "1.234"}, "precision"),
        ({"at": "2024-01-01 10:00:00.1234"}, "precision"),
        ({"ratio": "0.1234567891"}, "precision"),
        ({"days": "00:00:01.5"}, "precision"),
        ({"price": "2.5", "ratio": "0.10000000149011612", "js": '{"a":1}', "code": "x ", "days": "PT2S"}, None),
        ({"price": None, "at": None}, None),
    ]
    changes = [
        RecordChange("priced", f'["{n}"]', raw(id=str(n)), raw(id=str(n), **columns))
        for n, (columns, _) in enumerate(wanted, 1)
    ]
    changes.append(RecordChange("priced", '["20"]', None, raw(id="20", price="1.005")))
    changes.append(RecordChange("priced", '["21"]', None, raw(id="21", price="3")))
    refused = writer.write("slot", 1, changes)
    assert {place: why.reason for place, why in refused.items()} == {
        **{place: reason for place, (_, reason) in enumerate(wanted) if reason}, 6: "precision",
    }  # fmt: skip
    assert "1.234" in refused[0].detail
    kept = pg_db.execute("SELECT id, price::text FROM priced WHERE id IN (1, 5, 6, 20, 21) ORDER BY id")
    assert kept == [(1, "1.50"), (5, "2.50"), (6, None), (21, "3.00")]


RULES = {
    "DELETE": "ON DELETE TO priced DO INSTEAD NOTHING",
    "UPDATE": "ON UPDATE TO priced WHERE OLD.id = 1 DO INSTEAD NOTHING",
    "INSERT": "ON INSERT TO priced WHERE NEW.id = 20 DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("event", RULES)
def test_a_rule_that_keeps_rows_as_they_are(pg_db: PostgresScratch, writer: RecordWriter, event: str) -> None:
    """Of a DELETE the server reports no error, and the record would be taken for deleted."""
    changes = {
        "DELETE": RecordChange("priced", '["1"]', raw(), None),
        "UPDATE": RecordChange("priced", '["1"]', raw(), raw(price="7")),
        "INSERT": RecordChange("priced", '["20"]', None, raw(id="20")),
    }
    other = RecordChange("priced", '["2"]', raw(id="2"), raw(id="2", price="8"))
    pg_db.execute(f"CREATE RULE keeps AS {RULES[event]}")
    with pytest.raises(CrossfadeError, match="replaces DELETE" if event == "DELETE" else f"{event} RETURNING"):
        writer.write("slot", 1, [other, changes[event]])
    assert pg_db.execute("SELECT count(*), max(price) FROM priced") == [(9, Decimal("1.50"))]
    pg_db.execute("ALTER TABLE priced DISABLE RULE keeps")
    assert writer.write("slot", 1, [other, changes[event]]) == {}

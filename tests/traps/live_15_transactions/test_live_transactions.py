"""Transactions over two tables; some are rolled back."""

from __future__ import annotations

from typing import Any

import psycopg

from following import running

WRONG = """
    SELECT o.id FROM orders o LEFT JOIN lines l ON l.order_id = o.id
    GROUP BY o.id HAVING o.total <> coalesce(sum(l.amount), 0)
"""


def test_transactions_are_whole_at_a_position(live: Any) -> None:
    with running(live.move):
        with psycopg.connect(live.source) as writer:
            for n in range(60):
                order, line = 100 + n % 7 if n % 3 else 1 + n % 20, 1000 + n
                writer.execute("INSERT INTO orders VALUES (%s, 0) ON CONFLICT DO NOTHING", [order])
                writer.execute("INSERT INTO lines VALUES (%s, %s, %s)", [line, order, n])
                writer.execute("UPDATE orders SET total = total + %s WHERE id = %s", [n, order])
                writer.rollback() if n % 5 == 4 else writer.commit()
            writer.execute("INSERT INTO orders VALUES (999, 0)")
        live.becomes("SELECT id FROM orders WHERE id = 999", [(999,)])
    assert live.rows(WRONG) == []
    assert live.rows("SELECT count(*), count(*) FILTER (WHERE id % 5 = 4 AND id >= 1000) FROM lines") == [(88, 0)]
    live.require_equal()

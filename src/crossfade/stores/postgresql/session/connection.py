"""psycopg's connection, except that no transaction ends silently without its COMMIT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import ConnStatus


class CommittingConnection(psycopg.Connection[Any]):
    """If a connection is lost while the last result of a transaction is read, or in an error that the block handles,
    psycopg's `transaction()` ends as if all were well (3.3: `Transaction.__exit__`). Here it raises OperationalError.
    """

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        with super().transaction(savepoint_name, force_rollback) as transaction:
            yield transaction
        if self.pgconn.status != ConnStatus.OK and not force_rollback:
            raise psycopg.OperationalError(
                "the connection was lost before it was known that the transaction is committed"
            )

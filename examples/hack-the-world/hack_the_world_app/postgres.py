"""The new store: the tables of schema.prisma. Labels in lower case and users in one piece, as the old one has them."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from hack_the_world_app.store import Kind, Record, Repository, Store, T

PARTS = {"profile": "profiles", "stats": "user_stats", "security": "user_security"}
KINDS: dict[Kind, str] = {
    "enrollments": "user_enrollments",
    "progress": "user_progress",
    "earned": "user_achievements",
}
TABLES = ["users", *PARTS.values(), *KINDS.values(), "modules", "content", "achievements"]
IN_THE_WAY = ("40001", "40P01", "23505")
"""Another transaction has changed the same rows, or has made a row that is unique: seen when this one begins again."""
ATTEMPTS = 10
OF_PARTS = ("userId", "createdAt", "updatedAt")
"""Columns that the parts of a user have of their own, and no document."""


class PostgresStore:
    """Points are read, added up and written: in READ COMMITTED, two at once would lose some."""

    def __init__(self, url: str) -> None:
        driver = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._engine = sa.create_engine(driver, isolation_level="REPEATABLE READ", pool_size=20, pool_pre_ping=True)
        metadata = sa.MetaData()
        metadata.reflect(self._engine, only=TABLES)
        self._tables = dict(metadata.tables)

    def read(self, work: Callable[[Repository], T]) -> T:
        with self._engine.begin() as connection:
            return work(PostgresRepository(connection, self._tables))

    def transaction(self, work: Callable[[Repository], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self.read(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in IN_THE_WAY or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.random() * 0.01 * 2**attempt)
        raise AssertionError


class PostgresRepository:
    def __init__(self, connection: sa.Connection, tables: Mapping[str, sa.Table]) -> None:
        self._connection, self._tables = connection, tables
        self._users = tables["users"]

    def user(self, user_id: str) -> Record | None:
        return next(iter(self._found(self._users.c.id == user_id)), None)

    def user_with(self, field: Literal["username", "email"], value: str) -> Record | None:
        return next(iter(self._found(self._users.c[field] == value)), None)

    def add_user(self, user: Record) -> None:
        own = {name: value for name, value in user.items() if name not in PARTS}
        self._insert(self._users, own)
        of_part = {
            "id": user["id"],
            "userId": user["id"],
            "createdAt": user["createdAt"],
            "updatedAt": user["updatedAt"],
        }
        for part, table in PARTS.items():
            self._insert(self._tables[table], {**of_part, **user[part]})

    def change_user(self, user_id: str, values: Mapping[str, Any]) -> None:
        """Each row that changes says when, as Prisma's @updatedAt does."""
        changed: dict[str, Record] = {}
        for path, value in values.items():
            part, _, name = path.rpartition(".")
            changed.setdefault(PARTS.get(part, "users"), {})[name] = value
        for table, own in changed.items():
            self._update(self._tables[table], user_id, {**own, "updatedAt": values["updatedAt"]})

    def leaders(self, by: Literal["streak", "points"], limit: int) -> Sequence[Record]:
        """PostgreSQL has NULL before everything in a descending order, MongoDB after it; ids decide between equals."""
        users, points = self._users.c, self._tables["user_stats"].c["totalPoints"]
        condition, order = (
            (users["currentStreak"] > 0, (users["currentStreak"].desc(), users["lastActiveAt"].desc().nulls_last()))
            if by == "streak"
            else (points >= 0, (points.desc(),))
        )
        return self._found(sa.and_(users.role == "STUDENT", condition), *order, users.id, limit=limit)

    def modules(self) -> Sequence[Record]:
        modules = self._tables["modules"].c
        names = ("id", "title", "description", "order", "phaseId", "difficulty", "duration", "topics")
        asked = sa.select(*(modules[name] for name in names)).where(modules["isActive"])
        return self._records(asked.order_by(modules["phaseId"], modules["order"], modules["id"]))

    def contents(self, module_id: str) -> Sequence[Record]:
        content = self._tables["content"].c
        asked = self._contents().where(content["moduleId"] == module_id, content["isActive"])
        return self._records(asked.order_by(content["order"], content["id"]))

    def content(self, content_id: str) -> Record | None:
        content = self._tables["content"].c
        return next(iter(self._records(self._contents().where(content["id"] == content_id, content["isActive"]))), None)

    def achievements(self) -> Sequence[Record]:
        those = self._tables["achievements"].c
        asked = sa.select(*(those[name] for name in ("id", "slug", "requirements", "rewards")))
        return self._records(asked.where(those["isActive"]).order_by(those["id"]))

    def of_user(self, kind: Kind, user_id: str) -> Sequence[Record]:
        table = self._tables[KINDS[kind]]
        return self._records(sa.select(table).where(table.c["userId"] == user_id).order_by(table.c["id"]))

    def add(self, kind: Kind, record: Record) -> None:
        self._insert(self._tables[KINDS[kind]], record)

    def change(self, kind: Kind, record_id: str, values: Mapping[str, Any]) -> None:
        self._update(self._tables[KINDS[kind]], record_id, values)

    def _contents(self) -> sa.Select[Any]:
        names = ("id", "title", "section", "order", "url", "metadata", "moduleId", "type", "duration")
        return sa.select(*(self._tables["content"].c[name] for name in names))

    def _found(self, condition: Any, *order: Any, limit: int | None = None) -> Sequence[Record]:
        joined: sa.FromClause = self._users
        columns = [column.label(f".{column.name}") for column in self._users.c]
        for part, name in PARTS.items():
            table = self._tables[name]
            joined = joined.outerjoin(table, table.c["userId"] == self._users.c["id"])
            columns += [column.label(f"{part}.{column.name}") for column in table.c]
        asked = sa.select(*columns).select_from(joined).where(condition).order_by(*order).limit(limit)
        return [_user(row) for row in self._records(asked)]

    def _records(self, asked: sa.Select[Any]) -> list[Record]:
        labels = {column.key for column in asked.selected_columns if isinstance(column.type, sa.Enum)}
        return [
            {name: _shown(value) if name in labels else value for name, value in row.items()}
            for row in self._connection.execute(asked).mappings()
        ]

    def _insert(self, table: sa.Table, record: Mapping[str, Any]) -> None:
        given = {name: value for name, value in _stored(table, record).items() if value is not None}
        self._connection.execute(sa.insert(table).values(given))

    def _update(self, table: sa.Table, record_id: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(sa.update(table).where(table.c["id"] == record_id).values(_stored(table, values)))


def _user(row: Record) -> Record:
    """Return a user in one piece."""
    user: Record = {part: {} for part in PARTS}
    for path, value in row.items():
        part, _, name = path.rpartition(".")
        if not part:
            user[name] = value
        elif name != "id" and name not in OF_PARTS:
            user[part][name] = value
    if row["profile.id"] is None:
        user["profile"] = None
    average = user["stats"]["averageScore"]
    user["stats"]["averageScore"] = None if average is None or math.isnan(average) else average
    return user


def _shown(label: str | None) -> str | None:
    """IN_PROGRESS is `in-progress` to everybody who uses the API."""
    return None if label is None else label.lower().replace("_", "-")


def _stored(table: sa.Table, values: Mapping[str, Any]) -> Record:
    return {
        name: value.upper().replace("-", "_") if isinstance(table.c[name].type, sa.Enum) and value else value
        for name, value in values.items()
    }


_: type[Store] = PostgresStore

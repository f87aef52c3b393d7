"""Makes the old application's database: `python seed.py --url postgresql://... [--scale 10]`, or `--flaws`.

Creates the tables of old.sql in an empty database and fills them: plain rows, the same on every run, and the rows
of FLAWS (flaws.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from flaws import CHAT, FLAWS, MEDIA, USER, Row, uid
from psycopg import sql

START = datetime(2022, 1, 1)
FIRST_WITH_PARTS = 0.4  # older messages have text alone
AT_LEAST = 100  # rows of a table, as others refer to them
SIZES = {"users": 1500, "agents": 100, "conversations": 3000, "messages": 12000, "media_assets": 800, "sessions": 300}


def at(n: int, zone: str = "+00", *, after: int = 0) -> str:
    """Return the n-th moment, or one some hours after it; with fractions of a second."""
    return f"{START + timedelta(hours=7 * n % 17000 + after, microseconds=n * 1001)}{zone}"


def users(size: int) -> Iterator[Row]:
    """Yield users with names and addresses; every tenth was never changed."""
    for n in range(1, size + 1):
        changed = None if n % 10 == 0 else at(n, after=24)
        names = {"email": f"user{n}@mail.example", "display_name": f"User {n}"}
        hashed = {"avatar_url": f"https://cdn.example/{n}.png" if n % 3 else None, "password_hash": f"$2b$12${n:022d}"}
        yield {"id": uid(USER, n), **names, **hashed, "created_at": at(n), "updated_at": changed}


def agents(size: int) -> Iterator[Row]:
    """Yield agents; those without an owner came with the application."""
    for n in range(1, size + 1):
        config = json.dumps({"model": "gpt-4o", "temperature": n / 10}) if n % 4 else None
        owner = uid(USER, n) if n % 5 else None
        until = "infinity" if n % 6 else "2026-01-01 00:00:00+00"
        prompt = f"You are agent {n}." if n % 7 else None
        names = {"id": n, "owner_id": owner, "name": f"Agent {n}", "system_prompt": prompt, "config": config}
        yield {**names, "available_until": until, "created_at": at(n)}


def conversations(size: int) -> Iterator[Row]:
    """Yield conversations of the first users, some with an agent."""
    for n in range(1, size + 1):
        with_whom = {"user_id": uid(USER, 1 + n % 10), "agent_id": 1 + n % 12 if n % 3 == 0 else None}
        named = {"title": f"About {n}", "is_archived": n % 9 == 0}
        yield {
            "id": uid(CHAT, n),
            **with_whom,
            **named,
            "created_at": at(n),
            "updated_at": at(n, after=2) if n % 4 else None,
        }


def messages(size: int) -> Iterator[Row]:
    """Yield messages, in turns; the younger ones have parts."""
    for n in range(1, size + 1):
        text = f"Message {n}: caf\u00e9 & \u201cquotes\u201d"
        parts = json.dumps([{"type": "text", "text": text}, {"type": "step", "n": n / 4}])
        said = {"role": "human" if n % 2 else "bot", "content": text, "tokens": n % 90}
        younger = parts if n > size * FIRST_WITH_PARTS else None
        yield {"id": n, "conversation_id": uid(CHAT, 1 + n % 20), **said, "parts": younger, "sent_at": at(n, "")}


def media_assets(size: int) -> Iterator[Row]:
    """Yield uploads of the first users."""
    for n in range(1, size + 1):
        file = {"file_name": f"photo {n}.jpg", "mime_type": "image/jpeg" if n % 8 else None, "size_bytes": n * 1024}
        there = {"url": f"https://cdn.example/m/{n}.jpg", "sha256": hashlib.sha256(str(n).encode()).hexdigest()}
        whose = {"user_id": uid(USER, 1 + n % 10), "message_id": 1 + n % 100 if n % 2 else None}
        yield {"id": uid(MEDIA, n), **whose, **file, **there, "uploaded_at": at(n, "")}


def sessions(size: int) -> Iterator[Row]:
    """Yield sign-ins."""
    for n in range(1, size + 1):
        yield {"token": f"token-{n}", "user_id": uid(USER, 1 + n % 10), "expires_at": at(n, after=100)}


PLAIN = (users, agents, conversations, messages, media_assets, sessions)


def rows_of(table: str, scale: float) -> Iterator[Row]:
    """Yield a table's rows: the plain ones, then those with flaws."""
    plain = next(made for made in PLAIN if made.__name__ == table)
    yield from plain(max(AT_LEAST, round(SIZES[table] * scale)))
    for flaw in FLAWS:
        if flaw.table == table:
            yield from flaw.rows


def fill(url: str, scale: float) -> None:
    """Create the tables and COPY the rows into them."""
    with psycopg.connect(url) as connection:
        connection.execute(Path(__file__).with_name("old.sql").read_bytes())
        for table in SIZES:
            _copy(connection, table, rows_of(table, scale))


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterator[Row]) -> None:
    """COPY rows, those of the same columns together, so that the others get their defaults."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    for names, group in groups.items():
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
        with connection.cursor().copy(statement) as copy:
            for row in group:
                copy.write_row([row[name] for name in names])


def main() -> None:
    """Fill a database, or print the table of flaws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--flaws", action="store_true", help="print the table of flaws and where they end")
    options = parser.parse_args()
    if options.flaws:
        print("| table | records | what is wrong | where it ends |\n|---|---|---|---|")
        for flaw in FLAWS:
            end = f"quarantined, {flaw.end}" if flaw.where == "quarantined" else flaw.end
            print(f"| {flaw.table} | {len(flaw.rows)} | {flaw.what} | {end} |")
    elif options.url:
        fill(options.url, options.scale)
    else:
        parser.error("say --url or --flaws")


if __name__ == "__main__":
    main()

"""Records in quarantine: set aside because their parents are, listed, and brought in when the mapping is fixed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo

from contenders import Contender
from measure import measure

HERE = Path(__file__).parent
ORDERS, CUSTOMERS = 100_000, 1_000
SET_ASIDE, LISTED, RETRIED = "copy, half set aside by a foreign key", "quarantine list", "quarantine retry"
RATIOS = (("records a second", RETRIED, SET_ASIDE),)


def customers() -> Iterator[dict[str, Any]]:
    """The age of every second one is text: it is refused, and its orders have no parent."""
    return ({"_id": number, "age": "41" if number % 2 else 30} for number in range(CUSTOMERS))


def orders(count: int) -> Iterator[dict[str, Any]]:
    note = "left at the door, as it was agreed on the telephone; " * 20
    return (
        {"_id": number, "customer": number % CUSTOMERS, "note": note, "code": f"c{number}"} for number in range(count)
    )


def steps(work: Path, mongodb: str, env: dict[str, str], count: int) -> list[Contender]:
    """In the order in which a round runs them: each goes on from what the one before it has left."""
    folder = Path(shutil.copytree(HERE / "projects" / "quarantine", work / "quarantine"))
    fixed = Path(shutil.copytree(folder, work / "quarantine-fixed"))
    shutil.copy(fixed / "fixed" / "customers.sql", fixed / "mapping" / "customers.sql")
    with pymongo.MongoClient[dict[str, Any]](mongodb) as client:
        database = client.get_default_database()
        database["customers"].insert_many(customers())
        database["orders"].insert_many(orders(count))
    crossfade, own = [sys.executable, "-m", "crossfade"], {"SOURCE_URL": mongodb}
    measure([*crossfade, "survey", "--project", str(folder), "--quiet"], {**env, **own})
    shutil.copy(folder / "source.lock.json", fixed / "source.lock.json")
    half = {"customers": CUSTOMERS // 2, "orders": count // 2}
    whole = {"customers": CUSTOMERS, "orders": count}

    def one(name: str, command: str, project: Path, records: int, target: str, tables: dict[str, int]) -> Contender:
        call = [*crossfade, *command.split(), "--project", str(project), "--quiet"]
        return Contender(name, call, records, target, tables, env=own)

    return [
        one(SET_ASIDE, "copy", folder, count, "empty", half),
        one(LISTED, "quarantine list", folder, count // 2, "kept", half),
        one(RETRIED, "quarantine retry", fixed, count // 2, "kept", whole),
    ]

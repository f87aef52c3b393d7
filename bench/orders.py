"""Orders of which a share is refused, from MongoDB and from JSON lines: what refusals cost, beside a clean copy."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pymongo

from contenders import Contender
from measure import measure

HERE = Path(__file__).parent
ORDERS = 40_000
CLEAN = "clean"
SHARES = {CLEAN: 0.0, "10 % refused": 0.1, "half refused": 0.5, "all refused": 1.0}
SOURCES = ("MongoDB", "JSON lines")
RATIOS = tuple(
    ("copy, in documents a second", f"{source}, {share}", f"{source}, {CLEAN}")
    for source in SOURCES
    for share in SHARES
    if share != CLEAN
)


def orders(count: int, share: float) -> Iterator[dict[str, Any]]:
    """Spread evenly: of every ten, as many are refused as the share says."""
    for number in range(count):
        refused = number % 10 < 10 * share
        yield {
            "_id": number,
            "customer": f"customer {number % 997}",
            "total": 245.14999999999998 if refused else number / 4,
            "quantity": str(number % 12),
            "items": [{"sku": f"A-{number % 50}", "price": 2.5}, {"sku": "B-7", "price": 1.25}],
        }


def copies(work: Path, mongodb: Sequence[str], env: dict[str, str], count: int) -> list[Contender]:
    """A copy of each share out of each source: its project made, its source filled and surveyed.

    `mongodb` has a URL for each share.
    """
    made = []
    for source in SOURCES:
        for number, (name, share) in enumerate(SHARES.items()):
            folder = Path(shutil.copytree(HERE / "projects" / "orders", work / f"orders-{source[:4]}-{number}"))
            url = _fill(folder, source, mongodb[number] if source == SOURCES[0] else "", count, share)
            crossfade = [sys.executable, "-m", "crossfade"]
            measure([*crossfade, "survey", "--project", str(folder), "--quiet"], {**env, "SOURCE_URL": url})
            command = [*crossfade, "copy", "--project", str(folder), "--quiet"]
            rows = sum(number % 10 >= 10 * share for number in range(count))
            made.append(
                Contender(f"{source}, {name}", command, count, "empty", {"orders": rows}, env={"SOURCE_URL": url})
            )
    return made


def _fill(folder: Path, source: str, mongodb: str, count: int, share: float) -> str:
    if source == SOURCES[0]:
        with pymongo.MongoClient[dict[str, Any]](mongodb) as client:
            client.get_default_database()["orders"].insert_many(orders(count, share))
        return mongodb
    dump = folder / "dump"
    dump.mkdir()
    with (dump / "orders.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(order) + "\n" for order in orders(count, share))
    return f"dump:{dump}"

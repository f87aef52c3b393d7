"""Orders of which a share wants the primary key of another one: what the decision between them costs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pymongo

from contenders import Contender
from measure import measure

HERE = Path(__file__).parent
ORDERS = 100_000
CLEAN = "copy, no duplicates"
SHARES = {CLEAN: 0.0, "copy, 10 % duplicates": 0.1, "copy, half duplicates": 0.5}
RATIOS = tuple(("documents a second", share, CLEAN) for share in SHARES if share != CLEAN)


def orders(count: int, share: float) -> Iterator[dict[str, Any]]:
    """Spread evenly: of every ten, as many have the number of any of the others as the share says."""
    first = [number for number in range(count) if number % 10 >= 10 * share]
    for number in range(count):
        repeats = number % 10 < 10 * share
        yield {
            "_id": number,
            "number": first[number * 7919 % len(first)] if repeats else number,
            "customer": f"customer {number % 997}",
            "total": number / 4,
            "quantity": str(number % 12),
            "items": [{"sku": f"A-{number % 50}", "price": 2.5}, {"sku": "B-7", "price": 1.25}],
        }


def copies(work: Path, mongodb: Sequence[str], env: dict[str, str], count: int) -> list[Contender]:
    """A copy of each share: its project made, its source filled and surveyed. `mongodb` has a URL for each."""
    made = []
    for url, (name, share) in zip(mongodb, SHARES.items(), strict=True):
        folder = Path(shutil.copytree(HERE / "projects" / "duplicates", work / f"duplicates-{share}"))
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.get_default_database()["orders"].insert_many(orders(count, share))
        crossfade, own = [sys.executable, "-m", "crossfade"], {"SOURCE_URL": url}
        measure([*crossfade, "survey", "--project", str(folder), "--quiet"], {**env, **own})
        rows = len({order["number"] for order in orders(count, share)})
        command = [*crossfade, "copy", "--project", str(folder), "--quiet"]
        made.append(Contender(name, command, count, "empty", {"orders": rows}, env=own))
    return made

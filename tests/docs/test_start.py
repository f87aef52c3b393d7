"""docs/start.md, executed as written: its files and commands in order, with a shop that fits its text."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pages import blocks, indented, page

from calling import call
from scratch import MongoScratch, PostgresScratch

PAGE = page("docs/start.md")
STEPS = re.split(r"^## \d\. .+$", PAGE, flags=re.MULTILINE)
FOLDER, LOOK, SCHEMA, MAPPINGS, PREVIEW, COPY, RESET = STEPS[1:]


def order(number: int, **fields: Any) -> dict[str, Any]:
    made = datetime(2024, 5, number, 12, 30, 0, 123000)
    items = [{"sku": f"A-{n}", "quantity": n} for n in range(1, number)]
    return {"_id": ObjectId(f"66300000000000000000000{number}"), "customer": f"c{number}", "items": items,
            "createdAt": made, "__v": 0, **fields}  # fmt: skip


# "Two documents have no total, and one has it as text."
ORDERS = [order(1, total=19.9), order(2), order(3, total="20,50"), order(4), order(5, total=1000000.01)]
TEXT = ORDERS[2]["_id"]


@dataclass(frozen=True)
class Reader:
    """Someone who does what the page says, in a folder of their own."""

    root: Path
    environment: Mapping[str, str]

    def write_files(self, step: str) -> list[str]:
        """Writes the step's blocks into the files that it names; a file that is there already is added to."""
        names = []
        for block in blocks(step):
            assert block.file is not None, block.text
            with (self.root / block.file).open("a") as file:
                file.write(block.text)
            names.append(block.file)
        return names

    def __call__(self, *arguments: str) -> tuple[int, str]:
        with chdir(self.root):
            done = call(*arguments, **{"CROSSFADE_WORKERS": "1", **self.environment})
        return done.status, done.out + done.err


@pytest.fixture
def reader(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> Reader:
    mongo_db.db.orders.insert_many(ORDERS)
    (made,) = [line for line in indented(FOLDER) if line.startswith("mkdir")]
    subprocess.run(made, shell=True, check=True, cwd=tmp_path)
    return Reader(tmp_path / "shop-move", {"SOURCE_URL": mongo_db.url, "TARGET_URL": pg_db.url})


def calls(step: str) -> list[list[str]]:
    """The commands of a step."""
    return [shlex.split(line)[1:] for line in indented(step) if line.startswith("crossfade ")]


def test_the_page_is_true(reader: Reader, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    assert reader.write_files(FOLDER) == ["crossfade.toml"]
    look(reader)
    wish(reader)
    write_mappings(reader)
    preview(reader)
    copy_and_prove(reader, mongo_db, pg_db)
    reset(reader, pg_db)


def look(reader: Reader) -> None:
    assert calls(LOOK) == [["survey"]]
    assert reader("survey")[0] == 0
    lock = (reader.root / "source.lock.json").read_text("utf-8")
    (shown,) = [line for line in indented(LOOK) if line.startswith('{"path"')]
    pattern = re.escape(shown).replace(r"\.\.\.", ".*")
    assert re.search(pattern, lock), lock


def wish(reader: Reader) -> None:
    assert reader.write_files(SCHEMA) == ["schema.sql"]
    assert calls(SCHEMA) == [["schema", "show"]]
    status, shown = reader("schema", "show")
    assert status == 0
    assert "CREATE TABLE public.orders" in shown
    assert (
        shown.index("CREATE TABLE public.order_items") < shown.index("-- after the copy") < shown.index("FOREIGN KEY")
    )


def write_mappings(reader: Reader) -> None:
    before, _, after = MAPPINGS.partition("crossfade check")
    assert reader.write_files(before) == ["mapping/orders.sql", "mapping/order_items.sql"]
    status, said = reader("check")
    assert status == 1
    assert "orders.__v: not mapped: 5 ints" in said
    assert "faults (1)" in said, said
    assert reader.write_files(after) == ["crossfade.toml"]
    status, said = reader("check")
    assert (status, said) == (0, "no faults\n")


def preview(reader: Reader) -> None:
    """Each line of output that the page shows without dots is said."""
    for words in calls(PREVIEW):
        status, said = reader(*words)
        assert status == 0, said
        shown = [line for line in indented(PREVIEW) if line[:1] in (" ", "o") and "..." not in line]
        assert any(line in said for line in shown)
    assert [words[0] for words in calls(PREVIEW)] == ["preview", "preview"]


def reset(reader: Reader, pg_db: PostgresScratch) -> None:
    assert calls(RESET) == [["reset"]]
    assert reader("reset")[0] == 2  # cannot ask for confirmation
    assert reader("reset", "--yes")[0] == 0
    assert pg_db.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]
    assert reader("run")[0] == 0


def copy_and_prove(reader: Reader, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    assert [words[:2] for words in calls(COPY)] == [["run"], ["quarantine", "list"], ["quarantine", "show"]]
    status, said = reader("run")
    assert status == 1, "one total is text that is no number, and no limit allows for it"
    assert "orders: 20.00% of its records are in quarantine; the limit is 0.00%" in said
    assert (reader.root / "report.html").exists()
    entry = look_into_quarantine(reader)

    mongo_db.db.orders.update_one({"_id": TEXT}, {"$set": {"total": 20.5}})
    assert reader("quarantine", "retry", entry)[0] == 0
    status, said = reader("run")
    assert status == 0, said
    assert "\nequal and complete: " in said
    assert_moved(pg_db)


def look_into_quarantine(reader: Reader) -> str:
    status, listed = reader("quarantine", "list")
    assert status == 0
    (shown_id,) = re.findall(r"show ([0-9a-f]+)\n", COPY)
    assert "orders: 1 record: mapping_error at orders.total\n" in listed
    (entry,) = re.findall(rf"\b([0-9a-f]{{{len(shown_id)}}})\b", listed.replace(str(TEXT), ""))
    status, shown = reader("quarantine", "show", entry)
    assert status == 0
    assert "orders.total" in shown
    assert '"20,50"' in shown
    return str(entry)


def assert_moved(pg_db: PostgresScratch) -> None:
    assert pg_db.execute("SELECT customer, total::text FROM orders ORDER BY customer") == [
        ("c1", "19.90"),
        ("c2", None),
        ("c3", "20.50"),
        ("c4", None),
        ("c5", "1000000.01"),
    ]
    times = "SELECT DISTINCT to_char(created_at AT TIME ZONE 'UTC', 'HH24:MI:SS.US') FROM orders"
    assert pg_db.execute(times) == [("12:30:00.123000",)]
    items = "SELECT customer, position, sku, quantity FROM order_items JOIN orders ON id = order_id ORDER BY 1, 2"
    assert pg_db.execute(items) == [(f"c{o}", n, f"A-{n}", n) for o in range(1, 6) for n in range(1, o)]

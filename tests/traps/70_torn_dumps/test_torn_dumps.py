from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from bson import encode
from trap import Trap, move_of, project_of, run

from crossfade.errors import Damaged, Refused
from crossfade.journal.causes import Selection
from crossfade.testing.dump_writer import write_archive

DOCUMENTS = [encode({"_id": n, "name": f"customer {n}"}) for n in range(2000)]
WHOLE = b"".join(DOCUMENTS)
SOUND = len(b"".join(DOCUMENTS[:1020]))
LINES = b"".join(b'{"_id": %d, "name": "customer %d"}\n' % (n, n) for n in range(2000))


def zeros(data: bytes, at: int, length: int) -> bytes:
    return data[:at] + bytes(length) + data[at + length :]


TEARS: dict[str, tuple[str, bytes]] = {
    "cut": ("customers.bson", WHOLE[: SOUND + 11]),
    "zeros": ("customers.bson", zeros(WHOLE, SOUND, 4096)),
    "length": ("customers.bson", WHOLE[:SOUND] + b"\x40\x42\x0f\x7f" + WHOLE[SOUND + 4 :]),
    "cut_gzip": ("customers.bson.gz", gzip.compress(WHOLE)[:-2000]),
    "cut_lines": ("customers.json", LINES[: len(LINES) // 2 + 5]),
    "zeros_in_lines": ("customers.json", zeros(LINES, len(LINES) // 2, 4096)),
    "cut_lines_gzip": ("customers.json.gz", gzip.compress(LINES)[:-2000]),
}


@pytest.mark.parametrize("tear", TEARS)
def test_what_nobody_can_count_is_no_record(trap: Trap, pg_db: Any, tmp_path: Path, tear: str) -> None:
    name, data = TEARS[tear]
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / name).write_bytes(data)
    with move_of(project_of(trap, tmp_path), f"dump:{tmp_path / 'dump'}", pg_db.url) as move:
        outcome = run(move)
        assert outcome.error is None
        assert [f.place for f in outcome.findings if f.kind == "torn"] == ["customers"]

        assert outcome.status is not None
        (entity,) = outcome.status.entities
        ((copied,),) = pg_db.execute("SELECT count(*) FROM customers")
        assert 0 < copied < 2000
        assert (entity.counts.source, entity.counts.copied, entity.counts.quarantined) == (copied, copied, 0)
        assert len(entity.remainders) == 1
        assert not entity.balanced
        assert outcome.status.within_limit
        assert not outcome.status.ok

        assert outcome.verdict is not None
        assert (outcome.verdict.outcome, outcome.verdict.differences) == ("not_equal", 0)
        assert outcome.verdict.entities[0].remainders == entity.remainders

        (entry,) = move.quarantine()
        assert entry.reason == "remainder"
        with pytest.raises(Refused):
            move.discard([entry.id], "one record less")
        with pytest.raises(Refused):
            move.discard_all(Selection("customers"), "all of them")
        assert [r.outcome for r in move.retry()] == ["quarantined"]
        assert move.status().entities[0].counts == entity.counts


def test_a_torn_archive_was_reached(trap: Trap, pg_db: Any, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "shop.archive", "shop", {"customers": DOCUMENTS})
    archive.write_bytes(archive.read_bytes()[:-100])
    with move_of(project_of(trap, tmp_path), f"dump:{archive}", pg_db.url) as move:
        outcome = run(move)
    assert isinstance(outcome.error, Damaged)
    assert outcome.error.exit_status == 1

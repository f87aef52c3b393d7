"""Closed or full streams, unusual names, threads, limits of the machine: the right exit status, no traceback."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bson import encode
from tinies import Tiny

import shop
from calling import call
from crossfade.cli.failure import failure_of

ID = "id 5e0b00000000000000000001"
WRONG = "status --nonsense"


@pytest.mark.parametrize(
    ("arguments", "redirected", "status"),
    [
        (ID, ">&-", 0),
        (ID, ">&- 2>&-", 0),
        (ID, "2>/dev/full", 0),
        (ID, ">/dev/full", 3),
        (WRONG, "2>&-", 2),
        (WRONG, "2>/dev/full", 2),
        ("status --json --project /nowhere", ">&-", 2),
        ("--help", ">&- <&-", 0),
    ],
)
def test_streams_that_take_nothing(arguments: str, redirected: str, status: int) -> None:
    command = f"{sys.executable} -m crossfade {arguments} {redirected}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (ended.returncode, "Traceback" in ended.stderr) == (status, False), ended.stderr


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Where it does, what is said goes into the file."""
    command = f"{sys.executable} -m crossfade survey --project {tmp_path} >&- 2>&- <&-"
    (tmp_path / "crossfade.toml").write_text('[source]\nurl = "dump:d"\n[target]\nurl = "sqlite:///t"\nschema = "x"\n')
    ended = subprocess.run(["bash", "-c", command], capture_output=True, cwd=tmp_path)
    assert ended.returncode == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crossfade.toml"]


def test_a_folder_whose_name_is_not_utf8(tiny: Tiny) -> None:
    odd = os.fsdecode(os.fsencode(tiny.root) + b"_\xff")
    shutil.copytree(tiny.root, odd)
    for command in ("survey", "check", "run", "status"):
        ended = tiny(command, CROSSFADE_PROJECT=odd)
        assert ended.status == 0, (command, ended)
    assert tiny.postgres.execute("SELECT name FROM crossfade.move") == [(f"{tiny.root.name}_\\xff",)]


def test_a_dump_in_such_a_folder(tmp_path: Path) -> None:
    dump = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff"))
    dump.mkdir()
    (dump / "things.bson").write_bytes(b"".join(encode({"_id": n}) for n in range(3)))
    folder = shop.small_project(
        tmp_path / "p", "CREATE TABLE things (id int PRIMARY KEY);", {"things": "SELECT t._id AS id FROM things AS t"}
    )
    urls = {"SOURCE_URL": f"dump:{dump}", "TARGET_URL": f"sqlite:///{tmp_path / 't.db'}"}
    ended = call("run", "--survey", "--project", str(folder), CROSSFADE_WORKERS="1", **urls)
    assert ended.status == 0, ended


def test_from_a_thread() -> None:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(call(*ID.split()).status))
    thread.start()
    thread.join()
    assert statuses == [0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files", "/tmp/x"), "ulimit -n"),
        (OSError(errno.EFBIG, "File too large"), "ulimit -f"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "--workers"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (MemoryError(), "chunk_mb"),
    ],
)
def test_limits_of_the_machine_are_no_fault_of_crossfade(error: Exception, said: str) -> None:
    failure = failure_of(error)
    assert (failure.kind, failure.status) == ("failed", 1)
    assert said in (failure.hint or "")
    assert "where it stopped" in (failure.hint or "")


def test_what_libraries_log_is_not_printed() -> None:
    code = "from crossfade.cli.app import main; main(['--version']); logging.getLogger('psycopg').warning('ignored')"
    ended = subprocess.run([sys.executable, "-c", f"import logging; {code}"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")

"""A move does not change the process of a library's user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shop
from scratch import MongoScratch, PostgresScratch

sys.path.insert(0, str(Path(__file__).parent.parent / "pipeline"))

SCRIPT = """
import ctypes, decimal, faulthandler, gc, json, locale, logging, multiprocessing, os, resource, signal, sys, threading
import time, warnings
from pathlib import Path

import pyarrow as pa

from crossfade.move import Move
from crossfade.project import load_project

forbidden = []

def forbid(owner, name):
    before = getattr(owner, name)
    def noted(*args, **kwargs):
        forbidden.append(name)
        return before(*args, **kwargs)
    setattr(owner, name, noted)

for owner, name in [
    (resource, "setrlimit"), (os, "_exit"), (os, "putenv"), (os, "chdir"), (os, "umask"), (signal, "signal"),
    (pa, "set_memory_pool"), (locale, "setlocale"), (ctypes, "CDLL"),
]:
    forbid(owner, name)

def state():
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in limits},
        "signals": [repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "environment": dict(os.environ),
        "locale": locale.setlocale(locale.LC_ALL),
        "pool": pa.default_memory_pool().backend_name,
        "start method": multiprocessing.get_start_method(allow_none=True),
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
        "folder": os.getcwd(),
        "warnings": [repr(one) for one in warnings.filters],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), faulthandler.is_enabled()],
        "main": [repr(sys.modules["__main__"].__spec__), sys.modules["__main__"].__file__],
        "logging": [repr(logging.root.handlers), logging.root.level],
        "decimals": repr(decimal.getcontext()),
        "recursion": sys.getrecursionlimit(),
        "zone": time.tzname,
        "threads": sorted(t.name for t in threading.enumerate() if not t.daemon),
    }

def whole_move(workers):
    with Move(load_project(Path(sys.argv[1])), workers=workers) as move:
        move.survey()
        move.copy()
        move.retry()
        counts.append(sum(t.rows for t in move.verify().tables))
        move.reset()

if __name__ == "__main__":
    counts, differ = [], {}
    for workers in (1, 2):
        before = state()
        forbidden.clear()
        thread = threading.Thread(target=whole_move, args=(workers,))
        thread.start()
        thread.join()
        done = list(forbidden)
        after = state()
        differ[workers] = [name for name in before if before[name] != after[name]] + done
    print(json.dumps([counts, differ]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resource limits and signals as Linux has them")
def test_everything_is_as_it_was(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    """Run in a thread, with one worker and with two; what may not even be called is noted while it runs."""
    mapping = {"people": "SELECT p._id AS id, p.name || '!' AS name FROM people AS p"}
    schema = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL UNIQUE);"
    project = shop.small_project(tmp_path / "people", schema, mapping, chunk_mb=0.01)
    mongo_db.db.people.insert_many([{"_id": n, "name": f"name {n}" if n else None} for n in range(1000)])
    (tmp_path / "script.py").write_text(SCRIPT)
    env = {**os.environ, "SOURCE_URL": mongo_db.url, "TARGET_URL": pg_db.url}
    script = [sys.executable, str(tmp_path / "script.py"), str(project)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=240, env=env)
    assert done.returncode == 0, done.stderr
    counts, differ = json.loads(done.stdout)
    assert counts == [999, 999]
    assert differ == {"1": [], "2": []}, done.stderr

"""Cutovers and rollbacks that are disturbed, a move for each seed:
`python tests/live/run_switches.py PAIR --seeds 1-100`.

A line for each seed says what happened. What is done to a run is decided by its seed; what that meets is up to the
machine, so a problem may need the seed several times. The folder of a run with a problem is kept, with the log.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pymongo  # noqa: E402
from ground import ground  # noqa: E402
from switch_run import Result, one_run  # noqa: E402

from crossfade.testing import as_user, mongodb, postgresql, with_database  # noqa: E402

PAIRS = ("mongodb-postgresql", "postgresql-postgresql")


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work, failed = Path(tempfile.mkdtemp(prefix="crossfade-switch-")), 0
    work.chmod(0o755)
    first, _, last = asked.seeds.partition("-")
    with servers(asked.pair, work) as urls:
        for seed in range(int(first), int(last or first) + 1):
            folder = work / f"{asked.pair}-{seed}"
            result = one(urls, folder, seed, faults=asked.faults, rounds=asked.rounds)
            outcome = "PROBLEM" if result.problems else "ok"
            print(f"{asked.pair} {seed}: {outcome}; {result.writes:,} writes in {result.seconds:.0f} s",
                  *result.happened, *result.problems[:30], sep="\n    ", flush=True)  # fmt: skip
            if result.problems:
                print(f"    the log is {folder}/commands.log", flush=True)
                failed += 1
                continue
            shutil.rmtree(folder)
    if not failed:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", choices=PAIRS)
    parser.add_argument("--seeds", default="1", help="for example 7, or 1-100")
    parser.add_argument("--faults", type=int, default=1, help="disturbed attempts of each switch")
    parser.add_argument("--rounds", type=int, default=1, help="cutovers and rollbacks of a move")
    return parser.parse_args()


@contextmanager
def servers(pair: str, work: Path) -> Iterator[list[str]]:
    with ExitStack() as stack:
        started = []
        for place, kind in enumerate(pair.split("-")):
            (home := work / f"server{place}").mkdir()
            home.chmod(0o755)
            server: Any = mongodb(home, auth=True) if kind == "mongodb" else postgresql(home)
            started.append(stack.enter_context(server))
        yield started


def one(urls: list[str], folder: Path, seed: int, *, faults: int = 1, rounds: int = 1) -> Result:
    try:
        with ExitStack() as stack:
            application = ""
            if urls[0].startswith("mongodb"):
                application = stack.enter_context(_application(urls[0], f"switch{seed}_0"))
            place = stack.enter_context(ground(urls, f"switch{seed}"))
            return one_run(place, folder, seed, faults=faults, rounds=rounds, application=application)
    except Exception:
        return Result([traceback.format_exc()], [])


@contextmanager
def _application(url: str, name: str) -> Iterator[str]:
    """A login that is not let past the block of a server, and the server as it was at the end."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.admin.command("createUser", "application", pwd="x", roles=["readWriteAnyDatabase"])
        try:
            yield as_user(with_database(url, name), "application", "x")
        finally:
            client.admin.command({"setUserWriteBlockMode": 1, "global": False})
            for user in client.admin.command("usersInfo", 1)["users"]:
                if user["user"] == "application" or user["user"].startswith("crossfade_"):
                    client.admin.command("dropUser", user["user"])
            client.drop_database("crossfade")


if __name__ == "__main__":
    sys.exit(main())

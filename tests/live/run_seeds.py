"""Moves under load, one for each seed: `python tests/live/run_seeds.py PAIR... --seeds 1-200`.

With several pairs, they take turns; one that is named twice has two turns. The first seed with a problem ends it, with
the command that repeats it; with `--go-on` the others follow. What happens to a run is decided by its seed; when it
happens is up to the machine, so a problem may need the seed several times.

A short run (`--short`) has the same writers and the same kinds of faults, but few records, and half of its changes fall
into the copy. Its processes are forked from one that has loaded the program.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from itertools import cycle
from pathlib import Path

HERE = Path(__file__).parent
KEPT = 600.0
sys.path[:0] = [str(HERE), str(HERE.parent)]

import faults  # noqa: E402
from ground import PAIRS, ground, servers  # noqa: E402
from launcher import Launcher  # noqa: E402
from live_run import Load, Result, one_run  # noqa: E402

SHORT = Load(seconds=3, rate=80, people=40, often=1.0)
PATIENCE = 1200.0
"""Seconds: here a machine may be busy with much else, and what is wrong never ends."""
POINTS = (
    "crossfade.move.starting:start_feed 1 after",
    "crossfade.journal.feed:begin 1 after",
    "crossfade.pipeline.feeding:_note_batch 2 before",
    "crossfade.pipeline.feeding:_note_batch 3 after",
    "crossfade.journal.feed:advance 4 before",
    "crossfade.journal.feed:advance 2 after",
    "crossfade.pipeline.follow:read_todo 2 after",
    "crossfade.pipeline.follow:apply_pending 2 before",
    "crossfade.pipeline.follow:apply_pending 2 after",
    "crossfade.journal.dirty:claim 2 before",
    "crossfade.journal.dirty:claim 3 after",
    "crossfade.pipeline.apply_keys:difference 3 before",
    "crossfade.pipeline.apply_keys:write 2 after",
    "crossfade.pipeline.apply_keys:note 4 after",
)
"""Where the first process is killed, at the latest by a fault: MODULE:FUNCTION TIMES before|after."""


def main() -> int:
    asked = _arguments()
    work = Path(tempfile.mkdtemp(prefix="crossfade-live-"))
    work.chmod(0o755)
    failed = _runs(asked, work)
    print(f"{len(failed)} runs with problems: {', '.join(failed)}" if failed else "no run had problems", flush=True)
    if not failed:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


def _runs(asked: argparse.Namespace, work: Path) -> list[str]:
    """Return the runs with problems."""
    failed = list[str]()
    with ExitStack() as stack:
        launcher = stack.enter_context(Launcher()) if asked.short else None
        running = {pair: stack.enter_context(servers(pair, work)) for pair in dict.fromkeys(asked.pairs)}
        seeds = {pair: iter(_numbers(asked.seeds)) for pair in running}
        for pair in cycle(asked.pairs):
            seed = next(seeds[pair], None)
            late = asked.until and f"{datetime.now():%H:%M}" >= asked.until
            if seed is None or late or (failed and not asked.go_on):
                break
            folder = work / f"{pair}-{seed}"
            with ground(running[pair], f"live{seed}") as place:
                began = time.monotonic()
                result = one_run(place, folder, seed, _load(asked, seed), launcher)
                _tell(asked, pair, seed, result, time.monotonic() - began)
                if result.problems:
                    failed.append(f"{pair} {seed}")
                    time.sleep(KEPT if asked.keep else 0)
            if not result.problems:
                shutil.rmtree(folder)
    return failed


def _tell(asked: argparse.Namespace, pair: str, seed: int, result: Result, seconds: float) -> None:
    said = f"caught up in {result.caught_up:.1f} s, {seconds:.0f} s in all"
    verdict = f"{len(result.problems)} PROBLEMS" if result.problems else "equal"
    print(f"{pair} {seed}: {verdict}; {result.written:,} changes; {result.happened}; {said}", flush=True)
    if result.problems:
        print("\n".join(result.problems[:400]))
        print(f"again: {_again(asked, pair, seed)}", flush=True)


def _load(asked: argparse.Namespace, seed: int) -> Load:
    rng = random.Random(f"{seed} load")
    point = rng.choice(POINTS).split() if asked.short and rng.random() < 0.4 else ()
    workers = asked.workers or rng.choice([1, 1, 2])
    load = Load(asked.seconds, asked.rate, asked.people, workers, asked.faults, asked.often)
    return replace(load, point=point, patience=PATIENCE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", choices=PAIRS, nargs="+")
    parser.add_argument("--seeds", default="1", help="for example 7, or 1-200")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rate", type=float, help="changes a second, of all writers")
    parser.add_argument("--people", type=int)
    parser.add_argument("--workers", type=int, help="1 or 2, by the seed, if not given")
    parser.add_argument("--faults", nargs="*", choices=sorted(faults.KINDS), default=list(Load().faults))
    parser.add_argument("--often", type=float, help="faults a second")
    parser.add_argument("--go-on", action="store_true", help="after a run with problems too")
    parser.add_argument("--until", metavar="HH:MM", help="begin no run after this time")
    parser.add_argument("--keep", action="store_true", help="keep the databases of a run with problems for ten minutes")
    asked = parser.parse_args()
    plain = SHORT if asked.short else Load()
    for name in ("seconds", "rate", "people", "often"):
        if getattr(asked, name) is None:
            setattr(asked, name, getattr(plain, name))
    return asked


def _numbers(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _again(asked: argparse.Namespace, pair: str, seed: int) -> str:
    values = {name: getattr(asked, name) for name in ("seconds", "rate", "people", "often")}
    options = " ".join(f"--{name} {value:g}" for name, value in values.items())
    options += " --short" * asked.short + (f" --workers {asked.workers}" if asked.workers else "")
    return f"python tests/live/run_seeds.py {pair} --seeds {seed} {options} --faults {' '.join(asked.faults)}"


if __name__ == "__main__":
    sys.exit(main())

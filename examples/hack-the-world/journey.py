"""Hack The World moves from MongoDB to PostgreSQL while people use it.

    python examples/hack-the-world/journey.py

Starts both servers, fills MongoDB, serves the application, and lets people use it all the while. Then everything that
its owner does: follow, decide about what is in quarantine, verify, cut over, a day of use (compressed into seconds),
roll back, and forward again. While nobody writes, the same requests are made to an application with the old store and
to one with the new: every answer is compared. In the end there are figures: requests, 503s, the longest refusal, and
whether everything that was acknowledged is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

from hack_the_world_app.passwords import token_of  # noqa: E402  (the examples are scripts: their folders are no package)
from mend import mend  # noqa: E402
from people import Students  # noqa: E402
from seed import SYSTEM  # noqa: E402

from journeys import Load, Project, Sides, say, served, two_servers  # noqa: E402
from seeding import oid  # noqa: E402

NAME, APP = "hack-the-world", "hack_the_world_app.served"
MORE = """
[cutover]
file = "stage.json"            # the application looks at it
writers = ["hack_the_world"]   # nobody else may have a session with the source
refused_s = 10

[rollback]
file = "stage.json"
refused_s = 10
"""
EVERYBODY = 100_000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="as given to seed.py")
    parser.add_argument("--rate", type=float, default=5, help="how many things people do in a second")
    parser.add_argument("--day", type=int, default=400, help="writes on the new database until the day is over")
    given = parser.parse_args()
    with two_servers("hack_the_world") as sides:
        return Journey(sides, given).go()


class Journey:
    def __init__(self, sides: Sides, given: argparse.Namespace) -> None:
        self.sides, self.given = sides, given
        self.project = Project(NAME, sides, MORE)
        unspoilt = range(SYSTEM.at(given.scale)["users"])  # the others get other names in the end
        self.people = Students(returning={str(oid("users", n)) for n in unspoilt})
        self.different = 0

    def go(self) -> int:
        say("1. The old application, with the mess of some years in its MongoDB")
        words = ("--url", self.sides.old.crossfade, "--scale", str(self.given.scale))
        subprocess.run([sys.executable, str(HERE / "seed.py"), *words], check=True)
        with (
            served(APP, HERE, self.sides, self.project.stage) as url,
            Load(url, self.people, people=4, rate=self.given.rate) as load,
        ):
            try:
                self.move(load)
            finally:
                self.project.stop()
            say("9. What people noticed")
            good = load.report()
        return 0 if good and not self.different else 1

    def move(self, load: Load) -> None:
        project = self.project
        load.wait(20)
        say("2. Follow: the data is copied while people write, and what changes is applied")
        project.follow()
        project("invert", "--quiet")
        project("status", expect=None)
        say("3. What is in quarantine: the owner changes or deletes it, and it arrives by itself")
        self.decide()
        project("status")
        say("4. Verify, and compare the answers")
        self.prove()
        say("5. Cut over: the plan is shown, then done")
        project.shift()
        say("6. A day of use, while the old database is kept equal")
        self.follow()
        load.wait(self.given.day)
        self.prove()
        say("7. Thursday is bad: roll back, with everything that was written since")
        project.shift("rollback")
        load.wait(self.given.day // 2)
        say("8. What was bad is better now: forward again. What did not come back (inverse.lose) is made equal first")
        project("repair", "--quiet")
        self.follow()
        self.prove()
        project.shift()
        load.wait(self.given.day // 2)

    def follow(self) -> None:
        """Whichever side is open is followed."""
        self.project("start", "--detach", "--quiet")
        self.project.until("it follows", self.project.is_following)
        self.project("status")

    def prove(self) -> None:
        self.project("verify", "--quiet")
        with self.people.quiet():
            self.project("verify", "--again", "--quiet")
            self.compare()

    def decide(self) -> None:
        """People go on: what is in quarantine later, because of what they did meanwhile, is decided too."""
        decided: Counter[str] = Counter()
        seen: set[str] = set()

        def is_empty() -> bool:
            found = self.project.json("quarantine", "list", "--each")["entries"]
            new = [entry for entry in found if entry["reason"] == "foreign_key" or entry["key"] not in seen]
            decided.update(mend(self.sides.old.application, new))
            seen.update(entry["key"] for entry in new)
            return not found

        self.project.until("the quarantine is empty", is_empty)
        print(f"{decided['changed']} records were changed, {decided['deleted']} deleted")

    def compare(self) -> None:
        """Ask both stores for everything that the application shows; nobody writes meanwhile."""
        with ExitStack() as stack:
            clients = []
            for stage in ("source", "target"):
                file = self.project.folder / f"only-{stage}" / "stage.json"
                file.parent.mkdir(exist_ok=True)
                file.write_text(json.dumps({"stage": stage}), encoding="utf-8")
                url = stack.enter_context(served(APP, HERE, self.sides, file))
                clients.append(stack.enter_context(httpx.Client(base_url=url, timeout=120)))
            asked = different = 0
            for path, headers in requests(clients[0]):
                old, new = (client.get(path, headers=headers) for client in clients)
                asked += 1
                if (old.status_code, old.json()) != (new.status_code, new.json()):
                    different += 1
                    print(f"  {path}\n    old: {old.status_code} {old.text[:300]}\n    new: {new.text[:300]}")
        print(f"{asked:,} requests to either store: {different} answers differ")
        self.different += different


def requests(client: httpx.Client) -> Iterator[tuple[str, dict[str, str]]]:
    """Everybody's page, what each has done, the modules as some of them see them, and who leads."""
    yield from ((f"/api/leaderboard?by={by}&limit={n}", {}) for by in ("streak", "points") for n in (10, 50, EVERYBODY))
    yield "/api/modules", {}
    modules = [one["id"] for one in client.get("/api/modules").json()]
    users = [one["id"] for one in client.get(f"/api/leaderboard?by=points&limit={EVERYBODY}").json()]
    for n, user in enumerate(users):
        headers = {"Authorization": f"Bearer {token_of(user)}"}
        yield f"/api/users/{user}", {}
        yield f"/api/users/{user}/enrollments/{modules[n % len(modules)]}", {}
        yield f"/api/modules/{modules[n % len(modules)]}", headers


if __name__ == "__main__":
    sys.exit(main())

"""Scribe Tree moves from MongoDB to PostgreSQL while students and educators use it.

    python examples/scribe-tree/journey.py                 # without a window: some minutes
    python examples/scribe-tree/journey.py --as-planned    # with the read-only window that its own document plans

Starts both servers, fills MongoDB, serves the application, and lets people use it without a pause. Then everything that
its owner does: follow, verify, rehearse, cut over, and days of use (compressed into seconds) on the new database. What
the old database answered to recorded requests is compared with what the new one answers. In the end there are figures:
requests, 503s, the longest refusal, and whether everything that was acknowledged is there.
"""

from __future__ import annotations

import argparse
import itertools
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

from seed import SYSTEM  # noqa: E402  (the examples are scripts: their folders are no package)

from journeys import Exchange, Load, Person, Project, Request, Sides, record, replay, say, served, two_servers  # noqa: E402
from journeys.project import WORK  # noqa: E402
from seeding import Sizes, oid, sentence, text  # noqa: E402

MORE = """
[cutover]
file = "stage.json"          # the application looks at it
writers = ["scribe_tree"]    # nobody else may have a session with the source
lag_s = 30                   # on a machine that has other work
refused_s = 60

[rollback]
file = "stage.json"
writers = ["scribe_tree"]
lag_s = 30
refused_s = 60

[inverse]
times = "milliseconds"       # the new schema's triggers write finer ones into updated_at
"""


class School:
    """What people do with Scribe Tree. They write in the first half of the courses, documents and users, so that what
    was recorded of the second half is answered the same whenever it is asked.

    `assigns`: whether assignments are made. Nothing in a new row of the table `assignments` says to which of the two
    old collections it belongs, so it could not come back: nobody makes any while the way back may be taken.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.sizes, self.assigns = sizes, True
        self.assignments: dict[int, list[tuple[str, set[str]]]] = {}

    def act(self, person: Person) -> None:
        acts = [self.write, self.enrol, self.leave, self.submit, self.read, self.assign]
        known = len(acts) if self.assigns else -1
        person.rng.choices(acts[:known], WEIGHTS[:known])[0](person)

    def write(self, person: Person) -> None:
        content, document = text(person.rng, person.rng.randint(5, 30)), self.half("documents", person)
        writing = {"user": self.student(person), "content": content, "seconds": person.rng.randint(60, 3000)}
        saved = person.ask("PUT", f"/documents/{document}", writing)
        for kind, path in (("document", "documents"), ("version", "versions")):
            person.keep(f"/{path}/{saved[kind]['id']}", saved[kind])

    def enrol(self, person: Person) -> None:
        path = f"/courses/{self.half('courses', person)}"
        course = person.ask("POST", f"{path}/students", {"student": self.student(person)}, expect=(200, 409))
        if "errors" not in course:
            person.keep(path, course)

    def leave(self, person: Person) -> None:
        path = f"/courses/{self.half('courses', person)}"
        students = person.ask("GET", path)["students"]
        if students:
            student = person.rng.choice(students)["id"]
            person.keep(path, person.ask("DELETE", f"{path}/students/{student}"))

    def assign(self, person: Person) -> None:
        made = person.ask(
            "POST", "/assignments", assignment(person.rng, self.half("courses", person), self.teacher(person))
        )
        person.keep(f"/assignments/{made['id']}", made)
        self.assignments.setdefault(person.index, []).append((made["id"], set()))

    def submit(self, person: Person) -> None:
        if not (mine := self.assignments.get(person.index)):
            return  # there is nothing to hand in for yet
        to, authors = person.rng.choice(mine[-5:])
        author = self.student(person)
        body = {"author": author, "title": sentence(person.rng), "content": text(person.rng, 20)}
        made = person.ask(
            "POST", f"/assignments/{to}/submissions", body, expect=(409,) if author in authors else (201,)
        )
        if author not in authors:
            authors.add(author)
            person.keep(f"/submissions/{made['id']}", made)

    def read(self, person: Person) -> None:
        person.ask("GET", f"/users/{self.student(person)}/sessions?since=2023-09-01T00:00:00")
        person.ask("GET", f"/users/{self.teacher(person)}/notifications")

    def half(self, entity: str, person: Person) -> str:
        return str(oid(entity, person.own(self.sizes[entity] // 2)))

    def student(self, person: Person) -> str:
        return str(oid("users", person.rng.randrange(self.sizes["users"] // 20) * 10 + person.rng.randrange(1, 10)))

    def teacher(self, person: Person) -> str:
        return str(oid("users", person.rng.randrange(self.sizes["users"] // 20) * 10))


WEIGHTS = (30, 6, 4, 25, 30, 5)


def assignment(rng: Any, course: str, instructor: str) -> dict[str, Any]:
    stages = [
        {"name": name, "order": n, "description": sentence(rng), "allowedActions": ["ask_questions"]}
        for n, name in enumerate(("Drafting", "Revising"), 1)
    ]
    objectives = [
        {"description": sentence(rng), "bloomsLevel": 4, "category": "analysis", "weight": weight}
        for weight in rng.choice([(100,), (40, 60), (33.3333, 33.3333, 33.3334)])
    ]
    return {
        "course": course, "instructor": instructor, "title": sentence(rng), "instructions": text(rng, 5),
        "dueDate": "2027-01-15T12:00:00Z", "writingStages": stages, "learningObjectives": objectives,
    }  # fmt: skip


def reads(sizes: Sizes) -> list[Request]:
    """Of the second half of everything, what is there; and one thing that is not."""
    later = {entity: range(sizes[entity] // 2, sizes[entity]) for entity in ("courses", "documents", "users")}
    since = "since=2023-09-01T12:00:00Z"
    there = [
        *(f"/courses/{oid('courses', n)}" for n in later["courses"]),
        *(f"/documents/{oid('documents', n)}" for n in later["documents"][:60]),
        *(
            f"/users/{oid('users', n)}/{what}"
            for n in later["users"]
            for what in (f"sessions?{since}", "notifications")
        ),
        *(f"/assignments/{oid('assignments', n)}" for n in range(sizes["assignments"])),
        *(f"/submissions/{oid('assignmentsubmissions', n)}" for n in range(min(150, sizes["assignmentsubmissions"]))),
        f"/courses/{oid('courses', 999_999)}",
    ]
    return [Request("GET", path) for path in there]


def writes() -> list[Request]:
    """An assignment with its two checks, a submission that is handed in twice, and what became of them."""
    rng = random.Random("recorded")
    course, teacher, student = (str(oid(*one)) for one in (("courses", 0), ("users", 0), ("users", 1)))
    good = assignment(rng, course, teacher)
    light = good | {"learningObjectives": [one | {"weight": 20} for one in good["learningObjectives"]]}
    twice = good | {"writingStages": [one | {"order": 1} for one in good["writingStages"]]}
    essay = {"author": student, "title": "On the sea", "content": text(rng, 30)}
    return [
        Request("POST", "/assignments", light),
        Request("POST", "/assignments", twice),
        Request("POST", "/assignments", good, name="assignment"),
        Request("GET", "/assignments/$assignment"),
        Request("POST", "/assignments/$assignment/submissions", essay, name="submission"),
        Request("POST", "/assignments/$assignment/submissions", essay),
        Request("GET", "/submissions/$submission"),
    ]


def known(scale: float) -> set[str]:
    """The users who are answered something else: a record of theirs is in quarantine, or had an id of another kind."""
    aside = (
        one for one in SYSTEM.planted(scale) if one.flaw.end("postgresql") != "copied" or one.flaw.name == "id-mixed"
    )
    return {str(one.document[name]) for one in aside for name in ("user", "recipient") if name in one.document}


class Move:
    """What the owner does, one step after the other."""

    def __init__(self, project: Project, load: Load, school: School, scale: float, day: int) -> None:
        self.project, self.load, self.school, self.day = project, load, school, day
        self.known, self.differ = known(scale), 0
        self.steps = itertools.count(2)
        self.reads = reads(SYSTEM.at(scale))
        self.recorded: list[Exchange] = []

    def without_a_window(self) -> None:
        self.say("Follow: what is there is copied while people write, and what changes is applied")
        self.project.follow("invert")
        self.project("status")
        self.say("Verify and rehearse, while people write; and record what the old application answers")
        self.project("verify", "--quiet")
        self.project("rehearse", "--quiet", expect=None)
        self.record()
        self.over()
        self.use()
        self.back("Thursday is bad: back, with everything that was written since")
        self.use()
        self.over(for_good=True)
        self.use()
        self.say("The way back is closed: the application has only the new database")
        self.project("stop", "--quiet")
        self.project("finish", "--yes")
        self.load.wait(20)

    def as_planned(self) -> None:
        """Read-only mode, copy, validate, switch; a rollback at once, and one after days with a check each."""
        self.record()
        self.school.assigns = False
        self.say("The maintenance window: nobody can write until the new database has everything")
        began, read_only = time.monotonic(), self.project.stage.with_name("read-only")
        read_only.touch()
        self.project.follow("invert")
        self.project("verify", "--quiet")
        self.project.shift()
        read_only.unlink()
        print(f"the window took {time.monotonic() - began:.0f} s")
        self.same()
        self.project.start()
        self.back("Immediate rollback")
        self.over()
        for _ in range(2):
            self.use()
            self.project("verify", "--daily", "--quiet", expect=None)
        self.back("Late rollback")
        self.use()

    def record(self) -> None:
        self.recorded = record(self.load.url, [*self.reads, *writes()])
        print(f"{len(self.recorded)} requests are recorded")

    def over(self, *, for_good: bool = False) -> None:
        self.school.assigns = False
        self.say("Cut over: the plan is shown, and then done")
        if not self.project.is_following():  # the application came back
            self.project.start()
            self.project("verify", "--quiet")
        self.project.shift()
        self.school.assigns = for_good
        self.same(writes=for_good)
        self.project.start()

    def back(self, why: str) -> None:
        """The run that follows has kept the old database equal; what is left is put back while nobody can write."""
        self.say(why)
        self.project("verify", "--quiet")
        self.project.shift("rollback")
        self.same()

    def use(self) -> None:
        self.say("A day of use")
        before = self.load.figures.acknowledged
        self.load.wait(self.day)
        print(f"{self.load.figures.acknowledged - before} writes were acknowledged")

    def same(self, *, writes: bool = False) -> None:
        """Make the recorded requests again, and show the answers that differ: only those that are known to may."""
        asked = [one for one in self.recorded if writes or one.request in self.reads]
        self.say("The recorded requests again")
        found = replay(self.load.url, asked)
        other = [what for what in found if not any(user in what for user in self.known)]
        print(f"{len(asked)} requests: {len(found)} are answered otherwise, {len(other)} for no known reason")
        for what in other or found:
            print(f"  {what[:110]}")
        if found and not other:
            print("(a record of these users is in quarantine, or had an id that is no ObjectId)")
        self.differ += len(other)

    def say(self, text: str) -> None:
        say(f"{next(self.steps)}. {text}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--as-planned", action="store_true", help="with a read-only window and daily checks")
    parser.add_argument("--scale", type=float, default=1.0, help="as given to seed.py")
    parser.add_argument("--rate", type=float, default=5, help="how many things people do in a second")
    parser.add_argument("--day", type=int, default=200, help="how many writes a day has")
    parser.add_argument("--work", type=Path, default=WORK, help="where the copy of the project goes: .demo/")
    given = parser.parse_args()
    with two_servers("scribe_tree") as sides:
        return journey(sides, given)


def journey(sides: Sides, given: argparse.Namespace) -> int:
    say("1. The old application at work, with the mess of some years in its MongoDB")
    seed = [sys.executable, str(HERE / "seed.py"), "--url", sides.old.crossfade, "--scale", str(given.scale)]
    subprocess.run(seed, check=True, stdout=subprocess.DEVNULL)
    project, school = Project("scribe-tree", sides, MORE, given.work), School(SYSTEM.at(given.scale))
    with (
        served("scribe_tree_app", HERE, sides, project.stage) as url,
        Load(url, school.act, people=4, rate=given.rate) as load,
    ):
        move = Move(project, load, school, given.scale, given.day)
        try:
            load.wait(20)
            if given.as_planned:
                move.as_planned()
            else:
                move.without_a_window()
        finally:
            project.stop()
        move.say("What people noticed")
        fine = load.report()
    return 0 if fine and not move.differ else 1


if __name__ == "__main__":
    sys.exit(main())

"""What people do with Hack The World: they register, log in, enrol, complete contents, and look at the leaders.

    act = Students()
    act(person)              # one thing that this person does next
    with act.quiet(): ...    # nobody does anything

A person is whoever asks: one of a load (journeys.load), or a recorder. What was acknowledged is kept: from then on, it
must be found as it was answered.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from hack_the_world_app.passwords import token_of

WRONG = (401, 423)


class Someone(Protocol):
    index: int
    people: int
    rng: Any
    client: httpx.Client

    def ask(self, method: str, path: str, body: Any = None, expect: Collection[int] = (200, 201)) -> Any: ...

    def keep(self, path: str, answer: Any) -> None: ...


@dataclass
class Student:
    """One who is logged in."""

    user_id: str
    email: str = ""  # of those who registered here
    modules: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


class Students:
    """Each person is one student after the other; now and then one of `returning`, who registered long ago, and is
    still logged in.
    """

    def __init__(self, name: str = "new", returning: Collection[str] = ()) -> None:
        self._returning = returning
        self._name, self._registered = name, itertools.count(1)
        self._now: dict[int, Student] = {}
        self._turn, self._busy, self._is_quiet = threading.Condition(), 0, False

    def __call__(self, person: Someone) -> None:
        with self._turn:
            self._turn.wait_for(lambda: not self._is_quiet)
            self._busy += 1
        try:
            self._act(person)
        finally:
            with self._turn:
                self._busy -= 1
                self._turn.notify_all()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let everybody finish what they do, and wait."""
        with self._turn:
            self._is_quiet = True
            self._turn.wait_for(lambda: self._busy == 0)
        try:
            yield
        finally:
            with self._turn:
                self._is_quiet = False
                self._turn.notify_all()

    def _act(self, person: Someone) -> None:
        student = self._now.get(person.index)
        if student is None:
            self.register(person)
            return
        acts: dict[Callable[[Someone, Student], None], int] = {
            self.complete: 30 if student.todo else 0,
            self.enrol: 15 if len(student.todo) < 3 else 2,
            self.complete_again: 3 if student.done else 0,
            self.look_at_leaders: 12,
            self.look_at_a_module: 8,
            self.log_in: 8 if student.email else 0,
            self.mistype: 4 if student.email else 0,
            self.leave: 6,
        }
        person.rng.choices(list(acts), list(acts.values()))[0](person, student)

    def register(self, person: Someone) -> None:
        name = f"{self._name}_{next(self._registered)}"
        given = {"username": name, "email": f"{name}@Mail.example", "password": "correct horse"}
        if person.rng.random() < 0.5:
            given["firstName"] = person.rng.choice(["Zoë", "Ny", "\u200fלוי\u200e"])
        made = person.ask("POST", "/api/auth/register", given)
        person.ask("POST", "/api/auth/register", given, (409,))
        self._enter(person, made["token"], Student(made["user"]["id"], name + "@mail.example"))
        person.keep(f"/api/users/{made['user']['id']}", made["user"])

    def return_(self, person: Someone) -> None:
        """Someone who registered long ago: the token is still good."""
        leaders = person.ask("GET", "/api/leaderboard?limit=80")
        mine = [one["id"] for one in leaders if one["id"] in self._returning]
        mine = [one for one in mine if int(one, 16) % person.people == person.index]
        if mine:
            user_id = person.rng.choice(mine)
            self._enter(person, token_of(user_id), Student(user_id))

    def _enter(self, person: Someone, token: str, student: Student) -> None:
        person.client.headers["Authorization"] = f"Bearer {token}"
        self._now[person.index] = student

    def leave(self, person: Someone, student: Student) -> None:
        if person.rng.random() < 0.4:
            self.return_(person)
        else:
            self.register(person)

    def log_in(self, person: Someone, student: Student) -> None:
        given = {"email": student.email, "password": "correct horse"}
        done = person.ask("POST", "/api/auth/login", given, (200, 423))
        if "user" in done:
            person.keep(f"/api/users/{student.user_id}", done["user"])

    def mistype(self, person: Someone, student: Student) -> None:
        person.ask("POST", "/api/auth/login", {"email": student.email, "password": "wrong horse"}, WRONG)

    def enrol(self, person: Someone, student: Student) -> None:
        modules = [one["id"] for one in person.ask("GET", "/api/modules")]
        module_id = person.rng.choice(modules)
        made = person.ask("POST", f"/api/modules/{module_id}/enroll", None, (201, 409))
        if "id" in made:
            person.keep(f"/api/users/{student.user_id}/enrollments/{module_id}", made)
        contents = person.ask("GET", f"/api/modules/{module_id}")["contents"]
        new = [one["id"] for one in contents if (one["progress"] or {}).get("status") != "completed"]
        student.todo += [one for one in new if one not in student.todo]
        student.modules.append(module_id)

    def complete(self, person: Someone, student: Student) -> None:
        content_id = student.todo.pop(person.rng.randrange(len(student.todo)))
        given: dict[str, Any] = {"timeSpent": person.rng.randrange(3000)}
        if person.rng.random() < 0.7:
            given["score"] = person.rng.randint(0, 100)
        if person.rng.random() < 0.2:
            given["notes"] = "It's “done” 🎉"
        done = person.ask("POST", f"/api/content/{content_id}/complete", given, (200, 403, 409))
        if "progress" in done:
            student.done.append(content_id)
            user = f"/api/users/{student.user_id}"
            person.keep(user, done["user"])
            person.keep(f"{user}/progress/{content_id}", done["progress"])
            person.keep(f"{user}/enrollments/{done['enrollment']['moduleId']}", done["enrollment"])

    def complete_again(self, person: Someone, student: Student) -> None:
        person.ask("POST", f"/api/content/{person.rng.choice(student.done)}/complete", {}, (409,))

    def look_at_leaders(self, person: Someone, student: Student) -> None:
        by, limit = person.rng.choice(["streak", "points"]), person.rng.choice([10, 50, 500])
        person.ask("GET", f"/api/leaderboard?by={by}&limit={limit}")

    def look_at_a_module(self, person: Someone, student: Student) -> None:
        if student.modules:
            person.ask("GET", f"/api/modules/{person.rng.choice(student.modules)}")
        person.ask("GET", "/api/auth/me")

"""One person's day, recorded with the old store and replayed with the new one, each in an application of its own.

Both processes count their ids and their time (hack_the_world_app.replayed), so every answer must be the same.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from hack_the_world_app.academy import ATTEMPTS
from people import Students

SECONDS = 120


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    body: Any
    token: str
    status: int
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body or ''}: {self.status} {self.answer}"


class Recorder:
    """A person (people.Someone) who notes what was asked and answered."""

    index, people = 0, 1

    def __init__(self, client: httpx.Client, seed: int) -> None:
        self.client, self.rng = client, random.Random(seed)
        self.made: list[Exchange] = []
        self.kept: dict[str, Any] = {}

    def ask(self, method: str, path: str, body: Any = None, expect: Collection[int] = (200, 201)) -> Any:
        answer = self.client.request(method, path, json=body)
        token = self.client.headers.get("Authorization", "")
        self.made.append(Exchange(method, path, body, token, answer.status_code, answer.json()))
        assert answer.status_code in expect, self.made[-1]
        return self.made[-1].answer

    def keep(self, path: str, answer: Any) -> None:
        self.kept[path] = answer


def recorded(url: str, acts: int, returning: Collection[str], seed: int = 1) -> list[Exchange]:
    """Return what was asked and answered; in the end, everything that was acknowledged is asked for."""
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        person, act = Recorder(client, seed), Students(f"recorded{seed}", returning)
        checks(person)
        for _ in range(acts):
            act(person)
        for path, answer in person.kept.items():
            assert person.ask("GET", path) == answer, person.made[-1]
        return person.made


def checks(person: Recorder) -> None:
    """What is refused, and to whom; ids and email addresses in another case."""
    someone = {"username": "checked", "email": "Checked@mail.example", "password": "correct horse"}
    person.ask("GET", "/api/auth/me", None, (401,))
    person.ask("POST", "/api/auth/register", {**someone, "firstName": "\x00"}, (422,))
    made = person.ask("POST", "/api/auth/register", {**someone, "lastName": "Ünal"})
    person.client.headers["Authorization"] = f"Bearer {made['token']}"
    module = person.ask("GET", "/api/modules")[0]["id"]
    for path in ("x", "f" * 24):
        person.ask("GET", f"/api/modules/{path}", None, (404,))
    content = person.ask("GET", f"/api/modules/{module.upper()}")["contents"][0]["id"]
    person.ask("POST", f"/api/content/{content}/complete", {}, (403,))
    login = {"email": "CHECKED@mail.example", "password": "correct horse"}
    person.ask("POST", "/api/auth/login", login)
    for _ in range(ATTEMPTS):
        person.ask("POST", "/api/auth/login", {**login, "password": "wrong"}, (401,))
    person.ask("POST", "/api/auth/login", login, (423,))


def replayed(url: str, exchanges: Sequence[Exchange]) -> list[tuple[Exchange, int, Any]]:
    """Make the same requests in the same order. Return those that are answered differently, with their new answer."""
    different = []
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        for was in exchanges:
            now = client.request(was.method, was.path, json=was.body, headers={"Authorization": was.token})
            if (now.status_code, now.json()) != (was.status, was.answer):
                different.append((was, now.status_code, now.json()))
    return different

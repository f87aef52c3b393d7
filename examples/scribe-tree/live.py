"""Scribe Tree's students and educators at work: writes to its database as the application does, for some seconds.

    python examples/scribe-tree/live.py --url mongodb://localhost/scribe_tree --seconds 10 --rate 100

What is written is decided by `--seed` alone; only how far it gets depends on the machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(p) for p in (HERE, HERE.parent) if str(p) not in sys.path]

from seed import SYSTEM  # noqa: E402  (the examples are scripts: their folders are no package)

from seeding import Document, oid, sentence, text  # noqa: E402

NEW = 1_000_000  # documents that are made here have numbers from here on, beside the seed's
NOW = datetime(2026, 6, 1, 8, 0)


class Application:
    """Each method is something that people do; the number of its writes is in `written`."""

    def __init__(self, client: pymongo.MongoClient[Document], seed: int, scale: float) -> None:
        self.client, self.db = client, client.get_default_database()
        self.rng, self.sizes = random.Random(seed), SYSTEM.at(scale)
        self.number = NEW + seed * 100_000
        self.versions: Counter[ObjectId] = Counter()
        self.written: Counter[str] = Counter()

    def write_on(self) -> None:
        """A student writes: the document, a version of it and the session are saved in one transaction."""
        document, content = self.one("documents"), text(self.rng, self.rng.randint(20, 60))
        self.versions[document] += 1
        version = self.made("documentversions") | {"document": document, "version": 5000 + self.versions[document]}
        session = self.made("writingsessions") | {"document": document}
        count = {"metadata.wordCount": len(content.split()), "metadata.characterCount": len(content)}
        with self.client.start_session() as s, s.start_transaction():
            saved = {"$set": {"content": content, "updatedAt": self.now(), **count}}
            self.db["documents"].update_one({"_id": document}, saved, session=s)
            self.db["documentversions"].insert_one(version, session=s)
            self.db["writingsessions"].insert_one(session, session=s)
        self.written.update(updated=1, inserted=2)

    def comment(self) -> None:
        made = self.now()
        comment = {
            "_id": ObjectId(self.rng.randbytes(12)), "author": self.one("users"), "content": sentence(self.rng),
            "type": "general", "isResolved": False, "createdAt": made, "updatedAt": made,
        }  # fmt: skip
        self.update("assignmentsubmissions", {"$push": {"comments": comment}, "$set": {"updatedAt": made}})

    def resolve(self) -> None:
        """The oldest comment of a submission is done: it is removed."""
        self.update("assignmentsubmissions", {"$pop": {"comments": -1}})

    def enrol(self) -> None:
        self.update("courses", {"$addToSet": {"students": self.one("users")}})

    def unenrol(self) -> None:
        self.update("courses", {"$pull": {"students": self.one("users")}})

    def notify(self) -> None:
        self.insert("notifications")

    def read(self) -> None:
        self.update("notifications", {"$set": {"status": "read", "readAt": self.now()}})

    def tidy(self) -> None:
        """Old notifications are deleted, those that could not be moved among them."""
        self.db["notifications"].delete_one({"_id": self.one("notifications")})
        self.written.update(deleted=1)

    def sign_up(self) -> None:
        self.insert("users")

    def leave_course(self) -> None:
        """Two students exchange their places in two courses."""
        courses = [self.one("courses"), self.one("courses")]
        students = [self.one("users"), self.one("users")]
        with self.client.start_session() as s, s.start_transaction():
            for course, student in zip(courses, students, strict=True):
                self.db["courses"].update_one({"_id": course}, {"$pull": {"students": student}}, session=s)
            for course, student in zip(courses, reversed(students), strict=True):
                self.db["courses"].update_one({"_id": course}, {"$addToSet": {"students": student}}, session=s)
        self.written.update(updated=4)

    def rename_template(self) -> None:
        """A template is edited: the assignments that it was brought into show its instructions."""
        edited = {"instructions": text(self.rng, 3), "updatedAt": self.now()}
        self.update("assignmenttemplates", {"$set": edited})

    def correct(self) -> None:
        """Somebody gives a role that the new database knows to a user who has one that it does not."""
        found = self.db["users"].update_one({"role": "teacher"}, {"$set": {"role": "educator"}})
        self.written.update(updated=found.modified_count)

    # -- how it is written

    def one(self, entity: str) -> ObjectId:
        return oid(entity, self.rng.randrange(self.sizes[entity]))

    def made(self, entity: str) -> Document:
        self.number += 1
        return SYSTEM.make[entity](self.number, self.sizes)

    def now(self) -> datetime:
        return NOW + timedelta(milliseconds=self.rng.randrange(10**9))

    def insert(self, entity: str) -> None:
        self.db[entity].insert_one(self.made(entity))
        self.written.update(inserted=1)

    def update(self, entity: str, change: dict[str, Any]) -> None:
        self.db[entity].update_one({"_id": self.one(entity)}, change)
        self.written.update(updated=1)


OFTEN: dict[Callable[[Application], None], float] = {
    Application.write_on: 30, Application.comment: 12, Application.resolve: 4, Application.enrol: 5,
    Application.unenrol: 4, Application.notify: 12, Application.read: 14, Application.tidy: 5, Application.sign_up: 3,
    Application.leave_course: 2, Application.rename_template: 1, Application.correct: 0.2,
}  # fmt: skip


def run(url: str, seconds: float, rate: float, seed: int, scale: float) -> Counter[str]:
    """Let people work at about `rate` things a second. Return how many documents were inserted, updated, deleted."""
    with pymongo.MongoClient[Document](url) as client:
        application = Application(client, seed, scale)
        acts, weights = list(OFTEN), list(OFTEN.values())
        begin = time.monotonic()
        for done in range(round(seconds * rate)):
            time.sleep(max(0.0, begin + done / rate - time.monotonic()))
            application.rng.choices(acts, weights)[0](application)
        return application.written


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True, help="a database that seed.py has filled: mongodb://host/name")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=100, help="how many things people do in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="as given to seed.py")
    given = parser.parse_args()
    written = run(given.url, given.seconds, given.rate, given.seed, given.scale)
    print(", ".join(f"{n:,} {what}" for what, n in sorted(written.items())))


if __name__ == "__main__":
    main()

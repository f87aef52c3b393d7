"""The old application at work: writes to its database, for some seconds, while it is carried to the new one.

    python examples/ai-chatbot/live.py --url postgresql://localhost/chatbot --seconds 10 --rate 100

What is written is decided by `--seed` alone; only how far it gets depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from flaws import CHAT, MEDIA, USER, uid
from seed import AT_LEAST, SIZES

AGENT_OFTEN = 0.3
NEXT = "SELECT setval(pg_get_serial_sequence('messages', 'id'), (SELECT max(id) FROM messages))"


class Application:
    """Each method is something that people do, in one transaction; `written` counts the rows."""

    def __init__(self, connection: psycopg.Connection[Any], seed: int, scale: float) -> None:
        self.connection, self.rng = connection, random.Random(seed)
        self.sizes = {table: max(AT_LEAST, round(n * scale)) for table, n in SIZES.items()}
        self.written: Counter[str] = Counter()

    def say(self) -> None:
        """A person says something, the agent answers, and the conversation moves up."""
        chat, text = self.chat(), f"Said {self.rng.random():.6f}"
        for role in ("human", "bot"):
            parts = json.dumps([{"type": "text", "text": text}, {"type": "step", "n": self.rng.random()}])
            self.run(
                "INSERT INTO messages (conversation_id, role, content, parts) VALUES (%s, %s, %s, %s)",
                chat, role, text, parts,
            )  # fmt: skip
        self.run("UPDATE conversations SET updated_at = now() WHERE id = %s", chat)

    def begin(self) -> None:
        agent = self.agent() if self.rng.random() < AGENT_OFTEN else None
        self.run(
            "INSERT INTO conversations (id, user_id, agent_id, title) VALUES (%s, %s, %s, %s)",
            self.new(), self.user(), agent, self.rng.choice([None, "", "A question"]),
        )  # fmt: skip

    def rename(self) -> None:
        self.run("UPDATE conversations SET title = %s WHERE id = %s", f"Renamed {self.rng.random():.4f}", self.chat())

    def forget(self) -> None:
        """A conversation is deleted, its messages before it: nothing in the old database does that by itself."""
        chat = self.chat()
        self.run("DELETE FROM messages WHERE conversation_id = %s", chat)
        self.run("DELETE FROM conversations WHERE id = %s", chat)

    def upload(self) -> None:
        digest = self.rng.randbytes(32).hex()
        self.run(
            "INSERT INTO media_assets (id, user_id, message_id, file_name, size_bytes, url, sha256)"
            " VALUES (%s, %s, %s, 'new.png', %s, 'https://cdn.example/new.png', %s)",
            self.new(), self.user(), self.message(), self.rng.randrange(1, 10**6), digest,
        )  # fmt: skip

    def remove(self) -> None:
        self.run(
            "DELETE FROM media_assets WHERE id = %s", uid(MEDIA, self.rng.randrange(1, self.sizes["media_assets"]))
        )

    def edit(self) -> None:
        self.run("UPDATE users SET display_name = %s, updated_at = now() WHERE id = %s", self.name(), self.user())

    def exchange(self) -> None:
        """Two people exchange their addresses: neither can be written before the other."""
        one, other = self.user(), self.user()
        self.run(
            "UPDATE users AS u SET email = v.email FROM users AS v"
            " WHERE (u.id, v.id) IN ((%s::uuid, %s::uuid), (%s::uuid, %s::uuid)) AND u.id <> v.id",
            one, other, other, one,
        )  # fmt: skip

    def retire(self) -> None:
        """An agent is deleted by its owner, or brought back: the conversations with it show that."""
        self.run(
            "UPDATE agents SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE id = %s", self.agent()
        )

    def sign_in(self) -> None:
        self.run("INSERT INTO sessions VALUES (%s, %s, now())", self.rng.randbytes(12).hex(), self.user())

    # -- how it is written

    def run(self, query: str, *values: Any) -> None:
        self.written[query.split()[0].lower()] += self.connection.execute(query.encode(), values).rowcount

    def new(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.rng.randbytes(16), version=4)

    def user(self) -> str:
        return uid(USER, self.rng.randrange(1, self.sizes["users"]))

    def chat(self) -> str:
        return uid(CHAT, self.rng.randrange(1, self.sizes["conversations"]))

    def agent(self) -> int:
        return self.rng.randrange(1, self.sizes["agents"])

    def message(self) -> int:
        return self.rng.randrange(1, self.sizes["messages"])

    def name(self) -> str:
        return self.rng.choice(["", f"Name {self.rng.random():.4f}"])


OFTEN: dict[Callable[[Application], None], float] = {
    Application.say: 40, Application.begin: 8, Application.rename: 8, Application.forget: 2, Application.upload: 8,
    Application.remove: 4, Application.edit: 10, Application.exchange: 3, Application.retire: 1, Application.sign_in: 6,
}  # fmt: skip


def run(url: str, seconds: float, rate: float, seed: int, scale: float) -> Counter[str]:
    """Let people work at about `rate` things a second. Return how many rows were inserted, updated, deleted."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(NEXT)  # the seed gave numbers of its own
        application = Application(connection, seed, scale)
        acts: Sequence[Callable[[Application], None]] = list(OFTEN)
        begin = time.monotonic()
        for done in range(round(seconds * rate)):
            time.sleep(max(0.0, begin + done / rate - time.monotonic()))
            with connection.transaction():
                application.rng.choices(acts, list(OFTEN.values()))[0](application)
        return application.written


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True, help="a database that seed.py has filled")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=100, help="how many things people do in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="as given to seed.py")
    given = parser.parse_args()
    written = run(given.url, given.seconds, given.rate, given.seed, given.scale)
    print(", ".join(f"{n:,} rows by {what}" for what, n in sorted(written.items())))


if __name__ == "__main__":
    main()

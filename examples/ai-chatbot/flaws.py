"""The mess of the old application: each flaw with the rows that have it, and where they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Row = Mapping[str, Any]
DAY = "2024-02-29 23:59:59.123456"
HUGE = 1_500_000


def uid(kind: int, n: int) -> str:
    """Return the n-th id of a kind: what a server made at random, the same every time."""
    return str(UUID(int=(kind << 96) | (0x4000 << 64) | (0x8000 << 48) | n))


USER, CHAT, MEDIA = 0x10, 0x20, 0x30
ODD = 0x1000  # rows with a flaw have ids above those of the others
GONE = uid(USER, 0xDEAD)  # an account that was deleted
PLAIN, NO_EMAIL, FIRST_CHAT = uid(USER, 1), uid(USER + ODD, 4), uid(CHAT, 1)
LATE_CHAT = uid(CHAT + ODD, 1)  # a chat in quarantine
DELETED_AGENT = 9001


@dataclass(frozen=True)
class Flaw:
    """What is wrong with some rows of a table, and where these end: `copied`, `discarded` or a reason."""

    table: str
    what: str
    end: str
    rows: tuple[Row, ...]

    @property
    def where(self) -> str:
        """Return copied, quarantined or discarded."""
        return self.end if self.end in ("copied", "discarded") else "quarantined"


def user(n: int, **values: Any) -> Row:
    """Return an odd user."""
    made = {"id": uid(USER + ODD, n), "email": f"odd{n}@mail.example", "display_name": f"Odd {n}"}
    return made | {"created_at": f"{DAY}+00", "updated_at": "2024-03-01 00:00:00+00"} | values


def agent(n: int, **values: Any) -> Row:
    """Return an odd agent."""
    return {"id": 9000 + n, "owner_id": PLAIN, "name": f"Agent {n}", "created_at": f"{DAY}+00"} | values


def chat(n: int, **values: Any) -> Row:
    """Return an odd conversation."""
    return {"id": uid(CHAT + ODD, n), "user_id": PLAIN, "title": f"Chat {n}", "created_at": f"{DAY}+00"} | values


def message(n: int, **values: Any) -> Row:
    """Return an odd message."""
    made = {"id": 9_000_000 + n, "conversation_id": FIRST_CHAT, "role": "human", "content": "Hello"}
    return made | {"sent_at": DAY} | values


def media(n: int, **values: Any) -> Row:
    """Return an odd upload."""
    made = {"id": uid(MEDIA + ODD, n), "user_id": PLAIN, "file_name": f"odd{n}.png", "size_bytes": 10}
    return made | {"url": f"https://cdn.example/odd{n}.png", "sha256": f"{n:064x}", "uploaded_at": DAY} | values


FLAWS = (
    Flaw(
        "users",
        "e-mail of another user, in other letters",
        "unique",
        tuple(user(n, email=f"User{n}@Mail.Example") for n in (1, 2, 3)),
    ),
    Flaw("users", "no e-mail", "not_null", (user(4, email=None), user(5, email=None, display_name=None))),
    Flaw(
        "users",
        "display_name empty: the part of the e-mail before `@`",
        "copied",
        tuple(user(n, display_name="") for n in (6, 7, 8, 9)),
    ),
    Flaw("users", "display_name NULL: the same", "copied", tuple(user(n, display_name=None) for n in (10, 11, 12))),
    Flaw("users", "display_name of blanks: kept", "copied", (user(13, display_name="  "),)),
    Flaw(
        "users",
        "e-mail without `@`, no name: all of it is the name",
        "copied",
        (user(14, email="admin", display_name=None),),
    ),
    Flaw(
        "users",
        "names in decomposed letters, right-to-left, with emoji",
        "copied",
        (
            user(15, display_name="Zoe\u0308"),
            user(16, display_name="\u05d3\u05e0\u05d4"),
            user(17, display_name="\U0001f9d1\u200d\U0001f680"),
        ),
    ),
    Flaw("users", "updated_at NULL: created_at", "copied", tuple(user(n, updated_at=None) for n in (18, 19))),
    Flaw(
        "agents",
        "deleted by their owners",
        "discarded",
        tuple(agent(n, deleted_at="2024-03-01 00:00:00+00") for n in (1, 2, 3)),
    ),
    Flaw("agents", "available_until `infinity`: NULL, for ever", "copied", (agent(4, available_until="infinity"),)),
    Flaw(
        "agents",
        "available_until `-infinity`, which the new column does not know",
        "mapping_error",
        (agent(5, available_until="-infinity"),),
    ),
    Flaw(
        "agents",
        "a NUL in config: `json` takes the escape, `jsonb` does not",
        "nul_character",
        (agent(6, config='{"model": "gpt-4", "stop": "\\u0000"}'),),
    ),
    Flaw("agents", "an owner who was deleted", "foreign_key", (agent(7, owner_id=GONE),)),
    Flaw("conversations", "title of 300 characters for varchar(200)", "too_long", (chat(1, title="long " * 60),)),
    Flaw("conversations", "a user who was deleted", "foreign_key", tuple(chat(n, user_id=GONE) for n in (2, 3))),
    Flaw("conversations", "a user who is in quarantine", "foreign_key", (chat(4, user_id=NO_EMAIL),)),
    Flaw(
        "conversations",
        "an agent that was deleted: NULL",
        "copied",
        (chat(5, agent_id=DELETED_AGENT), chat(6, agent_id=9999)),
    ),
    Flaw("conversations", "title empty or NULL: `New chat`", "copied", (chat(7, title=""), chat(8, title=None))),
    Flaw(
        "messages",
        "orphaned: the conversation was deleted",
        "foreign_key",
        tuple(message(n, conversation_id=uid(CHAT, 0xDEAD)) for n in (1, 2, 3, 4)),
    ),
    Flaw("messages", "a conversation that is in quarantine", "foreign_key", (message(5, conversation_id=LATE_CHAT),)),
    Flaw(
        "messages",
        "a NUL in parts: `json` takes the escape, `jsonb` does not",
        "nul_character",
        tuple(message(n, parts='[{"type": "text", "text": "a\\u0000b"}]') for n in (6, 7)),
    ),
    Flaw("messages", "a role that the new enum does not know", "not_a_label", (message(8, role="narrator"),)),
    Flaw("messages", "neither content nor parts", "not_null", (message(9, content=None),)),
    Flaw("messages", f"a text of {HUGE:,} characters", "copied", (message(10, content="wall " * (HUGE // 5)),)),
    Flaw("media_assets", "the same file twice", "unique", tuple(media(n, sha256=f"{4:064x}") for n in (1, 2, 3))),
    Flaw(
        "media_assets",
        "a message that was deleted: NULL",
        "copied",
        tuple(media(n, message_id=8_999_999) for n in (4, 5)),
    ),
    Flaw("media_assets", "size below zero", "check", (media(6, size_bytes=-1),)),
    Flaw("media_assets", "no size", "not_null", (media(7, size_bytes=None),)),
    Flaw("media_assets", "a user who was deleted", "foreign_key", (media(8, user_id=GONE),)),
)

"""The routes, and what is checked before a store sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from bson import ObjectId
from fastapi import Depends, FastAPI, Header
from pydantic import AfterValidator, BaseModel, Field

from hack_the_world_app import academy
from hack_the_world_app.academy import Act
from hack_the_world_app.passwords import hashed, is_password, token_of, user_of
from hack_the_world_app.store import Kind, Record, Repository, Store
from journeys.application import Answered

ID = r"^[0-9a-f]{24}$"


def _no_nul(text: str) -> str:
    """MongoDB stores the character NUL in text, PostgreSQL does not."""
    if "\x00" in text:
        raise ValueError("text has no character NUL")
    return text


Text = Annotated[str, Field(max_length=200), AfterValidator(_no_nul)]


class Registration(BaseModel):
    username: Annotated[Text, Field(min_length=1)]
    email: Annotated[Text, Field(min_length=3)]
    password: Annotated[Text, Field(min_length=8)]
    firstName: Text | None = None  # noqa: N815  (the API's name)
    lastName: Text | None = None  # noqa: N815


class Credentials(BaseModel):
    email: Text
    password: Text


class Completion(BaseModel):
    score: Annotated[int, Field(ge=0, le=100)] | None = None
    timeSpent: Annotated[int, Field(ge=0, le=86_400)] = 0  # noqa: N815
    notes: Text | None = None


def now() -> datetime:
    """UTC, in milliseconds: a document has no more, and what is finer would not come back."""
    moment = datetime.now(UTC).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id() -> str:
    """Both stores get the digits of an ObjectId, so that a row leads back to a document."""
    return str(ObjectId())


def _logged_in(authorization: Annotated[str, Header()] = "") -> str:
    user_id = user_of(authorization.removeprefix("Bearer "))
    if user_id is None:
        raise Answered(401, "nobody is logged in")
    return user_id


User = Annotated[str, Depends(_logged_in)]


def routes(
    app: FastAPI, store: Callable[[], Store], now: Callable[[], datetime] = now, new_id: Callable[[], str] = new_id
) -> None:
    def act(repository: Repository) -> Act:
        return Act(repository, now(), new_id)

    @app.post("/api/auth/register", status_code=201)
    def register(given: Registration) -> Record:
        password = hashed(given.password)
        user = store().transaction(lambda r: academy.register(act(r), given.model_dump(), password))
        return {"user": academy.public(user), "token": token_of(user["id"])}

    @app.post("/api/auth/login")
    def login(given: Credentials) -> Record:
        open_store = store()
        user = open_store.read(lambda r: r.user_with("email", given.email.lower()))
        if user is None:
            raise Answered(401, "no user has this email and this password")
        right = is_password(given.password, user["password"])
        done = open_store.transaction(lambda r: academy.log_in(act(r), user["id"], right=right))
        if isinstance(done, Answered):
            raise done
        return {"user": academy.public(done), "token": token_of(done["id"])}

    @app.get("/api/auth/me")
    def me(user_id: User) -> Record:
        return academy.public(store().read(lambda r: act(r).user(user_id)))

    @app.get("/api/users/{user_id}")
    def user(user_id: str) -> Record:
        return academy.public(store().read(lambda r: academy.known(r.user(_id(user_id)))))

    @app.get("/api/users/{user_id}/{kind}/{of}")
    def of_user(user_id: str, kind: Kind, of: str) -> Record:
        return store().read(lambda r: academy.of_user(r, kind, _id(user_id), _id(of)))

    @app.get("/api/leaderboard")
    def leaderboard(by: Literal["streak", "points"] = "streak", limit: int = 50) -> list[Record]:
        return [academy.public(user) for user in store().read(lambda r: r.leaders(by, limit))]

    @app.get("/api/modules")
    def modules() -> list[Record]:
        return list(store().read(lambda r: r.modules()))

    @app.get("/api/modules/{module_id}")
    def module(module_id: str, user_id: User) -> Record:
        return store().read(lambda r: academy.module(r, user_id, _id(module_id)))

    @app.post("/api/modules/{module_id}/enroll", status_code=201)
    def enrol(module_id: str, user_id: User) -> Record:
        return store().transaction(lambda r: academy.enrol(act(r), user_id, _id(module_id)))

    @app.post("/api/content/{content_id}/complete")
    def complete(content_id: str, given: Completion, user_id: User) -> Record:
        asked: dict[str, Any] = given.model_dump()
        return store().transaction(lambda r: academy.complete(act(r), user_id, _id(content_id), asked))


def _id(text: str) -> str:
    """MongoDB takes the digits of an id in any case, a column of text does not."""
    if len(text) != 24 or set(text.lower()) - set("0123456789abcdef"):
        raise Answered(404, "there is no such id")
    return text.lower()

"""The part of an application that a move is about: two stores, which of them is open, and what it answers meanwhile.

    class Store(Protocol): ...                        # the application's own: what its routes ask for
    app, store = application(OldStore, NewStore)      # each is called once, with the URL of its database

    @app.get("/courses/{course}")
    def course(course: str) -> Document:
        return store().course(course)

The file that `crossfade cutover` writes (`[cutover] file`) says which store is open; it is looked at before each
request. While a database refuses writes, the answer is 503 with Retry-After, and nothing else is needed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pymongo.errors import OperationFailure
from sqlalchemy.exc import DBAPIError

USER_WRITES_BLOCKED = 371  # MongoDB
READ_ONLY_SQL_TRANSACTION = "25006"  # PostgreSQL

Store = TypeVar("Store")


class Answered(Exception):
    """The request ends here, with this status: 404, 409, 422."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status, errors)
        self.status, self.errors = status, errors


class Switch(Generic[Store]):
    """The store that is open. `file` names its stage; where there is none, that is the old one."""

    def __init__(self, old: Callable[[], Store], new: Callable[[], Store], file: Path) -> None:
        self._open = {False: old, True: new}
        self._file, self._lock = file, threading.Lock()
        self._made: dict[bool, Store] = {}
        self._seen: tuple[int, int] | None = None
        self._is_new = False

    def __call__(self) -> Store:
        with self._lock:
            self._look()
            if self._is_new not in self._made:
                self._made[self._is_new] = self._open[self._is_new]()
            return self._made[self._is_new]

    @property
    def stage(self) -> str:
        self()
        return "target" if self._is_new else "source"

    def _look(self) -> None:
        """Read the file if it is another one than last time: Crossfade replaces it, it is never half written."""
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            self._is_new = json.loads(self._file.read_text(encoding="utf-8"))["stage"] == "target"
            self._seen = found.st_ino, found.st_mtime_ns


def application(old: Callable[[str], Store], new: Callable[[str], Store]) -> tuple[FastAPI, Switch[Store]]:
    """Return the application without routes, and what gives its routes their store.

    The environment has OLD_URL, NEW_URL, STAGE_FILE, and READ_ONLY_FILE: while that is there, nobody may write.
    """
    given = os.environ
    switch = Switch(lambda: old(given["OLD_URL"]), lambda: new(given["NEW_URL"]), Path(given["STAGE_FILE"]))
    app, read_only = FastAPI(), Path(given["READ_ONLY_FILE"])

    @app.middleware("http")
    async def maintenance(request: Request, respond: Callable[[Request], Awaitable[Response]]) -> Response:
        return _later() if request.method != "GET" and read_only.exists() else await respond(request)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"stage": switch.stage}

    app.exception_handler(Answered)(_ended)
    app.exception_handler(OperationFailure)(_refused)
    app.exception_handler(DBAPIError)(_refused)
    return app, switch


def is_refusal(error: Exception) -> bool:
    """Return whether the database takes no writes at the moment; any other error is one of the application."""
    if isinstance(error, OperationFailure):
        inner = (error.details or {}).get("writeErrors") or [{}]  # of several writes at once
        return USER_WRITES_BLOCKED in (error.code, inner[0].get("code"))
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == READ_ONLY_SQL_TRANSACTION


async def _refused(_: Request, error: Exception) -> Response:
    if not is_refusal(error):
        raise error
    return _later()


async def _ended(_: Request, error: Exception) -> Response:
    assert isinstance(error, Answered)
    return JSONResponse({"errors": list(error.errors)}, error.status)


def _later() -> Response:
    return JSONResponse({"errors": ["no writes at the moment"]}, 503, headers={"Retry-After": "1"})


Document = dict[str, Any]
"""An answer, as JSON."""

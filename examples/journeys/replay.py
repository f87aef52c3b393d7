"""Requests that were recorded while one store was open, made again while the other one is: every answer is compared.

    recorded = record(url, [
        Request("GET", "/courses/64f1..."),
        Request("POST", "/notes", {"text": "..."}, name="note"),
        Request("GET", "/notes/$note"),                  # the id that the answer named so has
    ])
    ...
    for difference in replay(url, recorded): ...

A request that makes something makes another one when it is made again, with other ids, at another time. So the ids that
a recorded write made stand for those that are made now, in later paths and answers too; and of what those requests
answer, the times are not compared (`TIMES`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

TIMES = frozenset({"createdAt", "updatedAt", "submittedAt", "joinedAt", "startTime", "endTime"})
ID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An ObjectId or a UUID."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any = None
    name: str = ""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    request: Request
    status: int
    answer: Any


def record(url: str, requests: Iterable[Request]) -> list[Exchange]:
    """Make the requests."""
    names: dict[str, str] = {}
    made: list[Exchange] = []
    with httpx.Client(base_url=url, timeout=120) as client:
        for asked in requests:
            made.append(_exchange(client, _renamed(asked, names)))
            if asked.name and (new := _id(made[-1])):
                names[f"${asked.name}"] = new
    return made


def replay(url: str, recorded: Sequence[Exchange]) -> list[str]:
    """Make the same requests again; return what differs, a sentence each."""
    names: dict[str, str] = {}
    return [what for was, now in _again(url, recorded, names) for what in _compared(was, now, names)]


def _again(url: str, recorded: Sequence[Exchange], names: Mapping[str, str]) -> Iterator[tuple[Exchange, Exchange]]:
    with httpx.Client(base_url=url, timeout=120) as client:
        for was in recorded:
            yield was, _exchange(client, _renamed(was.request, names))


def _compared(was: Exchange, now: Exchange, names: dict[str, str]) -> Iterator[str]:
    is_made = was.request.method != "GET" or now.request != was.request
    found = differences({"status": was.status, "answer": was.answer}, {"status": now.status, "answer": now.answer})
    for path, old, new in found:
        if is_made and path.rpartition(".")[2] in TIMES and old and new:
            continue
        if is_made and _are_ids(old, new) and names.setdefault(old, new) == new:
            continue
        yield f"{was.request.method} {was.request.path}: {path} was {old!r}, is {new!r}"


def _are_ids(*values: Any) -> bool:
    return all(isinstance(value, str) and ID.fullmatch(value) for value in values)


def _exchange(client: httpx.Client, request: Request) -> Exchange:
    answer = client.request(request.method, request.path, json=request.body)
    return Exchange(request, answer.status_code, answer.json())


def _id(exchange: Exchange) -> str | None:
    return exchange.answer.get("id") if isinstance(exchange.answer, dict) else None


def _renamed(request: Request, names: Mapping[str, str]) -> Request:
    path = request.path
    for old, new in names.items():
        path = path.replace(old, new)
    return replace(request, path=path, body=_text_renamed(request.body, names))


def _text_renamed(value: Any, names: Mapping[str, str]) -> Any:
    text = json.dumps(value)
    for old, new in names.items():
        text = text.replace(old, new)
    return json.loads(text)


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place where two JSON values differ, with both values. A list of another length is one place."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from differences(old.get(name), new.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for n, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, f"{path}[{n}]")
    elif old != new:
        yield path, old, new

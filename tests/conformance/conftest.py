"""Runs each test for every store that has its part: `source` fills a source with records, `target` is an empty one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from feeds import FEEDS, NEEDED, Fed
from fences import FENCE_NEEDED, FENCES, Fenceable
from gaps import parameter
from kinds import ABSENT, SOURCES, SQL_SOURCES, TARGETS, Entities, Source, Target, opened_source, opened_target

from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from scratch import create_database, drop_database


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, stores in (("source", SOURCES), ("target", TARGETS), ("tables", SQL_SOURCES)):
        if fixture in metafunc.fixturenames:
            marks = list(metafunc.definition.iter_markers())
            metafunc.parametrize(fixture, [parameter(name, marks, name) for name in stores], indirect=True)
    if "fed" in metafunc.fixturenames:
        marks = list(metafunc.definition.iter_markers())
        named = [parameter(name, marks, name, ABSENT.get(("changes", name))) for name in FEEDS]
        metafunc.parametrize("fed", named, indirect=True)
    if "fenced" in metafunc.fixturenames:
        marks = list(metafunc.definition.iter_markers())
        metafunc.parametrize("fenced", [parameter(name, marks, name) for name in FENCES], indirect=True)


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Callable[[Entities], Source]]:
    """Return a function that opens a source with these records."""
    opened: list[Source] = []

    def open_with(entities: Entities) -> Source:
        opened.append(opened_source(request.param, request, entities))
        return opened[-1]

    yield open_with
    for one in opened:
        one.store.close()


@pytest.fixture
def fed(request: pytest.FixtureRequest) -> Iterator[Callable[[], Fed]]:
    """Return a function that opens a source to which an application writes."""
    opened: list[Fed] = []
    request.getfixturevalue(NEEDED[request.param])  # so that it goes after what is opened here

    def open_one() -> Fed:
        opened.append(Fed(FEEDS[request.param](request), "cf_" + secrets.token_hex(6)))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def fenced(request: pytest.FixtureRequest) -> Iterator[Callable[[], Fenceable]]:
    """Return a function that opens a database to which applications write."""
    opened: list[Fenceable] = []
    if request.param in FENCE_NEEDED:  # so that it goes after what is opened here
        request.getfixturevalue(FENCE_NEEDED[request.param])

    def open_one() -> Fenceable:
        opened.append(Fenceable(request.param, request))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def mongodb_with_logins() -> Iterator[str]:
    """A server for one module: who blocks writes blocks them in all databases."""
    with mongodb(auth=True) as url:
        yield url


@pytest.fixture(scope="session")
def one_postgresql(postgresql_url: str) -> Iterator[str]:
    """Return the URL of a database for all tests here: each of its own would cost more than the test."""
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        create_database(connection, name)
        yield with_database(postgresql_url, name)
        drop_database(connection, name)


@pytest.fixture
def emptied_postgresql(one_postgresql: str) -> Iterator[str]:
    yield one_postgresql
    with psycopg.connect(one_postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS crossfade CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    found = opened_target(request.param, request)
    yield found
    found.store.close()

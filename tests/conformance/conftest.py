"""Runs each test for every store that has its part: `source` fills a source with records, `target` is an empty one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from gaps import parameter
from kinds import SOURCES, SQL_SOURCES, TARGETS, Entities, Source, Target, opened_source, opened_target

from crossfade.testing import with_database


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, stores in (("source", SOURCES), ("target", TARGETS), ("tables", SQL_SOURCES)):
        if fixture in metafunc.fixturenames:
            marks = list(metafunc.definition.iter_markers())
            metafunc.parametrize(fixture, [parameter(name, marks, name) for name in stores], indirect=True)


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


@pytest.fixture(scope="session")
def one_postgresql(postgresql_url: str) -> Iterator[str]:
    """Return the URL of a database for all tests here: each of its own would cost more than the test."""
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        yield with_database(postgresql_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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

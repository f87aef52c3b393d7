"""Whatever a role, a database, the URL and the environment set: our sessions have our settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from crossfade.errors import CrossfadeError, Refused
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.session.connect import RunUrl, connect
from crossfade.stores.postgresql.session.settings import PRIVILEGED, READING, SETTINGS
from odd_settings import ODD, odd_database
from scratch import PostgresScratch


@pytest.fixture(scope="module")
def odd(postgresql_url: str) -> Iterator[str]:
    with odd_database(postgresql_url) as url:
        yield url


def test_every_setting_of_the_list_has_an_odd_value() -> None:
    assert ODD.keys() == SETTINGS.keys() | {"search_path", "lc_monetary"}
    assert all(SETTINGS.get(name) != value for name, value in ODD.items())


def by_psycopg(url: str) -> dict[str, str]:
    with connect(url) as connection:
        return dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())


def by_adbc(url: str) -> dict[str, str]:
    with closing(PostgresRowReader(url)) as reader, closing(reader._adbc._connection().cursor()) as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings")
        return dict(cursor.fetchall())


WAYS = pytest.mark.parametrize(("shown", "more"), [(by_psycopg, {}), (by_adbc, READING)])
Shown = Callable[[str], dict[str, str]]


@WAYS
def test_every_connection_has_the_settings_of_the_list(
    odd: str, shown: Shown, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "SJIS")
    monkeypatch.setenv("PGOPTIONS", "-c bytea_output=escape")
    there = shown(odd + "?client_encoding=latin1&options=-c%20extra_float_digits%3D0&application_name=mine")
    wanted = {**SETTINGS, **more, "search_path": "public", "lc_monetary": "C"}
    assert "client_encoding" in there
    assert {n: there[n] for n in wanted if n in there} == {n: v for n, v in wanted.items() if n in there}


@WAYS
def test_every_connection_bears_the_name_of_its_run(odd: str, shown: Shown, more: dict[str, str]) -> None:
    assert shown(RunUrl(odd, "0123"))["application_name"] == "crossfade-0123"


def test_types_of_extensions_elsewhere_are_found(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions")
    with connect(pg_db.url) as connection:
        assert connection.execute("SELECT '[1,2]'::vector = '[1,2.0]'").fetchone() == (True,)
        assert connection.execute("SHOW search_path").fetchone() == ("public, extensions",)


@WAYS
@pytest.mark.parametrize("name", PRIVILEGED)
def test_what_only_a_superuser_can_set_back(postgresql_url: str, shown: Shown, more: dict[str, str], name: str) -> None:
    odd_value = {"session_replication_role": "replica"}.get(name, "on")
    with odd_database(postgresql_url) as url, psycopg.connect(postgresql_url, autocommit=True) as admin:
        role = url.partition("//")[2].partition(":")[0]
        admin.execute(f"ALTER ROLE {role} SET {name} TO '{odd_value}'".encode())
        with pytest.raises(Refused, match=name):
            shown(url)
        admin.execute(f"ALTER ROLE {role} SUPERUSER".encode())
        assert shown(url)[name] == PRIVILEGED[name]


def test_bytes_that_are_no_text_are_no_lost_connection(postgresql_url: str) -> None:
    """In SQL_ASCII anybody may have stored them."""
    with odd_database(postgresql_url, "SQL_ASCII") as url, open_store(url) as store:
        with psycopg.connect(url, options="-c search_path=public -c default_transaction_read_only=off") as connection:
            connection.execute(r"CREATE TABLE public.t (id int PRIMARY KEY, name text)")
            connection.execute(r"INSERT INTO public.t VALUES (1, E'\xff')")
        (table,) = need(store.ddl, store, "be inspected").live_schema().tables
        with pytest.raises(CrossfadeError, match="invalid byte sequence") as caught:
            list(need(store.row_reader, store, "be read back").scan(table, ["id", "name"]))
    assert (caught.value.exit_status, caught.value.passing) == (1, False)

"""A role that owns its schema, and can create nothing else in the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossfade.errors import CrossfadeError
from crossfade.journal import journal
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.ddl import PostgresDdl
from crossfade.stores.postgresql.session.rights import denied
from crossfade.testing.urls import as_user
from scratch import PostgresScratch

SCHEMA = "CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)"


@pytest.fixture
def role(pg_db: PostgresScratch) -> Iterator[str]:
    name = f"r_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {name} LOGIN")
    try:
        yield name
    finally:
        pg_db.execute(f"DROP OWNED BY {name} CASCADE")
        pg_db.execute(f"DROP ROLE {name}")


def begin(url: str) -> None:
    schema = PostgresDdl(url).scratch_schema(SCHEMA, "schema.sql")
    with open_store(url) as store:
        journal.create(store)
        for step in (*schema.pre, *schema.post):
            with need(store.writer, store, "be written to").transaction() as tx:
                tx.run(step.sql)


def test_each_lacking_right_is_named_with_the_statement_that_gives_it(pg_db: PostgresScratch, role: str) -> None:
    url = as_user(pg_db.url, role, "")
    given = (
        f"CREATE SCHEMA shop AUTHORIZATION {role}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {role}",
        f"CREATE SCHEMA crossfade AUTHORIZATION {role}",
    )
    for number, statement in enumerate(given):
        with pytest.raises(CrossfadeError) as refused:
            begin(url)
        assert refused.value.hint is not None
        assert [one in refused.value.hint for one in given] == [one in given[number:] for one in given]
        pg_db.execute(statement)
    begin(url)
    assert [name for (name,) in pg_db.execute("SELECT relname FROM pg_class WHERE relname IN ('t', 'u', 'move')")] != []


@pytest.mark.parametrize(
    ("said", "table", "hint"),
    [
        ("permission denied for schema crossfade", "", "GRANT USAGE, CREATE ON SCHEMA crossfade TO dev"),
        ("permission denied for table t", "Shop.t", 'ON TABLE "Shop".t TO dev'),
        ("permission denied for table move", "people", "ON TABLE move TO dev"),
        ("permission denied for sequence T_id_seq", "", 'ON SEQUENCE "T_id_seq" TO dev'),
        ("permission denied for function f", "", "GRANT EXECUTE ON FUNCTION f TO dev"),
        ('permission denied to create temporary tables in database "d"', "", "GRANT TEMPORARY ON DATABASE d TO dev"),
        ("must be owner of materialized view v", "", "ALTER MATERIALIZED VIEW v OWNER TO dev"),
    ],
)
def test_what_the_server_says_of_a_right_is_told_with_the_grant(said: str, table: str, hint: str) -> None:
    for url in ("postgresql://dev@h/d", "postgresql+psycopg://h/d?user=dev"):
        told = denied(said, url, table)
        assert told is not None
        assert hint in (told.hint or "")
        assert said in told.message


def test_a_journal_that_the_role_may_not_read(pg_db: PostgresScratch, role: str) -> None:
    begin(pg_db.url)
    url = as_user(pg_db.url, role, "")
    with (
        open_store(url) as store,
        pytest.raises(CrossfadeError) as refused,
        need(store.writer, store, "be written to").transaction() as tx,
    ):
        journal.find_move(tx)
    assert f"GRANT USAGE, CREATE ON SCHEMA crossfade TO {role}" in (refused.value.hint or "")


def test_the_right_to_create_in_the_database_is_enough(pg_db: PostgresScratch, role: str) -> None:
    pg_db.execute(f"GRANT CREATE ON DATABASE {pg_db.name} TO {role}")
    pg_db.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    begin(as_user(pg_db.url, role, ""))


def test_a_schema_that_the_role_owns_is_proposed_for_its_tables(pg_db: PostgresScratch, role: str) -> None:
    pg_db.execute(f"CREATE SCHEMA app AUTHORIZATION {role}")
    ddl = PostgresDdl(as_user(pg_db.url, role, ""))
    with pytest.raises(CrossfadeError) as refused:
        ddl.scratch_schema("CREATE TABLE t (id int PRIMARY KEY)", "schema.sql")
    assert refused.value.hint is not None
    assert "?schema=app" in refused.value.hint
    ddl = PostgresDdl(as_user(pg_db.url, role, "") + "?schema=app")
    schema = ddl.scratch_schema("CREATE TABLE t (id int PRIMARY KEY)", "schema.sql")
    assert [(t.name, t.schema) for t in schema.tables] == [("t", "app")]


def test_a_schema_of_the_url_that_is_not_there(pg_db: PostgresScratch, role: str) -> None:
    """The journal's is named with it; tables that name no schema are in it, not in public."""
    ddl = PostgresDdl(as_user(pg_db.url, role, "") + "?schema=app")
    with pytest.raises(CrossfadeError) as refused:
        ddl.scratch_schema("CREATE TABLE t (id int PRIMARY KEY)", "schema.sql")
    assert refused.value.hint == (
        f"as an administrator: CREATE SCHEMA app AUTHORIZATION {role};"
        f" CREATE SCHEMA crossfade AUTHORIZATION {role} (for the journal);"
        f" or, instead of each CREATE SCHEMA, GRANT CREATE ON DATABASE {pg_db.name} TO {role}"
    )


def test_a_role_that_may_create_databases_is_told_all_that_its_target_lacks(pg_db: PostgresScratch, role: str) -> None:
    """The file is tried in a database of its own, where it may do everything; the journal comes first in the target."""
    pg_db.execute(f"ALTER ROLE {role} CREATEDB")
    with pytest.raises(CrossfadeError) as refused:
        begin(as_user(pg_db.url, role, ""))
    hint = refused.value.hint or ""
    assert f"CREATE SCHEMA crossfade AUTHORIZATION {role}" in hint
    assert f"GRANT USAGE, CREATE ON SCHEMA public TO {role} (for tables that name no schema)" in hint


def test_of_a_source_only_the_right_to_read_is_asked_for(pg_db: PostgresScratch, role: str) -> None:
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    url = as_user(pg_db.url, role, "")
    with open_store(url) as store:
        reader = need(store.reader, store, "be read")
        (entity,) = need(store.inspector, store, "be inspected").entities()
        with pytest.raises(
            CrossfadeError, match=r"of postgresql://.* lacks a privilege: permission denied for table t; "
        ) as told:
            list(reader.scan(entity.name))
    said = f"as an administrator: GRANT SELECT ON TABLE t TO {role}; or, for everything that is read, GRANT pg_read_all"
    assert (told.value.hint or "").startswith(said)


def test_a_role_that_may_use_no_schema_of_its_path(pg_db: PostgresScratch, role: str) -> None:
    """PostgreSQL only says that no schema has been selected."""
    pg_db.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    url = as_user(pg_db.url, role, "")
    with pytest.raises(CrossfadeError) as refused:
        PostgresDdl(url).scratch_schema("CREATE TABLE u (id int PRIMARY KEY)", "schema.sql")
    assert refused.value.hint is not None
    assert f"GRANT USAGE, CREATE ON SCHEMA public TO {role}" in refused.value.hint

"""The metadata works in real databases, and they report it back as intended."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossfade.schema.prisma import PrismaSchema, read_prisma
from crossfade.schema.prisma.names import Dialect

SCHEMAS = Path(__file__).parent / "prisma"

MISSING = """
model UserStats {
  id     String @id @default(cuid())
  userId String @unique
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
  points Int    @default(0)
}
model UserSecurity {
  id     String @id @default(cuid())
  userId String @unique
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
}
"""


class Scratch(Protocol):
    @property
    def url(self) -> str: ...


def hack_the_world(folder: Path, dialect: Dialect) -> PrismaSchema:
    """The document's schema with the two models that it refers to and does not define."""
    extra = folder / "missing.prisma"
    extra.write_text(MISSING, encoding="utf-8")
    return read_prisma([SCHEMAS / "hack-the-world.prisma", extra], dialect)


def made(schema: PrismaSchema, engine: sa.Engine) -> sa.Inspector:
    schema.metadata.create_all(engine)
    return sa.inspect(engine)


@pytest.fixture
def postgresql(pg_db: Scratch) -> Any:
    engine = sa.create_engine(sa.make_url(pg_db.url).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite() -> Any:
    engine = sa.create_engine("sqlite://")
    yield engine
    engine.dispose()


def test_hack_the_world_in_postgresql(postgresql: sa.Engine, tmp_path: Path) -> None:
    schema = hack_the_world(tmp_path, "postgresql")
    live = made(schema, postgresql)
    assert sorted(live.get_table_names()) == sorted(schema.metadata.tables)
    with postgresql.connect() as connection:
        enums = connection.scalars(sa.text("SELECT typname FROM pg_type WHERE typtype = 'e'")).all()
    assert sorted(enums) == sorted(
        ["Role", "AdminStatus", "ExperienceLevel", "ContentType", "DifficultyLevel", "EnrollmentStatus",
         "ProgressStatus", "AchievementDifficulty"]
    )  # fmt: skip
    for table in schema.metadata.tables.values():
        assert same_columns(table, live, postgresql), table.name
        assert live.get_pk_constraint(table.name)["name"] == table.primary_key.name
        assert {i["name"] for i in live.get_indexes(table.name)} == {i.name for i in table.indexes}
        assert {f["name"] for f in live.get_foreign_keys(table.name)} == {f.name for f in table.foreign_key_constraints}


def same_columns(table: sa.Table, live: sa.Inspector, engine: sa.Engine) -> bool:
    """Whether a live table has the columns of a table of ours: name, type, whether it may be null."""
    ours = [(c.name, c.type.compile(engine.dialect), c.nullable) for c in table.columns]
    theirs = [(c["name"], c["type"].compile(engine.dialect), c["nullable"]) for c in live.get_columns(table.name)]
    return ours == theirs


def test_hack_the_world_in_sqlite(sqlite: sa.Engine, tmp_path: Path) -> None:
    schema = hack_the_world(tmp_path, "sqlite")
    live = made(schema, sqlite)
    assert sorted(live.get_table_names()) == sorted(schema.metadata.tables)
    assert all(same_columns(t, live, sqlite) for t in schema.metadata.tables.values())
    assert "users_role_check" in {c["name"] for c in live.get_check_constraints("users")}
    (key,) = live.get_foreign_keys("profiles")
    assert key["options"] == {"onupdate": "CASCADE", "ondelete": "CASCADE"}
    with sqlite.connect() as connection:  # SQLAlchemy before 2.1 does not read the name of such a key
        (made_by,) = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'profiles'").one()
    assert 'CONSTRAINT "profiles_userId_fkey" FOREIGN KEY' in made_by


def test_an_enum_check_holds_in_sqlite(sqlite: sa.Engine, tmp_path: Path) -> None:
    made(hack_the_world(tmp_path, "sqlite"), sqlite)
    insert = (
        "INSERT INTO users (id, username, email, password, \"updatedAt\", role) VALUES ('1', 'a', 'b', 'c', 'd', :role)"
    )
    with sqlite.begin() as connection:
        connection.execute(sa.text(insert), {"role": "ADMIN"})
        with pytest.raises(sa.exc.IntegrityError, match="users_role_check"):
            connection.execute(sa.text(insert.replace("'1'", "'2'")), {"role": "admin"})


def test_everything_in_postgresql(postgresql: sa.Engine) -> None:
    live = made(read_prisma([SCHEMAS / "everything.prisma"], "postgresql", comments=True), postgresql)
    indexes = {i["name"]: i for i in live.get_indexes("users")}
    assert indexes["users_settings_idx"]["dialect_options"]["postgresql_using"] == "gin"
    assert "desc" in indexes["users_created_at_email_idx"]["column_sorting"]["created_at"]
    code = indexes["users_code_key"]
    assert code["unique"]
    assert code["dialect_options"]["postgresql_where"] == '((flag = true) AND ("mentorId" IS NOT NULL))'
    assert live.get_table_comment("users")["text"] == "Somebody who can log in.\nMay be nobody in particular."
    assert live.get_pk_constraint("_LabelToPost")["name"] == "_LabelToPost_AB_pkey"
    assert live.get_foreign_keys("Post")[1]["name"] == "Post_parent_fkey"


def test_defaults_in_postgresql_are_what_was_written(postgresql: sa.Engine) -> None:
    made(read_prisma([SCHEMAS / "everything.prisma"], "postgresql"), postgresql)
    row = defaults(postgresql)
    assert row["role"] == "ADMIN"
    assert (row["tags"], row["scores"], row["small"], row["big"]) == (["a", "it's"], [], -1, 9007199254740993)
    assert (str(row["price"]), row["ratio"], row["flag"]) == ("12.50", 0.5, True)
    assert row["settings"] == {"theme": "50% :dark", "a": 1}
    assert bytes(row["avatar"]) == b"hello"
    assert row["code"].rstrip() == "x:y 100% ''"
    assert row["epoch"].isoformat() == "1970-01-01T02:00:00"  # as in a database that Prisma made


def test_everything_in_sqlite(sqlite: sa.Engine) -> None:
    made(read_prisma([SCHEMAS / "everything.prisma"], "sqlite"), sqlite)
    row = defaults(sqlite)
    assert (row["roles"], row["tags"], row["scores"]) == ('["student", "ADMIN"]', '["a", "it\'s"]', "[]")
    assert (row["small"], row["big"], row["flag"], row["avatar"]) == (-1, 9007199254740993, 1, b"hello")
    assert row["code"] == "x:y 100% ''"


def defaults(engine: sa.Engine) -> Any:
    """A user of whom only the columns without a default were given."""
    given = {"id": "1", "email": "e", "updatedAt": "2020-01-01"}
    with engine.begin() as connection:
        token = ", token" if engine.dialect.name == "sqlite" else ""
        value = ", 't'" if token else ""
        insert = f'INSERT INTO users (id, email, "updatedAt"{token}) VALUES (:id, :email, :updatedAt{value})'
        connection.execute(sa.text(insert), given)
        return connection.execute(sa.text("SELECT * FROM users")).mappings().one()


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
KINDS = st.sampled_from(
    ["String", "Int", "BigInt", "Float", "Decimal", "Boolean", "DateTime", "Json", "Bytes", "String[]", "Int?", "Json?"]
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(NAMES.map(str.lower), KINDS, max_size=8), unique=st.booleans(), table=NAMES)
def test_any_model_works_in_sqlite(tmp_path: Path, fields: dict[str, str], unique: bool, table: str) -> None:
    fields = {n: k for n, k in fields.items() if n != "id"}
    lines = [f" {name} {kind}{' @unique' if unique else ''}" for name, kind in fields.items()]
    file = tmp_path / "any.prisma"
    file.write_text("\n".join(["model Any {", " id Int @id", *lines, f' @@map("{table}_")', "}"]), encoding="utf-8")
    engine = sa.create_engine("sqlite://")
    live = made(read_prisma([file], "sqlite"), engine)
    nullable = {c["name"]: c["nullable"] for c in live.get_columns(f"{table}_")}
    indexes = {i["name"]: i["unique"] for i in live.get_indexes(f"{table}_")}
    engine.dispose()
    assert nullable == {"id": False} | {n: k[-1] in "?]" for n, k in fields.items()}
    assert indexes == ({f"{table}__{n}_key": 1 for n in fields} if unique else {})

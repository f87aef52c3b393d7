"""Facts about the languages of the target databases, so that no code has to ask which database it is.

Facts about a database beyond its SQL are in its store (stores/contract/store.py, `Traits`).
"""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.errors import Misused


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    has_schemas: bool  # are tables in schemas?
    has_types: bool  # are there enums, domains and arrays, and independent sequences?
    adds_constraints: bool  # can a constraint be added to an existing table?
    has_comments: bool  # can tables and columns have comments?
    folds_quoted_names: bool  # are "A" and "a" the same table?
    triggers_are_of_tables: bool  # does DROP TRIGGER name the table?
    has_infinite_dates: bool = False  # are there dates before and after all others?
    has_sqlalchemy: bool = True  # does SQLAlchemy support it?
    comment: str = "--"  # the start of a comment line in a script
    statement: str = "{};"  # a statement in a script
    analyze: str = ""  # gathers statistics of a table
    script_begins: str = ""  # the first line of a DDL script, so that it runs in the written order
    sqlglot: str = "duckdb"  # what sqlglot calls the language of rules: over documents they are DuckDB's SQL


POSTGRESQL = Dialect(
    "postgresql",
    has_schemas=True,
    has_types=True,
    adds_constraints=True,
    has_comments=True,
    folds_quoted_names=False,
    triggers_are_of_tables=True,
    has_infinite_dates=True,
    analyze="ANALYZE {}",
    script_begins="SET check_function_bodies TO off; -- a function may name what comes after it",
    sqlglot="postgres",
)
SQLITE = Dialect(
    "sqlite",
    has_schemas=False,
    has_types=False,
    adds_constraints=False,
    has_comments=False,
    folds_quoted_names=True,
    triggers_are_of_tables=False,
    analyze="ANALYZE {}",
    sqlglot="sqlite",
)
MEMORY = Dialect(
    "memory",
    has_schemas=False,
    has_types=False,
    adds_constraints=True,
    has_comments=False,
    folds_quoted_names=False,
    triggers_are_of_tables=True,
    has_sqlalchemy=False,
)
MONGODB = Dialect(
    "mongodb",
    has_schemas=False,
    has_types=False,
    adds_constraints=False,
    has_comments=False,
    folds_quoted_names=False,
    triggers_are_of_tables=False,
    has_sqlalchemy=False,
    comment="//",
    statement="db.runCommand({});",
)
DIALECTS = {dialect.name: dialect for dialect in (POSTGRESQL, SQLITE, MEMORY, MONGODB)}


def dialect_of(name: str) -> Dialect:
    """Return the dialect of this name. Raises Misused if no target uses it."""
    if name not in DIALECTS:
        raise Misused(f"the dialect {name!r} is not supported for a target", hint=" or ".join(DIALECTS))
    return DIALECTS[name]

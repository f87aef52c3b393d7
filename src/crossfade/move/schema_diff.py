"""Two schemas compared: each a live database, SQL files, a Prisma schema or SQLAlchemy's metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crossfade.errors import Misused
from crossfade.model.described import Described
from crossfade.model.urls import hide_password
from crossfade.schema.diff_shown import as_json, rows
from crossfade.schema.load import load_schema
from crossfade.schema.side_by_side import SchemaDiff, side_by_side
from crossfade.stores.contract import Store, need
from crossfade.stores.open import TARGETS, open_store


def schema_diff(one: str, other: str, server: Callable[[], str], root: Path) -> SchemaDiff:
    """Compare two schemas. A URL is a live database; anything else is read as `target.schema` is, relative to `root`.

    A schema in files is created in a scratch database beside the live one, or, if both are files, beside the database
    that `server` returns. Raises Misused if the two are of different databases.
    """
    urls = [spec for spec in (one, other) if is_url(spec)]
    beside = urls[0] if urls else server()
    described = [_described(spec, beside, root) for spec in (one, other)]
    products = [side.server.split(",")[0] for side in described]
    if len({product.split()[0] for product in products}) > 1:
        raise Misused(
            f"a schema of {products[0]} cannot be compared with one of {products[1]}; nothing was compared",
            hint="compare two databases of one kind, or a database with schema files",
        )
    return side_by_side(*described, both_live=len(urls) == 2)


def is_url(spec: str) -> bool:
    return "://" in spec or spec.startswith("dump:")


def shown(spec: str) -> str:
    """Return the side as it is printed: a URL without its password."""
    return hide_password(spec) if is_url(spec) else spec


def _described(spec: str, beside: str, root: Path) -> Described:
    with _opened(spec if is_url(spec) else beside) as store:
        ddl = need(store.ddl, store, "be compared")
        if not is_url(spec):
            return ddl.describe_made(load_schema(spec, root, store.traits.dialect, ddl))
        # a file that does not exist is not an empty schema
        need(store.row_reader, store, "be read").query("SELECT 1", limit=1)
        return ddl.describe()


def _opened(url: str) -> Store:
    if not url.startswith(TARGETS):
        raise Misused(f"{hide_password(url)} has no schema to compare", hint=f"one of {', '.join(TARGETS)}")
    return open_store(url, known=TARGETS)


__all__ = ["SchemaDiff", "as_json", "is_url", "rows", "schema_diff", "shown"]

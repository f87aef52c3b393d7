"""Convert rows of the catalog to objects to create, of kinds that few schemas have: casts, operators, text search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from crossfade.model.target import Step
from crossfade.stores.postgresql.catalog.order import CAST, FOREIGN, FUNCTION, OPERATOR, TABLE, TYPE, Object

Rows = Callable[[str], list[Any]]

# OIDs of the catalogs themselves; the same in every PostgreSQL.
_PG_CLASS, _PG_CAST, _PG_OPERATOR, _PG_OPCLASS, _PG_OPFAMILY = 1259, 2605, 2617, 2616, 2753
_PG_WRAPPER, _PG_SERVER = 2328, 1417


def rare_objects(rows: Rows) -> Iterator[Object]:
    for row in rows("casts"):
        yield Object((_PG_CAST, row.oid), CAST, (Step(f"cast {_shown(row.name)}", row.sql),))
    for row in rows("operators"):
        yield Object((_PG_OPERATOR, row.oid), OPERATOR, (Step(f"operator {_shown(row.name)}", row.sql),))
    yield from _families_and_classes(rows)
    for row in rows("text_search"):
        first, *more = row.sql
        steps = [Step(f"text search {row.kind} {_shown(row.name)}", first)]
        steps += [Step(f"mapping {n} of {_shown(row.name)}", sql) for n, sql in enumerate(more, 1)]
        yield Object((row.class_, row.oid), TYPE, tuple(steps))
    for row in rows("wrappers"):
        yield Object((_PG_WRAPPER, row.oid), FOREIGN, (Step(f"foreign data wrapper {row.name}", row.sql),))
    for row in rows("servers"):
        yield Object((_PG_SERVER, row.oid), FOREIGN, (Step(f"server {row.name}", row.sql),))
    for row in rows("foreign_tables"):
        name = f"foreign table {_shown(row.name)}"
        checks = (Step(f"check {n} of {name}", check) for n, check in enumerate(row.open_checks, 1))
        yield Object((_PG_CLASS, row.oid), TABLE, (Step(name, row.sql), *checks))


def _shown(name: str) -> str:
    return name.removeprefix("public.")


def _families_and_classes(rows: Rows) -> Iterator[Object]:
    """Yield operator families and classes. A family's own members follow its classes, which they may refer to."""
    members: dict[tuple[bool, int], list[str]] = defaultdict(list)
    for row in rows("operator_members"):
        members[row.in_class, row.owner].append(row.sql)
    for row in rows("operator_families"):
        name = f"operator family {_shown(row.name)}"
        steps = [Step(name, f"CREATE OPERATOR FAMILY {row.name}")]
        if loose := members[False, row.oid]:
            steps.append(Step(f"members of {name}", f"ALTER OPERATOR FAMILY {row.name} ADD {', '.join(loose)}"))
        yield Object((_PG_OPFAMILY, row.oid), FUNCTION, tuple(steps))
    for row in rows("operator_classes"):
        parts = [*members[True, row.oid], *([f"STORAGE {row.key_type}"] if row.key_type else [])]
        sql = (
            f"CREATE OPERATOR CLASS {row.name}{' DEFAULT' if row.is_default else ''} FOR TYPE {row.type}"
            f" USING {row.method} FAMILY {row.family} AS {', '.join(parts or [f'STORAGE {row.type}'])}"
        )
        step = Step(f"operator class {_shown(row.name)} using {row.method}", sql)
        yield Object((_PG_OPCLASS, row.oid), OPERATOR, (step,))
